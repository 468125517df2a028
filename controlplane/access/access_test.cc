#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <utility>
#include <variant>

#include "controlplane/access/identity.h"
#include "controlplane/access/rules.h"
#include "controlplane/loop/event.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using Uris = std::vector<std::string>;

TEST(IdentityTest, OneSpiffeUriNamesRoleAndName) {
  EXPECT_EQ(IdentityOf({"spiffe://prod/worker/w-1"})->worker, "w-1");
  EXPECT_EQ(IdentityOf({"spiffe://prod/worker/w-1"})->caller.role, Role::kNone);
  EXPECT_EQ(IdentityOf({"spiffe://prod/viewer/eve"})->caller.role, Role::kViewer);
  EXPECT_EQ(IdentityOf({"spiffe://prod/operator/night"})->caller.role, Role::kOperator);
  EXPECT_EQ(IdentityOf({"spiffe://prod/admin/deploy"})->caller.role, Role::kAdmin);
  EXPECT_EQ(IdentityOf({"spiffe://prod/admin/deploy"})->caller.name, "admin/deploy");
}

TEST(IdentityTest, AnythingElseIsNobody) {
  const std::vector<Uris> bad{
      {},
      {"spiffe://prod/admin/a", "spiffe://prod/viewer/a"},
      {"spiffe://prod/admin/a", "https://example.com"},
      {"https://prod/admin/a"},
      {"spiffe://prod/admin"},
      {"spiffe://prod/admin/"},
      {"spiffe:///admin/a"},
      {"spiffe://prod/Admin/a"},
      {"spiffe://prod/none/a"},
      {"spiffe://prod/admin/a/b"},
      {"spiffe://prod/admin/.."},
      {"spiffe://prod/worker/a\n"},
      {std::string("spiffe://prod/admin/a\0b", 23)},
      {"spiffe://prod/admin/" + std::string(64, 'a')},
  };
  for (const Uris& uris : bad) EXPECT_FALSE(IdentityOf(uris)) << (uris.empty() ? "" : uris[0]);
}

TEST(IdentityTest, OfAnotherClusterIsNobodyWhereTheClusterIsGiven) {
  EXPECT_TRUE(IdentityOf({"spiffe://prod/worker/w-1"}, "prod"));
  for (const char* other : {"test", "pro", "prod2", "PROD"})
    EXPECT_FALSE(IdentityOf({"spiffe://prod/worker/w-1"}, other)) << other;
}

TEST(IdentityTest, GroupsGiveTheHighestRole) {
  const RoleGroups groups{10, 20, 30};
  EXPECT_EQ(CallerOf(0, {}, 7, groups).role, Role::kAdmin);
  EXPECT_EQ(CallerOf(7, {}, 7, groups).role, Role::kAdmin);
  EXPECT_EQ(CallerOf(8, {5, 10}, 7, groups).role, Role::kViewer);
  EXPECT_EQ(CallerOf(8, {20, 10}, 7, groups).role, Role::kOperator);
  EXPECT_EQ(CallerOf(8, {10, 20, 30}, 7, groups).role, Role::kAdmin);
  EXPECT_EQ(CallerOf(8, {5}, 7, groups).role, Role::kNone);
  EXPECT_EQ(CallerOf(8, {5}, 7, groups).name, "uid/8");
  EXPECT_EQ(CallerOf(8, {5}, 7, RoleGroups{}).role, Role::kNone);
}

// Every method of the files that the loop's calls are declared in.
template <size_t... kIndex>
std::set<const google::protobuf::FileDescriptor*> AdminFiles(std::index_sequence<kIndex...>) {
  return {std::variant_alternative_t<kIndex, AdminCall>::descriptor()->file()...};
}

std::set<std::string> OurMethods() {
  std::set<std::string> methods;
  for (const auto* file : AdminFiles(std::make_index_sequence<std::variant_size_v<AdminCall>>())) {
    for (int s = 0; s < file->service_count(); ++s)
      for (int m = 0; m < file->service(s)->method_count(); ++m)
        methods.insert(file->service(s)->full_name() + "/" + file->service(s)->method(m)->name());
  }
  return methods;
}

TEST(AccessRulesTest, EveryMethodHasItsRuleAndEveryRuleItsMethod) {
  std::set<std::string> ruled;
  for (const AccessRule& rule : AccessRules())
    if (rule.method.rfind("lb.", 0) == 0) ruled.insert(std::string(rule.method));
  EXPECT_EQ(ruled, OurMethods());
}

