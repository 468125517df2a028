// What a client of a cluster relies on, in a world with faults: a ticket that one host seals is
// opened by every other host that has been on its side for a while.
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "controlplane/tls/shared_tickets.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A side that has been together for so long has the same keys.
constexpr Duration kTogether = 2 * SharedTickets::kEvery;
constexpr Duration kLength = hours(18);
constexpr Duration kMaxDelay = milliseconds(300);

// Hosts on one lossy bus that stalls, repeats and reorders; they crash, start again, and are cut
// into two sides. Membership is told at once.
class World {
 public:
  World(size_t hosts, uint64_t seed) : prng_(seed), hosts_(hosts) {
    for (size_t i = 0; i < hosts; ++i) Start(i);
    Meet();
  }

  void Run() {
    while (now_ < kLength) {
      now_ = NextTime();
      if (now_ >= fault_at_) Fault();
      while (!words_.empty() && words_.begin()->first <= now_) Deliver();
      for (size_t i = 0; i < hosts_.size(); ++i)
        if (hosts_[i].tickets != nullptr) Step(i);
      if (std::exchange(changed_, false) || now_ >= check_at_) Check();
    }
  }

  uint64_t checked() const { return checked_; }

 private:
  struct Host {
    std::unique_ptr<SharedTickets> tickets;
    Duration clock{};
    uint64_t life = 0;
    int side = 0;
    Duration since{};  // It lives, on this side.
  };
  struct Word {
    size_t from;
    size_t to;
    uint64_t life;
    std::string text;
  };

  static std::string NameOf(size_t host) { return std::string(1, static_cast<char>('a' + host)); }
  Instant At(const Host& host) const { return Instant(hours(1) + now_ + host.clock); }
  bool Reach(size_t a, size_t b) const {
    return a != b && hosts_[a].tickets != nullptr && hosts_[b].tickets != nullptr &&
           hosts_[a].side == hosts_[b].side;
  }

  void Start(size_t i) {
    Host& host = hosts_[i];
    ++host.life;
    host.clock = milliseconds(prng_.Below(1'000'000'000));
    std::string seed;
    for (size_t byte = 0; byte < TicketRing::kSeedBytes; ++byte)
      seed.push_back(static_cast<char>(prng_.Below(256)));
    host.tickets = std::make_unique<SharedTickets>(seed, At(host));
    host.tickets->SetPlace(true, NameOf(i), At(host));
    host.since = now_;
  }

  void Meet() {
    for (size_t i = 0; i < hosts_.size(); ++i) {
      if (hosts_[i].tickets == nullptr) continue;
      std::vector<SharedTickets::Host> others;
      for (size_t j = 0; j < hosts_.size(); ++j)
        if (Reach(i, j)) others.push_back({NameOf(j), hosts_[j].life});
      hosts_[i].tickets->SetHosts(others, At(hosts_[i]));
    }
  }

  // A crash, a start, or another split.
  void Fault() {
    fault_at_ = now_ + (prng_.Chance(1, 2) ? Duration(seconds(1 + prng_.Below(120)))
                                           : Duration(hours(1 + prng_.Below(10))));
    const size_t i = prng_.Below(hosts_.size());
    if (hosts_[i].tickets == nullptr) {
      Start(i);
    } else if (prng_.Chance(1, 2)) {
      hosts_[i].tickets.reset();
    } else {
      const bool heal = prng_.Chance(1, 2);
      for (Host& host : hosts_) {
        const int side = heal ? 0 : static_cast<int>(prng_.Below(2));
        host.side = side;
        host.since = now_;
      }
    }
    Meet();
  }

  void Deliver() {
    const Word word = std::move(words_.begin()->second);
    words_.erase(words_.begin());
    Host& to = hosts_[word.to];
    if (!Reach(word.from, word.to) || hosts_[word.from].life != word.life) return;
    EXPECT_TRUE(to.tickets->Receive(NameOf(word.from), word.text, At(to)));
  }

  void Step(size_t i) {
    Host& host = hosts_[i];
    changed_ |= host.tickets->Step(At(host));
    const std::optional<std::string> text = host.tickets->TakeWord(At(host));
    if (!text) return;
    for (size_t j = 0; j < hosts_.size(); ++j) {
      if (!Reach(i, j)) continue;
      const uint64_t copies = prng_.Chance(15, 100) ? 0 : prng_.Chance(5, 100) ? 2 : 1;
      for (uint64_t copy = 0; copy < copies; ++copy)
        words_.emplace(now_ + Duration(1 + prng_.Below(Duration(kMaxDelay).count())),
                       Word{i, j, host.life, *text});
    }
  }

  Duration NextTime() const {
    Duration next = std::min(kLength, fault_at_);
    if (!words_.empty()) next = std::min(next, words_.begin()->first);
    for (const Host& host : hosts_)
      if (host.tickets != nullptr)
        next = std::min(next, now_ + (host.tickets->NextDeadline() - At(host)));
    return std::max(next, now_);
  }

  void Check() {
    check_at_ = now_ + seconds(1);
    std::vector<std::set<std::string>> names(hosts_.size());
    for (size_t i = 0; i < hosts_.size(); ++i) {
      if (hosts_[i].tickets == nullptr) continue;
      const worker::v1::TicketKeys keys = hosts_[i].tickets->Keys();
      ASSERT_LE(keys.keys_size(), static_cast<int>(TicketRing::kMaxKeys));
      for (const auto& key : keys.keys()) names[i].insert(key.name());
    }
    for (size_t i = 0; i < hosts_.size(); ++i) {
      const TicketKey* const sealer =
          hosts_[i].tickets == nullptr ? nullptr : hosts_[i].tickets->sealer();
      for (size_t j = 0; j < hosts_.size(); ++j) {
        if (!Reach(i, j) || now_ - std::max(hosts_[i].since, hosts_[j].since) < kTogether) continue;
        ASSERT_NE(sealer, nullptr) << NameOf(i) << " after " << now_.count() << " ns";
        ASSERT_TRUE(names[j].contains(sealer->name))
            << NameOf(j) << " does not open what " << NameOf(i) << " seals, after " << now_.count();
        ++checked_;
      }
    }
  }

  Prng prng_;
  std::vector<Host> hosts_;
  std::multimap<Duration, Word> words_;
  Duration now_{};
  Duration fault_at_ = seconds(30);
  bool changed_ = false;
  Duration check_at_{};
  uint64_t checked_ = 0;
};

// Of all worlds of a test: those with many hosts take longer.
constexpr uint64_t kHostsInAll = 14;

class TicketClusterTest : public testing::TestWithParam<size_t> {};

TEST_P(TicketClusterTest, WhatOneHostSealsTheOthersOfItsSideOpen) {
  uint64_t checked = 0;
  for (uint64_t seed = 1; seed <= kHostsInAll / GetParam(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    World world(GetParam(), seed);
    world.Run();
    ASSERT_FALSE(HasFatalFailure());
    checked += world.checked();
  }
  EXPECT_GT(checked, 1'000u);
}

INSTANTIATE_TEST_SUITE_P(Hosts, TicketClusterTest, testing::Values(2, 3, 5, 7));

}  // namespace
}  // namespace lb::controlplane
