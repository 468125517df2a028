"""End-to-end tests: Python files that run the real programs in a network namespace of their own."""

_PROGRAMS = [
    "//cli:lbctl",
    "//controlplane:lb-controlplane",
    "//dataplane:lb-worker",
]

def e2e_test(name, size = "medium", tags = [], programs = _PROGRAMS, data = []):
    """Runs NAME.py, which finds the programs and the harness in its runfiles.

    Args:
      name: of the test, and of its Python file without ".py".
      size: Bazel's; bounds the time.
      tags: Bazel's. "big" with "manual": needs packages that only `tests/run --all` installs;
        "heavy" with "manual": wants the machine for itself, run by `tests/run --all` alone.
      programs: what of the product it starts.
      data: what else it reads.
    """
    native.sh_test(
        name = name,
        size = size,
        srcs = ["run_test.sh"],
        args = ["$(location %s.py)" % name],
        data = [name + ".py", ":harness", "//tests/e2e/tools:lb-testpeer"] + programs + data,
        tags = tags,
    )
