// The context file: what is read, what is refused with its place, and written back as the same.
#include "cli/context_file.h"

#include <gtest/gtest.h>

#include "cli/exit_code.h"

namespace lb::cli {
namespace {

constexpr char kGood[] = R"(current_context: prod
contexts:
  prod:
    endpoint: [lb-1:9901, "lb-2:9901"]
    tls_ca: pki/ca.crt
    timeout: 2s
  local: {endpoint: "unix:/run/lb/admin.sock"}
)";

std::string ErrorOf(const std::string& text) {
  const auto file = ParseContextFile("f.yaml", text);
  if (file.ok()) return "no error";
  EXPECT_EQ(ExitCodeFor(file.status()), ExitCode::kUsage);
  return std::string(file.status().message());
}

TEST(ContextFileTest, ReadsContextsAndTheCurrentOne) {
  const auto file = ParseContextFile("f.yaml", kGood);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->current, "prod");
  EXPECT_EQ(file->contexts.at("prod").at("endpoint"), "lb-1:9901,lb-2:9901");
  EXPECT_EQ(file->contexts.at("prod").at("tls_ca"), "pki/ca.crt");
  EXPECT_EQ(file->contexts.at("local").at("endpoint"), "unix:/run/lb/admin.sock");
}

TEST(ContextFileTest, WhatIsWrittenIsReadBackAsTheSame) {
  const auto file = ParseContextFile("f.yaml", kGood);
  ASSERT_TRUE(file.ok());
  ContextFile odd = *file;
  odd.contexts["true"]["tls_ca"] = "/a b/\"q\": #x\\";
  odd.contexts["7"] = {};
  for (const ContextFile& one : {*file, odd, ContextFile{}}) {
    const auto again = ParseContextFile("f.yaml", RenderContextFile(one));
    ASSERT_TRUE(again.ok()) << again.status() << RenderContextFile(one);
    EXPECT_EQ(*again, one);
  }
}

TEST(ContextFileTest, AnEmptyFileHasNoContexts) {
  for (const char* text : {"", "# nothing\n", "contexts:\n", "contexts: {}\n"})
    EXPECT_EQ(ParseContextFile("f.yaml", text).value(), ContextFile{}) << text;
}

TEST(ContextFileTest, UnknownKeysAreRefusedWithTheOneThatWasMeant) {
  EXPECT_EQ(ErrorOf("contexts:\n  a:\n    endpont: x:1\n"),
            "f.yaml:3:5: unknown key 'endpont'; did you mean 'endpoint'?");
  EXPECT_EQ(ErrorOf("context: {}\n"),
            "f.yaml:1:1: unknown key 'context'; did you mean 'contexts'?");
  EXPECT_EQ(ErrorOf("contexts: {a: {password: x}}\n"),
            "f.yaml:1:16: unknown key 'password'; keys are endpoint, tls_ca, tls_cert, tls_key, "
            "tls_server_name, timeout");
}

TEST(ContextFileTest, EachValueIsChecked) {
  EXPECT_EQ(ErrorOf("contexts: {a: {endpoint: here}}\n"),
            "f.yaml:1:26: endpoint 'here' is neither unix:PATH nor HOST:PORT");
  EXPECT_NE(ErrorOf("contexts: {a: {timeout: 30}}\n").find("timeout"), std::string::npos);
  EXPECT_EQ(ErrorOf("contexts: {a: {tls_ca: [x]}}\n"), "f.yaml:1:16: 'tls_ca' is one text");
  EXPECT_EQ(ErrorOf("contexts: {a: {tls_ca: ''}}\n"), "f.yaml:1:24: 'tls_ca' is empty");
  EXPECT_EQ(ErrorOf("current_context: b\ncontexts: {a: {timeout: 1s}}\n"),
            "f.yaml:1:18: current_context 'b' is none of the contexts");
  for (const char* name : {"-a", "a b", "a/b", "\"\\e[2J\""})
    EXPECT_NE(ErrorOf("contexts: {" + std::string(name) + ": {timeout: 1s}}\n")
                  .find("is no name of a context"),
              std::string::npos)
        << name;
}

TEST(ContextFileTest, WhatIsNoSuchFileIsAnErrorWithItsPlace) {
  EXPECT_EQ(ErrorOf("contexts: {a: {}, a: {}}\n").substr(0, 9), "f.yaml:1:");
  EXPECT_EQ(ErrorOf("contexts: [\n").substr(0, 7), "f.yaml:");
  EXPECT_EQ(ErrorOf(std::string("a\0b", 3)).substr(0, 7), "f.yaml:");
  EXPECT_EQ(ErrorOf("- a\n").substr(0, 7), "f.yaml:");
}

}  // namespace
}  // namespace lb::cli
