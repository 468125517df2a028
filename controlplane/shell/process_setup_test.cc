#include "controlplane/shell/process_setup.h"

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

// Pids of the state file count only within one boot, and sessions of two starts must not be mixed
// up: what is the same and what is fresh decides both.
TEST(ProcessSetupTest, TwoStartsShareTheBootAndNothingElse) {
  const ControlLoop::Options first = LoopOptions("node", "");
  const ControlLoop::Options second = LoopOptions("node", "");
  constexpr size_t kUuidCharacters = 36;
  EXPECT_EQ(first.boot_id.size(), kUuidCharacters) << first.boot_id;
  EXPECT_EQ(first.boot_id, second.boot_id);
  EXPECT_NE(first.incarnation, second.incarnation);
  EXPECT_NE(first.seed, second.seed);
}

}  // namespace
}  // namespace lb::controlplane
