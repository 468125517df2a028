// Hosts of the cluster in lbctl: lists, joins, forgetting, and what the status says of them.
#include <boost/json.hpp>
#include <chrono>
#include <fstream>

#include "cli/lbctl_fixture.h"

namespace lb::cli {
namespace {

namespace json = boost::json;
using lb::admin::v1::Member;

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class LbctlMemberTest : public LbctlTest {
 protected:
  LbctlMemberTest() {
    fakes::AdminServer::Data data = ExampleData();
    data.members = {Make("lb-1", "10.0.0.1:7946", Member::STATE_ALIVE),
                    Make("lb-2", "10.0.0.2:7946", Member::STATE_FAILED)};
    data.members[0].set_self(true);
    lb::admin::v1::Cluster& cluster = *data.status.mutable_cluster();
    cluster.set_members_alive(3);
    cluster.set_members_failed(1);
    server_->Set(data);
  }

  static Member Make(const std::string& name, const std::string& address, Member::State state) {
    Member member;
    member.set_name("members/" + name);
    member.set_address(address);
    member.set_state(state);
    member.set_version("1.4.0");
    member.set_incarnation(7);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    // Half a minute more or less does not show.
    member.mutable_state_change_time()->set_seconds(
        std::chrono::duration_cast<std::chrono::seconds>(now).count() - 2 * 3'600 - 30);
    return member;
  }
};

TEST_F(LbctlMemberTest, MembersAreListedByGetAndByTheirOwnWord) {
  const std::string table =
      "NAME  ADDRESS        STATE   VERSION  LAST-CHANGE\n"
      "lb-1  10.0.0.1:7946  ALIVE   1.4.0    2h\n"
      "lb-2  10.0.0.2:7946  FAILED  1.4.0    2h\n";
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"get", "members"}, {"get", "me"}, {"member", "list"}}) {
    const ProcessResult result = Run(args);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.out, table);
  }
  const std::string wide = Run({"get", "members", "-o", "wide"}).out;
  EXPECT_TRUE(Has(wide, "INCARNATION  SELF")) << wide;
  EXPECT_TRUE(Has(wide, "7  yes")) << wide;
  EXPECT_EQ(Run({"get", "members", "--sort-by", "name:desc", "-o", "name"}).out,
            "members/lb-2\nmembers/lb-1\n");
  EXPECT_EQ(Run({"member", "list", "-o", "jsonpath={.items[1].state}"}).out, "STATE_FAILED\n");
}

TEST_F(LbctlMemberTest, OneIsFoundByItsNameOrTheClosestIsSuggested) {
  EXPECT_EQ(Run({"get", "member", "lb-2", "-o", "name"}).out, "members/lb-2\n");
  EXPECT_TRUE(Has(Run({"describe", "members/lb-2"}).out, "FAILED"));
  const json::value list = json::parse(Run({"get", "members", "-o", "json"}).out);
  EXPECT_EQ(list.at("kind"), "MemberList");
  EXPECT_EQ(list.at("items").at(0).at("self"), true);
  const ProcessResult missing = Run({"get", "members/lb-3"});
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_TRUE(Has(missing.err, "did you mean 'members/lb-")) << missing.err;
}

