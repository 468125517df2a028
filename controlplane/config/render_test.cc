#include <string>

#include "controlplane/config/load.h"
#include "controlplane/config/test_sources.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

std::string Render(const std::string& text) {
  const TestSources sources;
  return RenderFindings("lb.yaml", text, Load(text, sources.Get()));
}

TEST(RenderTest, ShowsThePlaceTheCodeTheLineAndTheCount) {
  EXPECT_EQ(Render("rules:\n"
                   "  - name: a\n"
                   "    lisen: 0.0.0.0:80\n"
                   "    listen: 127.0.0.1:80\n"
                   "    backends: []\n"),
            "lb.yaml:3:5: error LB0102: unknown key 'lisen'; did you mean 'listen'?  "
            "(rules[0].lisen)\n"
            "    3 |     lisen: 0.0.0.0:80\n"
            "      |     ^~~~~\n"
            "lb.yaml:5:5: warning LB0209: no backend: every connection is closed at once  "
            "(rules[0].backends)\n"
            "    5 |     backends: []\n"
            "      |     ^~~~~~~~\n"
            "1 error, 1 warning\n");
}

TEST(RenderTest, SaysNothingWhenThereIsNothingToSay) {
  EXPECT_EQ(Render("rules: [{name: a, listen: '0.0.0.0:80', backends: ['h:1']}]\n"), "");
}

TEST(RenderTest, AFindingAboutTheWholeFileHasNoLine) {
  EXPECT_EQ(Render(""),
            "lb.yaml: error LB0122: the file has no content; write 'rules: []' for a configuration "
            "without rules\n1 error, 0 warnings\n");
  EXPECT_EQ(Render(std::string(kMaxConfigBytes + 1, 'x')),
            "lb.yaml: error LB0120: the file has 10485761 bytes; at most 10485760 are read\n"
            "1 error, 0 warnings\n");
}

TEST(RenderTest, ColumnsCountCharactersAndTheCaretStandsBelowThem) {
  EXPECT_EQ(Render("{rules: [], \"é\": 1, ü: 2}\r\n"),
            "lb.yaml:1:2: warning LB0208: no rules: nothing is listened on  (rules)\n"
            "    1 | {rules: [], \"é\": 1, ü: 2}\n"
            "      |  ^~~~~\n"
            "lb.yaml:1:13: error LB0102: unknown key 'é'  (é)\n"
            "    1 | {rules: [], \"é\": 1, ü: 2}\n"
            "      |             ^~~\n"
            "lb.yaml:1:21: error LB0102: unknown key 'ü'  (ü)\n"
            "    1 | {rules: [], \"é\": 1, ü: 2}\n"
            "      |                     ^\n"
            "2 errors, 1 warning\n");
}

TEST(RenderTest, ControlCharactersAndLongLinesDoNotReachTheTerminal) {
  const std::string binary = Render("a: \x1B[31m\n");
  EXPECT_NE(binary.find("    1 | a: ?[31m\n"), std::string::npos) << binary;
  const std::string long_line = Render("{" + std::string(5'000, ' ') + "lisen: 1}\n");
  EXPECT_NE(long_line.find("lisen: 1}\n"), std::string::npos);
  EXPECT_LT(long_line.size(), 1'000u);
}

TEST(RenderTest, TellsHowManyFindingsAreNotShown) {
  std::string text = "rules: [{name: a, listen: '0.0.0.0:80', backends: ['h:1']}]\n";
  for (int i = 0; i < 150; ++i) text += "key" + std::to_string(i) + ": 1\n";
  const std::string rendered = Render(text);
  EXPECT_NE(rendered.find("\n100 errors, 0 warnings (50 more not shown)\n"), std::string::npos);
}

}  // namespace
}  // namespace lb::controlplane
