// What one does with lbctl every day: describe, sorting, picking fields, and completion, against a
// fake control plane.
#include <array>
#include <boost/json.hpp>
#include <cstdio>

#include "cli/lbctl_fixture.h"

namespace lb::cli {
namespace {

namespace json = boost::json;

class LbctlDailyTest : public LbctlTest {
 protected:
  // What a real bash gets for `line` with the cursor at its end.
  std::string CompleteInBash(const std::string& line) const {
    const std::string script = "source <(cli/lbctl completion bash); COMP_LINE='" + line +
                               "'; COMP_POINT=${#COMP_LINE}; _lbctl cli/lbctl; "
                               "printf '%s ' \"${COMPREPLY[@]}\"";
    const std::string command =
        "LBCTL_ENDPOINT=" + server_->endpoint() + " bash -c \"" + Quoted(script) + "\"";
    FILE* pipe = ::popen(command.c_str(), "r");
    std::string out;
    std::array<char, 4096> block;
    while (const size_t got = std::fread(block.data(), 1, block.size(), pipe))
      out.append(block.data(), got);
    ::pclose(pipe);
    return out;
  }

 private:
  // For the inside of double quotes of sh.
  static std::string Quoted(const std::string& text) {
    std::string out;
    for (const char c : text) {
      if (c == '"' || c == '$' || c == '\\') out += '\\';
      out += c;
    }
    return out;
  }
};

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(LbctlDailyTest, ARuleIsDescribedWithItsBackendsAndAlerts) {
  const ProcessResult result = Run({"describe", "rules/web"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out.rfind("rules/web\n", 0), 0u) << result.out;
  EXPECT_TRUE(Has(result.out, "LISTEN         0.0.0.0:8080\n")) << result.out;
  EXPECT_TRUE(Has(result.out, "10.0.0.2:80  DOWN")) << result.out;
  EXPECT_FALSE(Has(result.out, "api-1")) << result.out;
  EXPECT_TRUE(Has(result.out, "! rules/web/backends/web-2: DOWN: connect timeout\n"));
}

TEST_F(LbctlDailyTest, AWorkerIsDescribedWithWhatItRefused) {
  const ProcessResult result = Run({"describe", "worker", "worker-2"});
  EXPECT_TRUE(Has(result.out, "REFUSED  version 42: BIND_FAILED\n")) << result.out;
  EXPECT_TRUE(Has(result.out, "0.0.0.0:8080: Address already in use\n")) << result.out;
  EXPECT_TRUE(Has(result.out, "version 41 keeps running\n")) << result.out;
  EXPECT_FALSE(Has(Run({"describe", "worker", "worker-1"}).out, "REFUSED"));
}

TEST_F(LbctlDailyTest, DescriptionsAreJsonToo) {
  const json::value list = json::parse(Run({"describe", "rules/web", "-o", "json"}).out);
  EXPECT_EQ(list.at("items").at(0).at("kind"), "Rule");
  EXPECT_EQ(list.at("items").at(0).at("object").at("listen"), "0.0.0.0:8080");
  EXPECT_EQ(list.at("items").at(0).at("backends").as_array().size(), 2u);
  EXPECT_EQ(list.at("items").at(0).at("alerts").as_array().size(), 1u);
}

TEST_F(LbctlDailyTest, WhatCannotBeDescribedIsSaid) {
  EXPECT_EQ(Run({"describe"}).exit_code, 2);
  EXPECT_EQ(Run({"describe", "rules"}).exit_code, 2);
  EXPECT_EQ(Run({"describe", "rules/web", "rules/nope"}).exit_code, 7);
  const ProcessResult result = Run({"describe", "rules/wbe"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_TRUE(Has(result.err, "did you mean 'rules/web'?")) << result.err;
}

TEST_F(LbctlDailyTest, SortsByANumberNotByItsDigits) {
  fakes::AdminServer::Data data = ExampleData();
  data.backends[0].set_connections(10);
  data.backends[1].set_connections(9);
  data.backends[2].set_connections(100);
  server_->Set(data);
  EXPECT_EQ(Run({"get", "be", "--sort-by", "conns", "-o", "jsonpath={.items[*].connections}"}).out,
            "9 10 100\n");
  EXPECT_EQ(
      Run({"get", "be", "--sort-by", "CONNS:desc", "-o", "jsonpath={.items[*].connections}"}).out,
      "100 10 9\n");
}

TEST_F(LbctlDailyTest, EveryColumnButThoseOfTextsSorts) {
  for (const char* type : {"rules", "backends", "workers"}) {
    const ProcessResult unknown = Run({"get", type, "--sort-by", "zzzzzzzz"});
    EXPECT_EQ(unknown.exit_code, 2);
    const size_t begin = unknown.err.find("columns are ");
    ASSERT_NE(begin, std::string::npos) << unknown.err;
    std::string list = unknown.err.substr(begin + 12);
    list.pop_back();
    for (size_t at = 0; at < list.size();) {
      const size_t end = std::min(list.find(", ", at), list.size());
      const std::string column = list.substr(at, end - at);
      const ProcessResult result = Run({"get", type, "-o", "wide", "--sort-by", column});
      EXPECT_EQ(result.exit_code, 0) << type << column << result.err;
      EXPECT_TRUE(Has(result.out, column)) << column << result.out;
      at = end + 2;
    }
  }
}

TEST_F(LbctlDailyTest, AJsonPathIsForGetOnly) {
  EXPECT_EQ(Run({"get", "rules", "-o", "jsonpath={.items[*].name}"}).out, "rules/api rules/web\n");
  EXPECT_EQ(Run({"get", "rules", "-o", "jsonpath={.items"}).exit_code, 2);
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"status"}, {"version"}, {"get", "rules", "-w"}, {"describe", "rules/web"}}) {
    std::vector<std::string> all = args;
    all.insert(all.end(), {"-o", "jsonpath={.a}"});
    EXPECT_EQ(Run(all).exit_code, 2) << args[0];
  }
}

TEST_F(LbctlDailyTest, BashCompletesCommandsFlagsTypesAndNames) {
  EXPECT_EQ(CompleteInBash("lbctl desc"), "describe ");
  EXPECT_EQ(CompleteInBash("lbctl config va"), "validate ");
  EXPECT_EQ(CompleteInBash("lbctl get "),
            "rules backends workers operations members events limits clients ");
  EXPECT_EQ(CompleteInBash("lbctl get rules --no-h"), "--no-headers ");
  EXPECT_EQ(CompleteInBash("lbctl get be web/web-"), "web/web-1 web/web-2 ");
  EXPECT_EQ(CompleteInBash("lbctl describe rules/w"), "rules/web ");
  EXPECT_EQ(CompleteInBash("lbctl --timeout 1s worker drain worker-2"), "worker-2 ");
  EXPECT_EQ(CompleteInBash("lbctl backend drain web/web-1 web/web-2"), "web/web-2 ");
  EXPECT_EQ(CompleteInBash("lbctl get be --rule a"), "api ");
  EXPECT_EQ(CompleteInBash("lbctl -e " + server_->endpoint() + " get wo "), "worker-1 worker-2 ");
}

TEST_F(LbctlDailyTest, CompletionNeverOffersWhatAShellWouldRun) {
  fakes::AdminServer::Data data = ExampleData();
  data.rules[0].set_name("rules/a$(reboot)");
  data.rules[1].set_name("rules/a b;c\x1b[2J");
  server_->Set(data);
  EXPECT_EQ(Run({"status"}).exit_code, 0);
  EXPECT_EQ(CompleteInBash("lbctl get rules "), " ");
}

TEST_F(LbctlDailyTest, CompletionWithoutAServerIsQuiet) {
  fakes::AdminServer::Fault fault;
  fault.hang = true;
  server_->Set(fault);
  const ProcessResult result = RunLbctl({"__complete", "-e", server_->endpoint(), "get", "ru", ""});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out + result.err, "");
}

TEST_F(LbctlDailyTest, TheTopHelpShowsHowToDoWhatIsDoneInAHurry) {
  const std::string help = RunLbctl({"--help"}).out;
  for (const char* line : {"lbctl backend drain web/web-1", "lbctl backend weight web/web-1",
                           "lbctl describe workers/worker-1", "lbctl rollback "})
    EXPECT_TRUE(Has(help, line)) << line << help;
}

TEST_F(LbctlDailyTest, ExitCodesAreToldByHelp) {
  const ProcessResult result = RunLbctl({"help", "exit-codes"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(Has(result.out, "  7    partly done")) << result.out;
}

}  // namespace
}  // namespace lb::cli
