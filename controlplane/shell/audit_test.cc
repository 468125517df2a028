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

AuditedCall Describe(const AdminCall& call) {
  return DescribeCall(call, NameOf(MethodOf(call)),
                      Identity{{Role::kOperator, "operator/night"}, ""});
}

AuditedCall Drain(const std::string& name) {
  admin::v1::DrainWorkerRequest request;
  request.set_name(name);
  return Describe(request);
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

TEST(AuditTest, SaysWhatWasAskedAndWhatItWasBeforeAndIsAfter) {
  admin::v1::SetLogLevelRequest level;
  level.set_component("controlplane");
  level.set_level(type::v1::LOG_LEVEL_ERROR);
  level.mutable_duration()->set_seconds(5);
  level.set_request_id("id-1");
  Reply reply{1, std::nullopt, {}};
  reply.before = "as started";
  reply.after = "ERROR";
  const LogFields line = Audit().Line(Describe(level), reply, Instant());
  EXPECT_EQ(Field(line, "details"),
            "component=\"controlplane\" level=LOG_LEVEL_ERROR duration={seconds: 5}");
  EXPECT_EQ(Field(line, "before"), "as started");
  EXPECT_EQ(Field(line, "after"), "ERROR");
  EXPECT_EQ(Field(line, "request_id"), "id-1");

  admin::v1::KillConnectionsRequest kill;
  kill.mutable_filter()->set_rule("rules/web");
  kill.set_rate_per_s(7);
  EXPECT_EQ(Describe(kill).details, "filter={rule: \"rules/web\"} rate_per_s=7");
}

// Its content may have secrets, and what a caller expects is not what was there.
TEST(AuditTest, OfAConfigurationTheContentIsLeftOut) {
  admin::v1::ApplyConfigRequest apply;
  apply.set_content("cluster: {key: CANARY}");
  apply.set_message("more backends");
  apply.set_if_revision(7);
  Reply reply{1, std::nullopt, {}};
  reply.before = "configs/8";
  reply.after = "configs/9";
  const LogFields line = Audit().Line(Describe(apply), reply, Instant());
  for (const auto& [name, value] : line) EXPECT_EQ(value.find("CANARY"), std::string::npos) << name;
  EXPECT_EQ(Field(line, "details"), "message=\"more backends\"");
  EXPECT_EQ(Field(line, "if"), "7");
  EXPECT_EQ(Field(line, "before"), "configs/8");
  EXPECT_EQ(Field(line, "after"), "configs/9");
}

TEST(AuditTest, OfAKeyOfTheClusterOnlyTheFingerprintIsSaid) {
  admin::v1::ChangeKeyRequest change;
  change.set_action(admin::v1::ChangeKeyRequest::ACTION_ADD);
  change.set_key("AAECAwQFBgcICQoLDA0ODw==");
  EXPECT_EQ(Describe(change).details, "action=ACTION_ADD fingerprint=\"be45cb26\"");
  change.set_key("CANARY");
  EXPECT_EQ(Describe(change).details, "action=ACTION_ADD");
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

TEST(AuditTest, OfAChangeWhoseEndIsNotKnownNoLineIsLeftOut) {
  Audit audit;
  const Failure failure{absl::UnavailableError("stopping"), "STOPPING"};
  AuditedCall call = Drain("workers/w");
  call.unknown = true;
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(Field(audit.Line(call, Reply{1, failure, {}}, Instant()), "outcome"), "unknown");
}

TEST(AuditTest, NoCharacterIsCutInTwo) {
  std::string name = "x";
  while (name.size() <= Audit::kMaxValueBytes) name += "\xC3\xA9";
  const LogFields line = Audit().Line(Drain(name), Reply{1, std::nullopt, {}}, Instant());
  EXPECT_EQ(Field(line, "resource"), name.substr(0, Audit::kMaxValueBytes - 1));
}

TEST(AuditTest, LongValuesAreCut) {
  const LogFields line =
      Audit().Line(Drain(std::string(10'000, 'x')), Reply{1, std::nullopt, {}}, Instant());
  EXPECT_EQ(Field(line, "resource").size(), Audit::kMaxValueBytes);
}

}  // namespace
}  // namespace lb::controlplane
