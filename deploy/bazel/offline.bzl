"""Repositories that Bazel 4.2.3 wants from the network, replaced by local shims."""

def _shim_impl(ctx):
    ctx.file("WORKSPACE", "workspace(name = %r)\n" % ctx.name)
    ctx.file("BUILD.bazel", "")
    ctx.file(ctx.attr.package + "/BUILD.bazel", "")
    lines = ["%s = native.%s" % (rule, rule) for rule in ctx.attr.rules]
    ctx.file(ctx.attr.package + "/defs.bzl", "\n".join(lines) + "\n")

_shim = repository_rule(
    implementation = _shim_impl,
    attrs = {
        "package": attr.string(mandatory = True),
        "rules": attr.string_list(mandatory = True),
    },
)

def _coverage_stub_impl(ctx):
    ctx.file("WORKSPACE", "workspace(name = %r)\n" % ctx.name)
    ctx.file("BUILD.bazel", """
package(default_visibility = ["//visibility:public"])
filegroup(name = "coverage_report_generator")
""")

_coverage_stub = repository_rule(implementation = _coverage_stub_impl)

def offline_repositories():
    """Declares rules_cc, rules_java and remote_coverage_tools without any download."""
    _shim(
        name = "rules_cc",
        package = "cc",
        rules = ["cc_binary", "cc_import", "cc_library", "cc_test", "cc_toolchain", "cc_toolchain_suite"],
    )
    _shim(
        name = "rules_java",
        package = "java",
        rules = ["java_binary", "java_import", "java_library", "java_plugin", "java_runtime", "java_toolchain"],
    )
    _coverage_stub(name = "remote_coverage_tools")
