// Which orders about keys are taken, and what is told of keys.
#include "controlplane/admin/key_answers.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"

namespace lb::controlplane {
namespace {

using admin::v1::ChangeKeyRequest;
using admin::v1::MemberKeys;

const std::string kA(16, 'a');
const std::string kB(32, 'b');

class KeyAnswersTest : public testing::Test {
 protected:
  KeyAnswersTest() {
    keys_.SetConfigured({kA});
    cluster_.enabled = true;
    cluster_.name = "lb-1";
    cluster_.keys = keys_.Marks();
    for (const char* name : {"lb-1", "lb-2", "lb-3"})
      cluster_.members.push_back({.name = name,
                                  .address = {},
                                  .state = swim::State::kAlive,
                                  .incarnation = 1,
                                  .changed_at = {},
                                  .version = ""});
    cluster_.members[2].state = swim::State::kDead;
  }

  static ChangeKeyRequest Of(ChangeKeyRequest::Action action, const std::string& key) {
    ChangeKeyRequest request;
    request.set_action(action);
    request.set_key(absl::Base64Escape(key));
    return request;
  }
  std::string ReasonOf(const ChangeKeyRequest& request) {
    const Outcome<KeyChange> change = ReadKeyChange(cluster_, keys_, request);
    const auto* failure = std::get_if<Failure>(&change);
    return failure == nullptr ? "" : failure->reason;
  }

  swim::OrderedKeys keys_;
  swim::ClusterStatus cluster_;
};

TEST_F(KeyAnswersTest, AKeyIsNamedByItselfOrByItsFingerprint) {
  EXPECT_EQ(ReasonOf(Of(ChangeKeyRequest::ACTION_ADD, kB)), "");
  ASSERT_TRUE(keys_.CarryOut(swim::KeyVerb::kAdd, kB).ok());
  ChangeKeyRequest use;
  use.set_action(ChangeKeyRequest::ACTION_USE);
  use.set_fingerprint(swim::MarkOf(kB).fingerprint);
  const auto change = ReadKeyChange(cluster_, keys_, use);
  EXPECT_EQ(std::get<KeyChange>(change).key, kB);
  EXPECT_EQ(std::get<KeyChange>(change).verb, swim::KeyVerb::kUse);
  use.set_key(absl::Base64Escape(kB));
  EXPECT_EQ(ReasonOf(use), "FIELD_INVALID") << "both";
  use.clear_key();
  use.set_fingerprint("00000000");
  EXPECT_EQ(ReasonOf(use), "KEY_NOT_FOUND");
  use.set_action(ChangeKeyRequest::ACTION_ADD);
  EXPECT_EQ(ReasonOf(use), "FIELD_INVALID") << "a new key cannot be made of it";
}

TEST_F(KeyAnswersTest, WhatNoMemberWouldDoIsRefusedAtOnce) {
  EXPECT_EQ(ReasonOf(Of(ChangeKeyRequest::ACTION_ADD, "short")), "FIELD_INVALID");
  EXPECT_EQ(ReasonOf(Of(ChangeKeyRequest::ACTION_UNSPECIFIED, kA)), "FIELD_INVALID");
  EXPECT_EQ(ReasonOf(Of(ChangeKeyRequest::ACTION_USE, kB)), "KEY_NOT_FOUND");
  EXPECT_EQ(ReasonOf(Of(ChangeKeyRequest::ACTION_REMOVE, kA)), "KEY_SEALS");
  for (const char more : {'x', 'y', 'z'})
    ASSERT_TRUE(keys_.CarryOut(swim::KeyVerb::kAdd, std::string(16, more)).ok());
  EXPECT_EQ(ReasonOf(Of(ChangeKeyRequest::ACTION_ADD, kB)), "TOO_MANY_KEYS");
}

TEST_F(KeyAnswersTest, WhereThereIsNobodyToAskOrdersAreRefused) {
  const ChangeKeyRequest add = Of(ChangeKeyRequest::ACTION_ADD, kB);
  cluster_.stays_away = true;
  EXPECT_EQ(ReasonOf(add), "NO_MEMBER");
  cluster_.serf = false;
  EXPECT_EQ(ReasonOf(add), "KEYS_BY_FILE");
  cluster_.keys.clear();
  EXPECT_EQ(ReasonOf(add), "CLUSTER_OPEN");
  cluster_.enabled = false;
  EXPECT_EQ(ReasonOf(add), "CLUSTER_DISABLED");
}

TEST_F(KeyAnswersTest, NoErrorShowsAKey) {
  ChangeKeyRequest request;
  request.set_action(ChangeKeyRequest::ACTION_ADD);
  request.set_key("c2VjcmV0LXNlY3JldA==");
  const auto change = ReadKeyChange(cluster_, keys_, request);
  const Failure& failure = std::get<Failure>(change);
  EXPECT_EQ(failure.status.message().find("c2Vj"), std::string::npos);
  EXPECT_EQ(failure.violations.at(0).description.find("c2Vj"), std::string::npos);
}

TEST_F(KeyAnswersTest, ADryRunNamesThoseWhoWouldBeAsked) {
  const auto plan = PlanKeyChange(cluster_, swim::MarkOf(kB));
  ASSERT_EQ(plan.members_size(), 2);
  EXPECT_EQ(plan.members(1).member(), "members/lb-2");
  EXPECT_EQ(plan.members(1).result(), MemberKeys::RESULT_UNSPECIFIED);
  EXPECT_EQ(plan.key().bytes(), 32u);
}

TEST_F(KeyAnswersTest, EachMemberHasItsResult) {
  const swim::KeysAnswered answered{1,
                                    {{.member = "a",
                                      .answered = true,
                                      .done = true,
                                      .keys = keys_.Marks(),
                                      .primary = swim::MarkOf(kA).fingerprint},
                                     {.member = "b/1", .answered = true, .error = "no"},
                                     {.member = "c"}}};
  const auto out = DescribeKeyChange(swim::MarkOf(kA), answered);
  EXPECT_EQ(out.members(0).result(), MemberKeys::RESULT_DONE);
  EXPECT_TRUE(out.members(0).keys(0).primary());
  EXPECT_EQ(out.members(1).member(), "members/b%2F1");
  EXPECT_EQ(out.members(1).result(), MemberKeys::RESULT_FAILED);
  EXPECT_EQ(out.members(1).error(), "no");
  EXPECT_EQ(out.members(2).result(), MemberKeys::RESULT_NO_ANSWER);
  const auto own = DescribeOwnKeys(cluster_);
  EXPECT_EQ(own.members(0).member(), "members/lb-1");
  EXPECT_TRUE(own.members(0).keys(0).primary());
}

}  // namespace
}  // namespace lb::controlplane