TEST_F(LbctlMemberTest, WhereThereIsNoClusterNothingIsListed) {
  server_->Set(ExampleData());
  const ProcessResult result = Run({"get", "members"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.err, "no members\n");
  EXPECT_FALSE(Has(Run({"status"}).out, "MEMBERS"));
}

TEST_F(LbctlMemberTest, JoinCallsTheAddressesAndSaysWhereToLook) {
  const ProcessResult result = Run({"member", "join", "10.0.0.3:7946", "10.0.0.4"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "calling 10.0.0.3:7946, 10.0.0.4\n");
  EXPECT_TRUE(Has(result.err, "lbctl get members")) << result.err;
  ASSERT_EQ(server_->seen().joins.size(), 1u);
  EXPECT_EQ(server_->seen().joins[0].addresses(1), "10.0.0.4");
  EXPECT_FALSE(server_->seen().joins[0].validate_only());
  EXPECT_EQ(Run({"member", "join", "10.0.0.3", "--dry-run"}).out, "dry run: would call 10.0.0.3\n");
  EXPECT_TRUE(server_->seen().joins.at(1).validate_only());
  EXPECT_EQ(Run({"member", "join"}).exit_code, 2);
  EXPECT_EQ(json::parse(Run({"member", "join", "10.0.0.3", "-o", "json"}).out)
                .at("addresses")
                .as_array()
                .size(),
            1u);
}

TEST_F(LbctlMemberTest, ForgetTakesSeveralAndSaysWhatCameOfEach) {
  const ProcessResult one = Run({"member", "forget", "members/lb-2"});
  EXPECT_EQ(one.exit_code, 0) << one.err;
  EXPECT_EQ(one.out, "forgotten: lb-2 (10.0.0.2:7946)\n");
  EXPECT_EQ(server_->seen().forgets.at(0).name(), "members/lb-2");
  const ProcessResult some = Run({"member", "forget", "lb-2", "lb-22"});
  EXPECT_EQ(some.exit_code, 7);
  EXPECT_TRUE(Has(some.err, "did you mean 'lb-2'?")) << some.err;
  EXPECT_TRUE(
      Has(Run({"member", "forget", "lb-2", "--dry-run"}).out, "dry run: would forget lb-2"));
  EXPECT_TRUE(server_->seen().forgets.back().validate_only());
  EXPECT_EQ(Run({"member", "forget"}).exit_code, 2);
}

// One that did it, one that refused, one that said nothing.
lb::admin::v1::ChangeKeyResponse ThreeResults() {
  using lb::admin::v1::MemberKeys;
  lb::admin::v1::ChangeKeyResponse response;
  response.mutable_key()->set_fingerprint("1f2e3d4c");
  response.mutable_key()->set_bytes(32);
  const auto add = [&](const char* name, MemberKeys::Result result, const char* error) {
    MemberKeys& member = *response.add_members();
    member.set_member(name);
    member.set_result(result);
    member.set_error(error);
    return &member;
  };
  MemberKeys& done = *add("members/lb-1", MemberKeys::RESULT_DONE, "");
  for (const char* fingerprint : {"99aa88bb", "1f2e3d4c"}) {
    done.add_keys()->set_fingerprint(fingerprint);
    done.mutable_keys()->rbegin()->set_bytes(32);
  }
  done.mutable_keys(0)->set_primary(true);
  add("members/lb-2", MemberKeys::RESULT_FAILED, "no room");
  add("members/lb-3", MemberKeys::RESULT_NO_ANSWER, "");
  return response;
}

TEST_F(LbctlMemberTest, AKeyIsChangedOnAllMembersAndEachHasARow) {
  fakes::AdminServer::Data data = ExampleData();
  data.changes.changed_key = ThreeResults();
  server_->Set(data);
  const std::string key = "AAECAwQFBgcICQoLDA0ODw==";
  const ProcessResult result = Run({"member", "key", "add", key});
  EXPECT_EQ(result.exit_code, 7) << result.err;
  EXPECT_EQ(result.out,
            "MEMBER  RESULT           KEYS\n"
            "lb-1    OK               99aa88bb* (32 bytes), 1f2e3d4c (32 bytes)\n"
            "lb-2    FAILED: no room  -\n"
            "lb-3    NO ANSWER        -\n");
  EXPECT_TRUE(Has(result.err, "2 of 3 members")) << result.err;
  EXPECT_FALSE(Has(result.err, key));
  using lb::admin::v1::ChangeKeyRequest;
  EXPECT_EQ(server_->seen().keys.at(0).action(), ChangeKeyRequest::ACTION_ADD);
  EXPECT_EQ(server_->seen().keys.at(0).key(), key);

  EXPECT_EQ(Run({"member", "key", "use", "1F2E3D4C", "--dry-run"}).exit_code, 0);
  EXPECT_EQ(server_->seen().keys.at(1).action(), ChangeKeyRequest::ACTION_USE);
  EXPECT_EQ(server_->seen().keys.at(1).fingerprint(), "1f2e3d4c");
  EXPECT_TRUE(server_->seen().keys.at(1).validate_only());
  const json::value list = json::parse(Run({"member", "key", "remove", key, "-o", "json"}).out);
  EXPECT_EQ(list.at("items").at(2).at("result"), "RESULT_NO_ANSWER");
}

TEST_F(LbctlMemberTest, AKeyComesFromAFileOrFromStdin) {
  const std::string file = folder_ + "/key";
  std::ofstream(file) << "# of the cluster\n\nAAECAwQFBgcICQoLDA0ODw==\n";
  EXPECT_EQ(Run({"member", "key", "add", "--key-file", file}).exit_code, 0);
  EXPECT_EQ(server_->seen().keys.at(0).key(), "AAECAwQFBgcICQoLDA0ODw==");
  EXPECT_EQ(Run({"member", "key", "add", "--key-file", file, "AAAA"}).exit_code, 2);
  EXPECT_EQ(Run({"member", "key", "add"}).exit_code, 2);
  std::ofstream(file, std::ios::app) << "BBBB\n";
  EXPECT_EQ(Run({"member", "key", "add", "--key-file", file}).exit_code, 2);
  EXPECT_EQ(Run({"member", "key", "add", "--key-file", file + "-"}).exit_code, 3);
  EXPECT_EQ(server_->seen().keys.size(), 1u);
}

TEST_F(LbctlMemberTest, LeavingNeedsConsent) {
  fakes::AdminServer::Data data = ExampleData();
  data.changes.left.set_name("members/lb-1");
  data.changes.left.set_members_alive(2);
  server_->Set(data);
  EXPECT_EQ(Run({"member", "leave"}).exit_code, 2);
  EXPECT_TRUE(server_->seen().leaves.empty());
  EXPECT_EQ(Run({"member", "leave", "--dry-run"}).out, "dry run: lb-1 leaves 2 other members\n");
  EXPECT_TRUE(server_->seen().leaves.back().validate_only());
  const ProcessResult left = Run({"member", "leave", "--yes"});
  EXPECT_EQ(left.exit_code, 0) << left.err;
  EXPECT_EQ(left.out, "lb-1 leaves 2 other members\n");
  EXPECT_TRUE(Has(left.err, "member join")) << left.err;
  EXPECT_FALSE(server_->seen().leaves.back().validate_only());
}

TEST_F(LbctlMemberTest, WithoutAClusterAnOrderIsRefused) {
  fakes::AdminServer::Fault fault;
  fault.code = 9;
  fault.message = "this control plane is in no cluster";
  fault.reason = "CLUSTER_DISABLED";
  server_->Set(fault);
  EXPECT_EQ(Run({"member", "join", "10.0.0.3"}).exit_code, 6);
  EXPECT_EQ(Run({"member", "forget", "lb-2"}).exit_code, 6);
}

TEST_F(LbctlMemberTest, TheStatusCountsThem) {
  const std::string out = Run({"status"}).out;
  EXPECT_TRUE(Has(out, "\nMEMBERS      3 alive, 1 failed\n")) << out;
}

TEST_F(LbctlMemberTest, NamesAreCompleted) {
  const auto complete = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"__complete", "-e", server_->endpoint()});
    return RunLbctl(words).out;
  };
  EXPECT_EQ(complete({"member", ""}), "list\njoin\nforget\nleave\nkey\n");
  EXPECT_EQ(complete({"member", "key", ""}), "list\nadd\nuse\nremove\n");
  EXPECT_EQ(complete({"member", "forget", "lb"}), "lb-1\nlb-2\n");
  EXPECT_EQ(complete({"get", "m"}), "members\n");
  EXPECT_EQ(complete({"get", "members/lb-2"}), "members/lb-2\n");
}

}  // namespace
}  // namespace lb::cli
