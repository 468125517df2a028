"""Fuzz targets: a corpus replayed by every test run, and a libFuzzer binary for hunting."""

def lb_fuzz_test(name, srcs, deps, size = "small", **kwargs):
    """Declares the fuzz target `name`.

    Ordinarily it is a test that feeds each file of corpus/NAME/ to LLVMFuzzerTestOneInput once. With
    --config=fuzz the same target is a libFuzzer program:
    bazel build --config=fuzz //tests/fuzz:NAME, then bazel-bin/tests/fuzz/NAME DIR.

    Args:
      name: of the target, and of its folder below corpus/.
      srcs: one file that defines LLVMFuzzerTestOneInput.
      deps: as of cc_test.
      size: as of cc_test.
      **kwargs: as of cc_test.
    """
    native.cc_test(
        name = name,
        size = size,
        srcs = srcs,
        args = ["tests/fuzz/corpus/" + name],
        data = native.glob(["corpus/" + name + "/**"]),
        linkopts = select({
            "//tests/fuzz:libfuzzer": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        deps = deps + select({
            "//tests/fuzz:libfuzzer": [],
            "//conditions:default": ["//tests/fuzz:replay"],
        }),
        **kwargs
    )
