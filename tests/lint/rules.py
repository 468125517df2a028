"""What the lint test refuses, each with what to write instead.

A rule is a pattern over the code (comments and literals blanked), the files it reads, and the
places it does not hold in. Paths are relative to the repository, with "/".
"""

import re

_CC = (".cc", ".h")


class Rule:
    """One banned pattern. `on`: "code", "comments" or "text"."""

    def __init__(self, name, pattern, instead, on="code", files=_CC, only=(), allowed=()):
        self.name = name
        self.pattern = re.compile(pattern)
        self.instead = instead
        self.on = on
        self.files = files
        self.only = only
        self.allowed = allowed

    def reads(self, path):
        if not path.endswith(self.files):
            return False
        if self.only and not path.startswith(self.only):
            return False
        return not path.startswith(self.allowed)


# Folders of pure logic: no clock, no socket, and an order that repeats.
_PURE = tuple(
    "controlplane/%s/" % name
    for name in "config health membership resolve discovery budget snapshot stream admin loop".split()
)
# The edges of the programs: where time is read and input and output happen.
_EDGES = (
    "controlplane/shell/",
    "controlplane/main.cc",
    "dataplane/control/",
    "dataplane/forward/",
    "dataplane/handover/",
    "dataplane/http_door",
    "dataplane/tls/",
    "dataplane/main.cc",
    "cli/",
    "base/http_",
    "tests/",
)
# Helpers that ask for a condition again and again, with a bound; the only ones that sleep.
_POLLING = ("dataplane/forward/test_net.cc", "tests/fakes/")
# Where objects own themselves until a loop or a C library is done with them.
_INTRUSIVE = ("dataplane/forward/", "controlplane/shell/")
# The lint's own files must be able to name what they refuse.
_SELF = ("tests/lint/",)

RULES = (
    Rule(
        "sleep",
        r"\b(sleep_for|sleep_until|usleep|nanosleep|(?<![\w.>:])sleep)\s*\(",
        "wait for the condition itself, with a bound (poll, condition variable, timer)",
        allowed=_POLLING,
    ),
    Rule(
        "sleep",
        r"\btime\.sleep\s*\(",
        "wait_for() of tests/e2e/harness/waiting.py: it ends with the condition",
        files=(".py",),
        allowed=("tests/e2e/harness/waiting.py",) + _SELF,
    ),
    Rule(
        "wall-clock",
        r"\b(system_clock\b|gettimeofday\s*\(|time\s*\(\s*(nullptr|NULL|0)\s*\))",
        "take the time as an argument (base/time.h); the wall clock is for people to read",
        allowed=_EDGES + ("base/log.cc", "base/time.h", "controlplane/loop/event.h"),
    ),
    Rule(
        "clock",
        r"(\b\w*[cC]lock\s*::\s*now\s*\(|\babsl::Now\s*\(|\bclock_gettime\s*\()",
        "take `now` as an argument (base/time.h); only the edges of the programs read a clock",
        allowed=_EDGES + ("base/log.cc", "base/time.h"),
    ),
    Rule(
        "randomness",
        r"\b(random_device|(uniform|normal|bernoulli|exponential|poisson|discrete)_\w*distribution|"
        r"default_random_engine|BitGen|s?rand\s*\()",
        "a seeded lb::Prng (base/prng.h) given as an argument: runs must repeat",
    ),
    Rule(
        "hash-order",
        r"\b(unordered_(multi)?(map|set)|(flat|node)_hash_(map|set))\b",
        "std::map, std::set or a sorted vector: the order must repeat from run to run",
        only=_PURE,
    ),
    Rule("using-namespace", r"\busing\s+namespace\s+(std|absl|boost)\s*;", "name what is used"),
    Rule(
        "friend",
        r"\b(friend\s+(class|struct)\s+[\w:]*(Test|Peer|Mock|Fake)\w*|FRIEND_TEST)\b",
        "test through the public interface; split the class",
    ),
    Rule(
        "empty-catch",
        r"\bcatch\s*\([^)]*\)\s*\{\s*\}",
        "handle the error, count it, or return it",
    ),
    Rule(
        "naked-new",
        r"(?<![:\w])new\s+(?!\()[A-Za-z_:]",
        "std::make_unique (.release() into a C callback), or std::unique_ptr<T>(new T(...))",
        allowed=_INTRUSIVE,
    ),
    Rule(
        "naked-delete",
        r"(?<!operator )\bdelete(\[\])?\s+[A-Za-z_*(]",
        "an owner: std::unique_ptr",
        allowed=_INTRUSIVE,
    ),
    Rule(
        "grpc",
        r'#\s*include\s*[<"](grpcpp/|grpc/|[^">]*\.grpc\.pb\.h)',
        "keep gRPC at the edges: controlplane/shell, dataplane/control, cli",
        on="text",
        allowed=_EDGES + ("base/grpc_log",),
    ),
    Rule(
        "asio",
        r'#\s*include\s*[<"]boost/(asio|beast)',
        "keep Asio at the edges; pass values inward",
        on="text",
        allowed=_EDGES,
    ),
    Rule(
        "planes",
        r'#\s*include\s*"controlplane/',
        "the planes share only base/ and proto/",
        on="text",
        only=("dataplane/", "base/"),
    ),
    Rule(
        "planes",
        r'#\s*include\s*"(dataplane|cli)/',
        "the planes share only base/ and proto/",
        on="text",
        only=("controlplane/", "base/"),
    ),
    Rule(
        "planes",
        r'#\s*include\s*"(dataplane/|controlplane/(?!config/|tls/))',
        "lbctl uses proto/, base/, controlplane/config and controlplane/tls only",
        on="text",
        only=("cli/",),
    ),
    Rule(
        "openssl",
        r"(-lssl|-lcrypto|-lgrpc\b|-lgrpc\+\+)",
        '"@system//:grpcpp" and "@boringssl": two TLS libraries in a process break each other',
        on="text",
        files=("BUILD.bazel", ".bzl", ".BUILD"),
        allowed=("deploy/bazel/",),
    ),
    Rule(
        "unfinished",
        r"\b(TODO|FIXME|XXX|HACK)\b",
        "do it now, or write down the limit as a fact",
        on="text",
        files=_CC + (".proto", ".py", ".sh", ".bazel", ".bzl", ".md"),
        allowed=_SELF,
    ),
    Rule(
        "tracker",
        r"((?i:\bissue)\s+#?\d+\b|(?<![\w&#/(`])#\d+\b)",
        "say the reason itself: code outlives trackers",
        on="comments",
        files=_CC + (".proto",),
    ),
)


def _is_owned(text, at):
    """A `new` whose result goes straight into an owner, or lives as long as the program."""
    statement = text[max(text.rfind(";", 0, at), text.rfind("{", 0, at), text.rfind("}", 0, at)) + 1 : at]
    return re.search(r"(unique_ptr|shared_ptr|WrapUnique|\breset\s*\(|_ptr_?\(|\bstatic\b)", statement) is not None


def findings(path, text, code, comments):
    """Yields (line number, rule name, message) for one file."""
    views = {"code": code, "comments": comments, "text": text}
    for rule in RULES:
        if not rule.reads(path):
            continue
        view = views[rule.on]
        for match in rule.pattern.finditer(view):
            if rule.name == "naked-new" and _is_owned(view, match.start()):
                continue
            line = view.count("\n", 0, match.start()) + 1
            found = " ".join(text[match.start() : match.end()].split())
            yield line, rule.name, "'%s': rather %s" % (found, rule.instead)
