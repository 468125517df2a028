// `lbctl backend`: what is sent, and what a dry run tells.
#include "cli/lbctl_fixture.h"

namespace lb::cli {
namespace {

class LbctlBackendTest : public LbctlTest {};

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(LbctlBackendTest, ADryRunOfSeveralBackendsOfARuleSaysWhatItDoesNotTell) {
  const auto notes = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "backend");
    const ProcessResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Has(result.err, "as if it were the only one");
  };
  EXPECT_TRUE(notes({"drain", "web/web-1", "web/web-2", "--dry-run"}));
  EXPECT_TRUE(notes({"maint", "web/web-1", "web/web-2", "--dry-run"}));
  EXPECT_FALSE(notes({"drain", "web/web-1", "--dry-run"}));
  EXPECT_FALSE(notes({"drain", "web/web-1", "api/api-1", "--dry-run"}));
  EXPECT_FALSE(notes({"drain", "web/web-1", "web/web-2", "--dry-run", "--force"}));
  EXPECT_FALSE(notes({"undrain", "web/web-1", "web/web-2", "--dry-run"}));
}

TEST_F(LbctlBackendTest, BackendVerbsSendWhatTheirFlagsSay) {
  EXPECT_EQ(
      Run({"backend", "drain", "web/web-1", "--timeout", "90s", "--close", "--force"}).exit_code,
      0);
  EXPECT_EQ(Run({"backend", "weight", "web/web-1", "50%", "--dry-run"}).exit_code, 0);
  EXPECT_EQ(Run({"backend", "weight", "web/web-1", "--reset"}).exit_code, 0);
  const fakes::ChangeRequests seen = server_->seen();
  ASSERT_EQ(seen.drains.size(), 1u);
  EXPECT_EQ(seen.drains[0].name(), "rules/web/backends/web-1");
  EXPECT_EQ(seen.drains[0].timeout().seconds(), 90);
  EXPECT_TRUE(seen.drains[0].close_at_timeout());
  EXPECT_TRUE(seen.drains[0].force());
  ASSERT_EQ(seen.weights.size(), 2u);
  EXPECT_EQ(seen.weights[0].weight_percent(), 50u);
  EXPECT_TRUE(seen.weights[0].validate_only());
  EXPECT_EQ(seen.weights[1].weight_percent(), 100u);
}

}  // namespace
}  // namespace lb::cli