TEST(AccessRulesTest, ReadsNeedAViewerAndOnlyThey) {
  // What these say may show files that the control plane may read and the caller may not.
  const std::set<std::string_view> revealing = {"lb.admin.v1.ConfigService/ValidateConfig",
                                                "lb.admin.v1.ConfigService/PlanConfig"};
  for (const AccessRule& rule : AccessRules()) {
    if (rule.method.rfind("lb.", 0) != 0) continue;
    if (revealing.contains(rule.method)) {
      EXPECT_EQ(rule.least, Role::kAdmin) << rule.method;
      continue;
    }
    EXPECT_EQ(rule.least == Role::kViewer, !rule.mutates) << rule.method;
  }
}

TEST(AccessRulesTest, TheDocumentSaysTheSame) {
  std::ifstream file("docs/security.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const AccessRule& rule : AccessRules()) {
    const std::string role(rule.least == Role::kNone ? "any" : RoleName(rule.least));
    const std::string line = "| `" + std::string(rule.method) + "` | " + role + " | " +
                             (rule.mutates ? "yes" : "no") + " |\n";
    EXPECT_NE(text.find(line), std::string::npos) << "docs/security.md lacks: " << line;
  }
  size_t rows = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) rows += line.rfind("| `", 0) == 0 ? 1 : 0;
  EXPECT_EQ(rows, AccessRules().size());
}

TEST(AccessRulesTest, DeniesByDefault) {
  const auto admin = IdentityOf({"spiffe://c/admin/a"});
  const auto worker = IdentityOf({"spiffe://c/worker/w"});
  EXPECT_TRUE(CheckAdminCall(admin, "lb.admin.v1.NewService/New"));
  EXPECT_TRUE(CheckAdminCall(admin, "lb.admin.v1.StatusService/*"));
  EXPECT_TRUE(CheckAdminCall(admin, "lb.worker.v1.WorkerControlService/Connect"));
  EXPECT_TRUE(CheckAdminCall(admin, ""));
  EXPECT_FALSE(CheckAdminCall(admin, "lb.admin.v1.WorkerService/DrainWorker"));
  EXPECT_TRUE(CheckAdminCall(worker, "lb.admin.v1.StatusService/GetStatus"));
  EXPECT_FALSE(CheckAdminCall(worker, "grpc.health.v1.Health/Check"));
  EXPECT_TRUE(CheckAdminEntry(worker, "lb.admin.v1.StatusService/GetStatus"));
  EXPECT_TRUE(CheckAdminEntry(Identity{}, "lb.admin.v1.StatusService/GetStatus"));
  EXPECT_FALSE(CheckAdminEntry(IdentityOf({"spiffe://c/viewer/eve"}),
                               "lb.admin.v1.WorkerService/DrainWorker"));
  EXPECT_TRUE(CheckAdminEntry(std::nullopt, "lb.admin.v1.StatusService/GetStatus"));
  EXPECT_TRUE(CheckAdminEntry(worker, "grpc.channelz.v1.Channelz/GetServers"));
  EXPECT_TRUE(CheckAdminEntry(admin, "other.Service/Method"));
  EXPECT_FALSE(CheckWorkerCall(worker, "lb.worker.v1.WorkerControlService/Connect"));
  EXPECT_TRUE(CheckWorkerCall(admin, "lb.worker.v1.WorkerControlService/Connect"));
  EXPECT_TRUE(CheckWorkerCall(worker, "lb.admin.v1.StatusService/GetStatus"));
}

TEST(AccessRulesTest, ARefusalSaysWhatIsMissing) {
  const auto viewer = IdentityOf({"spiffe://c/viewer/eve"});
  const auto denied = CheckAdminCall(viewer, "lb.admin.v1.WorkerService/DrainWorker");
  ASSERT_TRUE(denied);
  EXPECT_EQ(denied->reason, "ROLE_MISSING");
  EXPECT_EQ(denied->metadata.at("role"), "viewer");
  EXPECT_EQ(denied->metadata.at("needs"), "operator");
  EXPECT_EQ(denied->metadata.at("method"), "lb.admin.v1.WorkerService/DrainWorker");
  EXPECT_TRUE(absl::IsUnauthenticated(CheckAdminCall(std::nullopt, "x/y")->status));
}

}  // namespace
}  // namespace lb::controlplane
