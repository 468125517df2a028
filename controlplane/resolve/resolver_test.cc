#include "controlplane/resolve/resolver.h"

#include <variant>

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::seconds;

const Endpoint kName = Endpoint::Parse("app.internal:80").value();
const Endpoint kFirst = Endpoint::Parse("10.0.0.1:80").value();
const Endpoint kSecond = Endpoint::Parse("10.0.0.2:80").value();

class ResolverTest : public testing::Test {
 protected:
  // The query that is due, at the time that it is due.
  QueryId Query() {
    now_ = std::max(now_, resolver_.NextDeadline());
    std::vector<Action> actions;
    resolver_.Run(now_, actions);
    EXPECT_EQ(actions.size(), 1u);
    return actions.empty() ? 0 : std::get<ResolveName>(actions[0]).query;
  }

  bool Answer(std::vector<Endpoint> endpoints, seconds ttl) {
    return resolver_.Done({Query(), absl::OkStatus(), std::move(endpoints), ttl}, now_);
  }

  bool Fail() {
    return resolver_.Done({Query(), absl::UnavailableError("SERVFAIL"), {}, {}}, now_);
  }

  Duration Wait() const { return resolver_.NextDeadline() - now_; }

  Instant now_ = Instant(std::chrono::hours(1));
  DnsConfig dns_;
  Resolver resolver_{{}};
};

TEST_F(ResolverTest, AnAnswerIsKeptForItsTtlWithinTheBounds) {
  resolver_.SetNames({kName}, dns_, now_);
  EXPECT_FALSE(resolver_.EachTried());
  EXPECT_TRUE(Answer({kSecond, kFirst, kSecond}, seconds(60)));
  EXPECT_TRUE(resolver_.EachTried());
  EXPECT_EQ(resolver_.addresses().at(kName), (std::vector<Endpoint>{kFirst, kSecond}));
  EXPECT_EQ(Wait(), seconds(60));
  EXPECT_FALSE(Answer({kFirst, kSecond}, seconds(0)));  // Only the order differs.
  EXPECT_EQ(Wait(), dns_.min_ttl);
  Answer({kFirst}, std::chrono::hours(24));
  EXPECT_EQ(Wait(), dns_.max_ttl);
}

TEST_F(ResolverTest, AFailureKeepsTheLastGoodAnswerAndBacksOff) {
  resolver_.SetNames({kName}, dns_, now_);
  Answer({kFirst}, seconds(5));
  for (const int wait : {1, 2, 4, 8, 16, 30, 30}) {
    EXPECT_FALSE(Fail());
    EXPECT_EQ(Wait(), seconds(wait));
  }
  EXPECT_FALSE(resolver_.LastError(kName).ok());
  EXPECT_EQ(resolver_.addresses().at(kName), std::vector<Endpoint>{kFirst});
  EXPECT_FALSE(Answer({}, seconds(5)));  // No address is no answer.
  EXPECT_FALSE(resolver_.LastError(kName).ok());
  EXPECT_EQ(resolver_.failures_total(), 8u);
  EXPECT_TRUE(Answer({kSecond}, seconds(5)));
  EXPECT_TRUE(resolver_.LastError(kName).ok());
  EXPECT_FALSE(Fail());
  EXPECT_EQ(Wait(), seconds(1));
}

TEST_F(ResolverTest, AnswersThatNobodyWaitsForAreIgnored) {
  resolver_.SetNames({kName}, dns_, now_);
  const QueryId query = Query();
  EXPECT_EQ(*resolver_.NameOf(query), kName);
  EXPECT_EQ(resolver_.NameOf(query + 1), nullptr);
  EXPECT_FALSE(resolver_.Done({query + 1, absl::OkStatus(), {kFirst}, seconds(5)}, now_));
  resolver_.SetNames({}, dns_, now_);
  EXPECT_FALSE(resolver_.Done({query, absl::OkStatus(), {kFirst}, seconds(5)}, now_));
  EXPECT_TRUE(resolver_.addresses().empty());
  EXPECT_EQ(resolver_.NextDeadline(), Instant::max());
}

TEST_F(ResolverTest, OtherSettingsAskAgainAtOnceAndTheSameOnesDoNot) {
  resolver_.SetNames({kName}, dns_, now_);
  Answer({kFirst}, seconds(60));
  resolver_.SetNames({kName}, dns_, now_);
  EXPECT_EQ(Wait(), seconds(60));
  dns_.servers.push_back(Endpoint::Parse("10.0.0.53:53").value());
  resolver_.SetNames({kName}, dns_, now_);
  EXPECT_EQ(Wait(), seconds(0));
  Query();
  EXPECT_EQ(resolver_.NextDeadline(), Instant::max());  // Never two of one name.
}

TEST_F(ResolverTest, AStoredAnswerServesUntilThereIsABetterOne) {
  resolver_ = Resolver({{kName, {kFirst}}, {kSecond, {kSecond}}});
  resolver_.SetNames({kName}, dns_, now_);
  EXPECT_TRUE(resolver_.EachTried());
  EXPECT_EQ(resolver_.addresses().size(), 1u);
  Fail();
  EXPECT_EQ(resolver_.addresses().at(kName), std::vector<Endpoint>{kFirst});
}

TEST_F(ResolverTest, AHugeAnswerIsCut) {
  resolver_.SetNames({kName}, dns_, now_);
  std::vector<Endpoint> many;
  for (uint16_t port = 1; port <= Resolver::kMaxAddresses + 9; ++port)
    many.push_back(Endpoint::FromIp("10.0.0.1", port).value());
  Answer(many, seconds(5));
  EXPECT_EQ(resolver_.addresses().at(kName).size(), Resolver::kMaxAddresses);
}

}  // namespace
}  // namespace lb::controlplane
