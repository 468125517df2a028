"""Tests of the benchmark: Python files that find driver and harness in their runfiles."""

def bench_test(name, size = "small", data = [], tags = []):
    """Runs NAME.py.

    Args:
      name: of the test, and of its Python file without ".py".
      size: Bazel's; bounds the time.
      data: programs it starts.
      tags: Bazel's, besides "no_sanitizer": a slow program measures nothing.
    """
    native.sh_test(
        name = name,
        size = size,
        srcs = ["run_test.sh"],
        args = ["$(location %s.py)" % name],
        data = [name + ".py", ":driver"] + data,
        tags = ["no_sanitizer"] + tags,
    )
