#include "controlplane/shell/audit.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::milliseconds;

std::string Field(const LogFields& fields, const std::string& name) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.first == name; });
  return found == fields.end() ? "" : found->second;
}

AuditedCall Drain(const std::string& name) {
  admin::v1::DrainWorkerRequest request;
  request.set_name(name);
  const AdminCall call(request);
  return DescribeCall(call, MethodOf(call), Identity{{Role::kOperator, "operator/night"}, ""});
}

TEST(AuditTest, SaysWhoDidWhatToWhat) {
  admin::v1::Operation answer;
  answer.set_name("operations/1");
  const LogFields line =
      Audit().Line(Drain("workers/w-1"), Reply{1, std::nullopt, answer}, Instant());
  EXPECT_EQ(Field(line, "who"), "operator/night");
  EXPECT_EQ(Field(line, "role"), "operator");
  EXPECT_EQ(Field(line, "method"), "lb.admin.v1.WorkerService/DrainWorker");
  EXPECT_EQ(Field(line, "resource"), "workers/w-1");
  EXPECT_EQ(Field(line, "code"), "OK");
}

TEST(AuditTest, SaysWhatWasAskedForAndWhatHoldsNow) {
  admin::v1::SetBackendWeightRequest request;
  request.set_name("rules/web/backends/a");
  request.set_weight(33);
  const AdminCall call(request);
  AuditedCall audited =
      DescribeCall(call, MethodOf(call), Identity{{Role::kOperator, "operator/night"}, ""});
  audited.caller_gone = true;
  admin::v1::Backend answer;
  answer.set_weight(33);
  const LogFields line = Audit().Line(audited, Reply{1, std::nullopt, answer}, Instant());
  EXPECT_EQ(Field(line, "details"), "weight=33");
  EXPECT_EQ(Field(line, "after").find("weight=33"), 0u);
  EXPECT_EQ(Field(line, "caller_gone"), "true");

  admin::v1::ApplyConfigRequest apply;
  apply.set_content("cluster: {key: CANARY}");
  apply.set_message("two more");
  const AdminCall apply_call(apply);
  admin::v1::ApplyConfigResponse applied;
  applied.mutable_config()->set_name("configs/7");
  const LogFields applied_line = Audit().Line(
      DescribeCall(apply_call, MethodOf(apply_call), Identity{{Role::kAdmin, "admin/day"}, ""}),
      Reply{2, std::nullopt, applied}, Instant());
  EXPECT_EQ(Field(applied_line, "details"), "message=\"two more\"");
  EXPECT_EQ(Field(applied_line, "after"), "configs/7");
}

TEST(AuditTest, NobodyIsSeenByTheCertificate) {
  const Failure failure{absl::UnauthenticatedError("no"), "CERT_REQUIRED"};
  const AuditedCall call =
      DescribeStranger({"spiffe://test/admin/eve", "spiffe://test/admin/adam"}, "a.B/C");
  const LogFields line = Audit().Line(call, Reply{0, failure, {}}, Instant());
  EXPECT_EQ(Field(line, "who"), "nobody");
  EXPECT_EQ(Field(line, "certificate"), "spiffe://test/admin/eve spiffe://test/admin/adam");
  EXPECT_EQ(Field(line, "method"), "a.B/C");
  EXPECT_EQ(Field(line, "reason"), "CERT_REQUIRED");
}

TEST(AuditTest, ARefusalHasItsReason) {
  const Failure failure{absl::PermissionDeniedError("no"), "ROLE_MISSING"};
  const LogFields line = Audit().Line(Drain("workers/w-1"), Reply{1, failure, {}}, Instant());
  EXPECT_EQ(Field(line, "code"), "PERMISSION_DENIED");
  EXPECT_EQ(Field(line, "reason"), "ROLE_MISSING");
}

TEST(AuditTest, RefusalsAreBoundedAndCountedSuccessesAreNot) {
  Audit audit;
  const Failure failure{absl::PermissionDeniedError("no"), "ROLE_MISSING"};
  const Instant now = Instant() + std::chrono::hours(1);
  size_t lines = 0;
  for (int i = 0; i < 100; ++i)
    lines += audit.Line(Drain("workers/w"), Reply{1, failure, {}}, now).empty() ? 0 : 1;
  EXPECT_EQ(lines, Audit::kMaxRefusalsPerS);
  const LogFields good = audit.Line(Drain("workers/w"), Reply{1, std::nullopt, {}}, now);
  EXPECT_EQ(Field(good, "refusals_not_shown"), "80");
  const LogFields later =
      audit.Line(Drain("workers/w"), Reply{1, failure, {}}, now + milliseconds(1000));
  EXPECT_EQ(Field(later, "code"), "PERMISSION_DENIED");
}

TEST(AuditTest, LongValuesAreCut) {
  const LogFields line =
      Audit().Line(Drain(std::string(10'000, 'x')), Reply{1, std::nullopt, {}}, Instant());
  EXPECT_EQ(Field(line, "resource").size(), Audit::kMaxValueBytes);
}

}  // namespace
}  // namespace lb::controlplane
