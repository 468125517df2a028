#include "controlplane/shell/failure_to_grpc.h"

#include <string>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

// "aéé...": any cut at an even byte would leave half a character.
std::string LongText() {
  std::string text = "a";
  for (int i = 0; i < 600; ++i) text += "\xC3\xA9";
  return text;
}

TEST(FailureToGrpcTest, DetailsOfAnyTextCanBeRead) {
  Failure failure{absl::NotFoundError(LongText()), "BACKEND_NOT_FOUND", {{"name", LongText()}}};
  for (size_t i = 0; i < Failure::kMaxViolations + 5; ++i)
    failure.violations.push_back({LongText(), LongText()});
  const grpc::Status sent = ToGrpcStatus(failure);
  EXPECT_EQ(sent.error_code(), grpc::StatusCode::NOT_FOUND);
  google::rpc::Status status;
  ASSERT_TRUE(status.ParseFromString(sent.error_details()));
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad;
  ASSERT_EQ(status.details_size(), 2);
  ASSERT_TRUE(status.details(0).UnpackTo(&info));
  ASSERT_TRUE(status.details(1).UnpackTo(&bad));
  EXPECT_EQ(info.reason(), "BACKEND_NOT_FOUND");
  EXPECT_GE(bad.field_violations_size(), 5);
  EXPECT_EQ(info.metadata().at("name"), LongText().substr(0, 199));
}

}  // namespace
}  // namespace lb::controlplane
