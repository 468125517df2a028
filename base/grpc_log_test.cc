#include "base/grpc_log.h"

#include <grpc/support/log.h>

#include <algorithm>
#include <functional>
#include <string>

#include "gtest/gtest.h"

namespace lb {
namespace {

std::string Written(const std::function<void()>& what) {
  testing::internal::CaptureStderr();
  what();
  return testing::internal::GetCapturedStderr();
}

TEST(GrpcLogTest, HasALevelOfItsOwnThatReturns) {
  RouteGrpcLog();
  const auto info = [] { gpr_log(GPR_INFO, "a line\nof two"); };
  EXPECT_EQ(Written(info), "");
  ChangeGrpcLogLevel(LogLevel::kInfo);
  const std::string line = Written(info);
  EXPECT_NE(line.find(" info grpc text=\"a line\\nof two\" at=grpc_log_test.cc:"),
            std::string::npos)
      << line;
  EXPECT_EQ(Written([] { gpr_log(GPR_DEBUG, "more"); }), "");
  ChangeGrpcLogLevel(std::nullopt);
  EXPECT_EQ(Written(info), "");
  EXPECT_NE(Written([] { gpr_log(GPR_ERROR, "bad"); }), "");
}

TEST(GrpcLogTest, IsBoundedAndSaysWhatIsMissing) {
  RouteGrpcLog();
  const std::string lines = Written([] {
    for (uint64_t i = 0; i < 3 * kMaxGrpcLinesPerS; ++i) gpr_log(GPR_ERROR, "again");
  });
  // The second may turn once meanwhile.
  EXPECT_LE(std::count(lines.begin(), lines.end(), '\n'), 2 * kMaxGrpcLinesPerS);
}

}  // namespace
}  // namespace lb
