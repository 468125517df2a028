#!/usr/bin/python3
"""Shows that the lint refuses what it should and nothing else, on small trees made for it."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import lint  # pylint: disable=wrong-import-position
import source  # pylint: disable=wrong-import-position

HEADER = "// What this is.\n#pragma once\n"


def lines(count):
    return "".join("  Step(%d);\n" % i for i in range(count))


class Tree(unittest.TestCase):
    """A repository of the files a test names, without clang-format's opinion unless asked for."""

    def names(self, files, baseline="", keep=()):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**files, lint.BASELINE: baseline}.items():
                os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            return [f[2] for f in lint.lint(root)[0] if f[2] != "format" or f[2] in keep]


class BanTest(Tree):
    BAD = {
        "sleep": ("base/a.cc", "void F() { std::this_thread::sleep_for(x); }\n"),
        "clock": ("dataplane/limit/a.cc", "auto t = std::chrono::steady_clock::now();\n"),
        "wall-clock": ("controlplane/loop/a.cc", "std::chrono::system_clock::time_point t;\n"),
        "randomness": ("tests/a.cc", "std::random_device entropy;\n"),
        "hash-order": ("controlplane/snapshot/a.cc", "std::unordered_map<int, int> m;\n"),
        "using-namespace": ("base/a.cc", "using namespace std;\n"),
        "friend": ("base/a.cc", "class A { friend class ATest; };\n"),
        "empty-catch": ("base/a.cc", "void F() { try { G(); } catch (...) {} }\n"),
        "naked-new": ("base/a.cc", "int* F() { return new int(3); }\n"),
        "naked-delete": ("base/a.cc", "void F(int* p) { delete p; }\n"),
        "grpc": ("controlplane/stream/a.cc", "#include <grpcpp/grpcpp.h>\n"),
        "asio": ("controlplane/health/a.cc", "#include <boost/asio/io_context.hpp>\n"),
        "openssl": ("base/BUILD.bazel", 'cc_library(name = "a", linkopts = ["-lssl"])\n'),
        "unfinished": ("base/a.cc", "// TODO: later\n"),
        "tracker": ("base/a.cc", "// As asked in issue 12.\n"),
        "header-comment": ("base/a.h", "#pragma once\n"),
        "header-guard": ("base/a.h", "// What this is.\n"),
        "link": ("README.md", "See [this](docs/gone.md).\n"),
        "shell": ("deploy/go", "#!/bin/bash\nif true; then\n"),
    }

    def test_each_bad_sample_is_refused_by_its_rule(self):
        for rule, (path, text) in self.BAD.items():
            with self.subTest(rule=rule):
                self.assertIn(rule, self.names({path: text}))

    def test_only_the_waiting_helper_of_the_tests_sleeps(self):
        self.assertEqual(self.names({"tests/e2e/a_test.py": "time.sleep(1)\n"}), ["sleep"])
        self.assertEqual(self.names({"tests/e2e/harness/waiting.py": "time.sleep(0.02)\n"}), [])

    def test_planes_do_not_include_each_other(self):
        for path, include in (
            ("dataplane/a.cc", "controlplane/config/config.h"),
            ("controlplane/a.cc", "dataplane/limit/slots.h"),
            ("base/a.cc", "dataplane/limit/slots.h"),
            ("cli/a.cc", "controlplane/loop/event.h"),
        ):
            self.assertEqual(self.names({path: '#include "%s"\n' % include}), ["planes"], path)
        self.assertEqual(self.names({"cli/a.cc": '#include "controlplane/config/config.h"\n'}), [])

    def test_words_in_comments_and_literals_are_no_code(self):
        text = '// Never sleep_for() here; system_clock is off.\nconst char* k = "new Foo; rand(";\n'
        self.assertEqual(self.names({"base/a.cc": text}), [])
        self.assertEqual(self.names({"base/a.cc": 'const char* k = R"(delete p; // issue 3)";\n'}), [])

    def test_the_edges_may_read_clocks_and_do_input_and_output(self):
        text = "#include <boost/asio/io_context.hpp>\nauto t = Clock::now();\n"
        self.assertEqual(self.names({"controlplane/shell/a.cc": text}), [])

    def test_new_straight_into_an_owner_is_fine(self):
        text = "A F() {\n  return std::unique_ptr<Foo>(new Foo(1));\n}\nB() = delete;\n"
        self.assertEqual(self.names({"base/a.cc": text}), [])
        self.assertEqual(self.names({"base/a.cc": "static const A* const a = new A();\n"}), [])

    def test_an_ordinary_header_passes(self):
        self.assertEqual(self.names({"base/a.h": HEADER + "int F(int deleted, int newest);\n"}), [])


class LengthTest(Tree):
    def test_a_function_of_seventy_lines_passes_and_one_more_does_not(self):
        self.assertEqual(self.names({"base/a.cc": "void F() {\n%s}\n" % lines(68)}), [])
        self.assertEqual(self.names({"base/a.cc": "void F() {\n%s}\n" % lines(69)}), ["too-long"])

    def test_a_long_file_is_refused(self):
        self.assertEqual(self.names({"base/a.cc": "int a;\n" * 501}), ["too-long"])

    def test_an_entry_of_the_baseline_may_stay_but_not_grow(self):
        files = {"base/a.cc": "void A::F() {\n%s}\n" % lines(78)}
        self.assertEqual(self.names(files, "base/a.cc:A::F 80\n"), [])
        self.assertEqual(self.names(files, "base/a.cc:A::F 79\n"), ["too-long"])

    def test_an_entry_that_is_no_longer_true_must_go(self):
        files = {"base/a.cc": "void A::F() {\n%s}\n" % lines(78)}
        self.assertEqual(self.names(files, "base/a.cc:A::F 90\n"), ["baseline"])
        self.assertEqual(self.names({"base/a.cc": "int a;\n"}, "base/gone.cc:F 90\n"), ["baseline"])


