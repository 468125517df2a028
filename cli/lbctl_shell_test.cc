// The completion scripts in the shells they are for: each is accepted, and completes a name that
// only a server knows.
#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>

#include "base/check.h"
#include "cli/lbctl_fixture.h"

namespace lb::cli {
namespace {

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class LbctlShellTest : public LbctlTest {
 protected:
  LbctlShellTest() {
    for (const char* shell : {"bash", "zsh", "fish"})
      std::ofstream(Script(shell)) << RunLbctl({"completion", shell}).out;
  }

  std::string Script(const std::string& shell) const { return folder_ + "/completion." + shell; }

  // What `shell` prints when it runs `text` with lbctl in its path, and how it ended.
  std::pair<std::string, int> RunIn(const std::string& shell, const std::string& text) const {
    const std::string file = folder_ + "/script";
    std::ofstream(file) << text;
    const std::string command =
        "HOME=" + folder_ + " PATH=$PWD/cli:/usr/bin:/bin LBCTL_ENDPOINT=" + server_->endpoint() +
        " " + shell + " " + file + " 2>&1";
    FILE* pipe = ::popen(command.c_str(), "r");
    LB_CHECK(pipe != nullptr);
    std::string out;
    std::array<char, 4096> block;
    while (const size_t got = std::fread(block.data(), 1, block.size(), pipe))
      out.append(block.data(), got);
    return {out, ::pclose(pipe)};
  }
};

TEST_F(LbctlShellTest, EachScriptIsAcceptedByItsShell) {
  for (const auto& [shell, check] : std::vector<std::pair<std::string, std::string>>{
           {"bash", "bash -n"}, {"zsh", "zsh -f -n"}, {"fish", "fish --no-execute"}}) {
    const auto [out, status] = RunIn(check, RunLbctl({"completion", shell}).out);
    EXPECT_EQ(status, 0) << shell << out;
    EXPECT_EQ(out, "") << shell;
  }
}

TEST_F(LbctlShellTest, FishCompletesCommandsAndNamesOfTheServer) {
  const std::string source = "source " + Script("fish") + "\n";
  EXPECT_EQ(RunIn("fish", source + "complete -C 'lbctl get rules w'").first, "web\n");
  EXPECT_EQ(RunIn("fish", source + "complete -C 'lbctl backend drain web/web-'").first,
            "web/web-1\nweb/web-2\n");
  EXPECT_EQ(RunIn("fish", source + "complete -C 'lbctl desc'").first, "describe\n");
  EXPECT_EQ(RunIn("fish", source + "complete -C 'lbctl worker drain '").first,
            "worker-1\nworker-2\n");
}

TEST_F(LbctlShellTest, FishGoesOnWithFilesWhereNothingElseFits) {
  std::ofstream(folder_ + "/mine.yaml") << "\n";
  const std::string source = "source " + Script("fish") + "\ncd " + folder_ + "\n";
  const std::string out = RunIn("fish", source + "complete -C 'lbctl apply min'").first;
  EXPECT_TRUE(Has(out, "mine.yaml")) << out;
}

TEST_F(LbctlShellTest, BashCompletesNamesOfTheServerThroughItsOwnMachinery) {
  const std::string text = "source " + Script("bash") +
                           "\ncomplete -p lbctl\n"
                           "COMP_LINE='lbctl get rules w' COMP_POINT=17\n"
                           "_lbctl lbctl w rules\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
  EXPECT_EQ(RunIn("bash", text).first, "complete -o default -F _lbctl lbctl\nweb\n");
}

// Bash breaks words at ':' and '=' too, and puts what it gets behind the last break.
TEST_F(LbctlShellTest, BashGetsWhatStandsBehindItsLastBreak) {
  fakes::AdminServer::Data data = ExampleData();
  data.backends[0].set_name("rules/web/backends/10.0.0.1:8080");
  server_->Set(data);
  for (const auto& [line, expected] : std::vector<std::pair<std::string, std::string>>{
           {"lbctl backend drain web/10.0.0.1:8", "8080\n"},
           {"lbctl get backends --rule=w", "web\n"},
           {"lbctl wait backends/web/web-2 --for=dr", "drained\n"}}) {
    const std::string text = "source " + Script("bash") +
                             "\nCOMP_WORDBREAKS=$' \\t\\n\"\\'><=;|&(:'\n" + "COMP_LINE='" + line +
                             "' COMP_POINT=" + std::to_string(line.size()) +
                             "\n_lbctl lbctl\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
    EXPECT_EQ(RunIn("bash", text).first, expected) << line;
  }
}

TEST_F(LbctlShellTest, WhatOnlySomeCommandsTakeIsOfferedThere) {
  fakes::AdminServer::Data data = ExampleData();
  data.changes.configs.resize(2);
  data.changes.configs[0].set_revision(8);
  data.changes.configs[1].set_revision(7);
  server_->Set(data);
  const auto complete = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"__complete", "-e", server_->endpoint()});
    return RunLbctl(words).out;
  };
  EXPECT_EQ(complete({"config", "get", ""}), "8\n7\n");
  EXPECT_EQ(complete({"rollback", ""}), "8\n7\n");
  EXPECT_EQ(complete({"confirm", ""}), "8\n7\n");
  EXPECT_EQ(complete({"log-level", "set", "workers/w"}), "workers/worker-1\nworkers/worker-2\n");
  EXPECT_EQ(complete({"log-level", "set", "controlplane", "d"}), "debug\ndefault\n");
  EXPECT_EQ(complete({"wait", "workers/worker-1", "--for", "s"}), "synced\n");
}

// Goal: what most people do with a long list. Method: more rows than a pipe holds, so that the
// reader is gone while lbctl writes.
TEST_F(LbctlShellTest, AReaderOfTheFirstLineOnlyEndsItQuietly) {
  fakes::AdminServer::Data data = ExampleData();
  data.rules.assign(20'000, data.rules[0]);
  server_->Set(data);
  for (const char* output : {"table", "json"}) {
    const std::string first = output == std::string("json") ? "{" : "NAME";
    const auto [out, status] = RunIn(
        "bash", std::string("set -o pipefail\nlbctl get rules -o ") + output + " | head -1\n");
    EXPECT_EQ(status, 0) << out;
    EXPECT_EQ(out.substr(0, first.size()), first) << out;
    EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 1) << out;
  }
}

// zsh completes only in its line editor: the function is run with what the editor would give it.
TEST_F(LbctlShellTest, ZshOffersNamesOfTheServer) {
  const std::string text =
      "compdef() { }\n_files() { print files }\ncompadd() { print -l -- ${(P)2} }\n"
      "source " +
      Script("zsh") + "\nwords=(lbctl get backends web/w) CURRENT=4\n_lbctl\n" +
      "words=(lbctl apply min) CURRENT=3\n_lbctl\n";
  EXPECT_EQ(RunIn("zsh -f", text).first, "web/web-1\nweb/web-2\nfiles\n");
}

}  // namespace
}  // namespace lb::cli