class FormatTest(Tree):
    def test_what_clang_format_would_change_is_a_finding(self):
        with open(os.path.join(os.path.dirname(os.path.realpath(__file__)), "../../.clang-format")) as file:
            style = file.read()
        files = {".clang-format": style, "base/a.cc": "int   a;\n"}
        self.assertEqual(self.names(files, keep=("format",)), ["format"])
        files["base/a.cc"] = "int a;\n"
        self.assertEqual(self.names(files, keep=("format",)), [])


class FunctionsTest(unittest.TestCase):
    def found(self, text):
        return [(name, count) for name, _, count in source.functions(text)]

    def test_members_and_free_functions_are_found_in_their_scopes(self):
        text = """namespace lb {
class A final : public B<int> {
 public:
  int Get() const { return a_; }
  A& operator=(const A&) = delete;
  bool operator==(const A& b) const {
    return true;
  }

 private:
  int a_ = 0;
};
int Free(int a) {
  return a;
}
}  // namespace lb
"""
        self.assertEqual(self.found(text), [("Get", 1), ("operator==", 3), ("Free", 3)])

    def test_initialisers_with_braces_are_part_of_the_constructor(self):
        text = "A::A(int a)\n    : a_{a}, b_(a), c_{} {\n  Go();\n}\nvoid F() {}\n"
        self.assertEqual(self.found(text), [("A::A", 4), ("F", 1)])

    def test_tables_enums_and_structs_are_no_functions(self):
        text = "const int kTable[] = {\n1,\n2};\nenum class E { kA };\nstruct S { int a; };\nS s{1};\n"
        self.assertEqual(self.found(text), [])

    def test_a_default_argument_in_braces_ends_nothing(self):
        self.assertEqual(self.found("void F(Options o = {}, int b = 1) {\n  Go();\n}\n"), [("F", 3)])

    def test_lambdas_and_local_types_belong_to_their_function(self):
        text = "void F() {\n  struct L { void M() {} };\n  auto g = [](int a) { return a; };\n}\n"
        self.assertEqual(self.found(text), [("F", 4)])

    def test_braces_in_literals_comments_and_macros_do_not_count(self):
        text = "#define A(x) { x\nvoid F() {\n  G('{', \"}\", R\"x(}})x\");  // }\n}\nvoid H() {}\n"
        self.assertEqual(self.found(text), [("F", 3), ("H", 1)])

    def test_tests_are_named_by_suite_and_case(self):
        self.assertEqual(self.found("TEST(ATest, Works) {\n}\n"), [("ATest.Works", 2)])

    def test_digit_separators_are_no_literals(self):
        self.assertEqual(self.found("void F() { G(1'000'000); }\nvoid H() {}\n"), [("F", 1), ("H", 1)])


class MetricTest(Tree):
    def test_a_metric_must_stand_in_the_documentation(self):
        code = 'auto a = Counter("lb_known_total", "x");\nauto b = Gauge("lb_secret", "y");\n'
        files = {"dataplane/control/a.cc": code, lint.METRICS_DOC: "| `lb_known_total` | |\n"}
        self.assertEqual(self.names(files), ["metric"])
        self.assertEqual(self.names({**files, lint.METRICS_DOC: "`lb_known_total`, `lb_secret`\n"}), [])


class KindTest(Tree):
    def test_a_kind_of_event_must_stand_in_the_list_and_the_documentation(self):
        code = 'void F() {\n  turn.Emit(a ? "x.up" : "x.down", "", kInfo);\n  event.set_kind("x.set");\n}\n'
        files = {"controlplane/a.cc": code, lint.KINDS_LIST: 'int k[] = {\n"x.up",\n"x.set",\n};\n',
                 lint.KINDS_DOC: "`x.up`\n"}
        self.assertEqual(self.names(files), ["kind", "kind"])
        files[lint.KINDS_LIST] = 'int k[] = {\n"x.up",\n"x.down",\n"x.set",\n};\n'
        files[lint.KINDS_DOC] = "`x.up`, `x.down`, `x.set`\n"
        self.assertEqual(self.names(files), [])


class TypeNameTest(Tree):
    def names_of(self, *codes):
        return self.names({"base/%d.cc" % i: code for i, code in enumerate(codes)})

    def test_two_types_of_one_name_in_one_namespace_are_refused(self):
        one = "namespace lb {\nclass A final : B {\n  struct C {};\n};\n}  // namespace lb\n"
        self.assertEqual(self.names_of(one, one.replace("class A final : B", "struct A")), ["type"])

    def test_the_same_name_elsewhere_is_another_type(self):
        one = "namespace lb {\nclass A {\n  class C {\n  };\n};\n}  // namespace lb\n"
        hidden = "namespace lb {\nnamespace {\nclass A {\n};\n}  // namespace\n"
        hidden += "class A::C final {\n};\n}  // namespace lb\n"
        self.assertEqual(self.names_of(one, one.replace("lb", "lb::cli"), hidden), [])


if __name__ == "__main__":
    unittest.main()
