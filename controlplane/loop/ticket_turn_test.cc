// Keys of session tickets: what workers get, and what hosts of a cluster tell each other.
#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/overloaded.h"
#include "controlplane/loop/control_loop.h"
#include "controlplane/loop/test_messages.h"
#include "controlplane/membership/place.h"
#include "controlplane/tls/shared_tickets.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

using Names = std::vector<std::string>;

// A control loop with a worker, and what it did.
struct Host {
  std::unique_ptr<ControlLoop> loop;
  swim::Address address;
  std::vector<Names> told;  // Of each message of keys to the worker, the one that seals first.
  std::vector<std::string> happened;
  std::set<std::string> secrets;  // Names of keys too.
  std::string said;               // All that was logged or stored, or sent to other hosts.
};

// Control loops whose datagrams and connections arrive at once.
class TicketTurnTest : public testing::Test {
 protected:
  Host& Start(const std::string& name) {
    Host& host = hosts_[name];
    const auto number = static_cast<uint8_t>(hosts_.size());
    host.address = swim::AddressOf(AddressOf(number));
    ControlLoop::Options options;
    options.node_id = name;
    options.incarnation = name;
    options.seed = number;
    options.start_time = WallTime(hours(24 * 20'000));
    options.ticket_seed = std::string(TicketRing::kSeedBytes, static_cast<char>('a' + number));
    std::vector<Action> actions;
    host.loop = std::make_unique<ControlLoop>(std::move(options), now_, actions);
    Do(name, actions);
    Handle(name, WorkerMessage{1, HelloOf("w", "i", 42, {"tls"})});
    return host;
  }

  static Endpoint AddressOf(int number) {
    return Endpoint::FromIp("127.0.3." + std::to_string(number), 7946).value();
  }

  // And all that follows from it.
  void Handle(const std::string& name, Event event) {
    events_.emplace_back(name, std::move(event));
    while (!events_.empty()) {
      const auto [to, next] = std::move(events_.front());
      events_.pop_front();
      std::vector<Action> actions;
      hosts_.at(to).loop->Handle(next, now_, actions);
      Do(to, actions);
    }
  }

  void Load(const std::string& name, std::optional<ClusterConfig> cluster) {
    ConfigRead read;
    read.path = "lb.yaml";
    read.config.emplace();
    read.config->cluster = std::move(cluster);
    read.content = read.digest = std::to_string(++reads_);
    Handle(name, read);
  }

  // One whose members call the first.
  ClusterConfig Cluster(const std::string& name, std::vector<std::string> keys) {
    ClusterConfig cluster{.bind_addr = swim::EndpointOf(hosts_.at(name).address)};
    cluster.peers = {AddressOf(1)};
    cluster.keys = std::move(keys);
    return cluster;
  }

  void StartCluster(const std::vector<std::string>& keys) {
    for (const char* name : {"a", "b", "c"}) {
      Start(name);
      Load(name, Cluster(name, keys));
    }
  }

  void Pass(Duration time) {
    const Instant end = now_ + time;
    while (true) {
      Instant next = end;
      for (const auto& [name, host] : hosts_) next = std::min(next, host.loop->NextDeadline());
      now_ = std::max(now_, next);
      for (const auto& [name, host] : hosts_)
        if (host.loop->NextDeadline() <= now_) Handle(name, TimerFired{});
      if (now_ >= end) return;
    }
  }

  // All hosts are held up for so long, as no time of a test would do to say every word in it.
  void Stall(Duration time) {
    now_ += time;
    Pass(seconds(0));
  }

  void Do(const std::string& name, const std::vector<Action>& actions) {
    Host& host = hosts_.at(name);
    for (const Action& action : actions) {
      if (const auto* send = std::get_if<SendToWorker>(&action)) Note(send->message, host);
      if (const auto* line = std::get_if<WriteLog>(&action)) {
        host.happened.push_back(line->message);
        host.said += line->message;
        for (const auto& [key, value] : line->fields) host.said += value;
      }
      if (const auto* save = std::get_if<SaveState>(&action)) host.said += save->bytes;
      if (const auto* out = std::get_if<GossipOut>(&action)) Gossip(name, out->action);
    }
  }

  static void Note(const worker::v1::ConnectResponse& message, Host& host) {
    if (!message.has_ticket_keys()) return;
    Names& names = host.told.emplace_back();
    for (const auto& key : message.ticket_keys().keys()) {
      names.push_back(key.name());
      host.secrets.insert({key.name(), key.secret()});
    }
  }

  void Gossip(const std::string& name, const swim::ClusterAction& action) {
    const swim::Address from = hosts_.at(name).address;
    std::visit(
        Overloaded{
            [&](const swim::OpenGossip& open) {
              const auto usage_port = static_cast<uint16_t>(from.port + 1);
              events_.emplace_back(name, GossipIn{swim::GossipOpened{
                                             open.generation, absl::OkStatus(), from, usage_port}});
            },
            [&](const swim::SendPacket& packet) {
              ToHost(packet.to, packet.to.port, swim::PacketIn{from, packet.parts});
            },
            [&](const swim::SendUsage& usage) {
              hosts_.at(name).said += usage.bytes;
              ToHost(usage.to, static_cast<uint16_t>(usage.to.port - 1),
                     swim::UsageIn{usage.bytes});
            },
            [&](const swim::StartExchange& start) {
              exchanges_[++streams_] = {name, start.exchange};
              ToHost(start.to, start.to.port, swim::StreamIn{streams_, start.message});
            },
            [&](const swim::StreamReply& reply) {
              const auto [caller, exchange] = exchanges_.at(reply.stream);
              events_.emplace_back(caller, GossipIn{swim::ExchangeDone{exchange, reply.message}});
            },
            [](const auto&) {},
        },
        action);
  }

  void ToHost(const swim::Address& to, uint16_t port, const swim::ClusterEvent& event) {
    for (const auto& [name, host] : hosts_)
      if (host.address.ip == to.ip && host.address.port == port)
        events_.emplace_back(name, GossipIn{event});
  }

  Instant now_{hours(100)};
  std::deque<std::pair<std::string, Event>> events_;
  std::map<std::string, Host> hosts_;
  std::map<swim::StreamId, std::pair<std::string, swim::ExchangeId>> exchanges_;
  swim::StreamId streams_ = 0;
  int reads_ = 0;
};

constexpr char kRotated[] = "another key seals TLS session tickets";
const std::string kKey(32, 'k');

TEST_F(TicketTurnTest, WorkersGetKeysAfterTheirHelloAndWhenThereAreNewOnes) {
  Host& host = Start("a");
  EXPECT_THAT(host.told, IsEmpty());  // There may be a cluster.
  Load("a", std::nullopt);
  ASSERT_EQ(host.told.size(), 1u);
  Handle("a", WorkerMessage{2, HelloOf("old", "j", 43)});
  EXPECT_EQ(host.told.size(), 1u);
  Handle("a", WorkerMessage{3, HelloOf("new", "k", 44, {"tls"})});
  ASSERT_EQ(host.told.size(), 2u);
  EXPECT_EQ(host.told[1], host.told[0]);
  Stall(hours(8));
  ASSERT_EQ(host.told.size(), 4u);
  EXPECT_EQ(host.told.back().size(), 2u);
  EXPECT_EQ(host.told.back()[1], host.told[0][0]);
  EXPECT_THAT(host.happened, testing::Contains(kRotated));
}

TEST_F(TicketTurnTest, WithoutAGoodConfigurationWorkersGetKeysAfterAWhile) {
  Host& host = Start("a");
  Pass(SharedTickets::kLearnFor);
  EXPECT_EQ(host.told.size(), 1u);
}

TEST_F(TicketTurnTest, HostsOfASealedClusterHaveTheSameKeys) {
  StartCluster({kKey});
  Pass(seconds(20));
  const std::vector<Names>& first = hosts_.at("a").told;
  ASSERT_FALSE(first.empty());
  EXPECT_EQ(first.back().size(), 1u);
  Stall(hours(8) - minutes(1));
  Pass(minutes(2));
  EXPECT_EQ(first.back().size(), 2u);
  for (const auto& [name, host] : hosts_) {
    EXPECT_EQ(host.told.back(), first.back()) << name;
    EXPECT_EQ(std::count(host.happened.begin(), host.happened.end(), kRotated), 1);
  }
}

TEST_F(TicketTurnTest, InAnOpenClusterEachHostHasItsOwn) {
  StartCluster({});
  Pass(minutes(1));
  std::set<Names> all;
  for (const auto& [name, host] : hosts_) {
    ASSERT_EQ(host.told.size(), 1u);
    all.insert(host.told[0]);
  }
  EXPECT_EQ(all.size(), 3u);
}

TEST_F(TicketTurnTest, AClusterThatGetsAKeyByAnEditSharesFromThenOn) {
  StartCluster({});
  Pass(minutes(1));
  for (const char* name : {"a", "b", "c"}) Load(name, Cluster(name, {kKey}));
  Pass(minutes(1));
  for (const auto& [name, host] : hosts_) {
    EXPECT_EQ(host.told.back().size(), 3u) << name;
    EXPECT_EQ(host.told.back()[0], hosts_.at("a").told.back()[0]) << name;
  }
}

TEST_F(TicketTurnTest, AnEditThatSwitchesTheClusterOffKeepsTheKeys) {
  StartCluster({kKey});
  Pass(minutes(1));
  Host& host = hosts_.at("b");
  const Names before = host.told.back();
  Load("b", std::nullopt);
  Pass(minutes(1));
  EXPECT_EQ(host.told.back(), before);
  Stall(hours(8));
  EXPECT_NE(host.told.back()[0], before[0]);
  EXPECT_NE(host.told.back()[0], hosts_.at("a").told.back()[0]);
}

TEST_F(TicketTurnTest, AHostThatGoesTellsItsWorkersNothingMore) {
  StartCluster({kKey});
  Pass(seconds(20));
  Stall(hours(8) - minutes(1));
  Host& host = hosts_.at("a");
  const size_t told = host.told.size();
  Handle("a", Stopping{});
  Pass(minutes(2));
  EXPECT_EQ(host.told.size(), told);
  EXPECT_EQ(hosts_.at("b").told.back().size(), 2u);
}

TEST_F(TicketTurnTest, NothingOfAKeyIsLoggedOrStoredOrSaidInTheOpen) {
  for (const std::vector<std::string>& keys : {std::vector<std::string>(), {kKey}}) {
    hosts_.clear();
    StartCluster(keys);
    Pass(seconds(20));
    Stall(hours(8) - minutes(1));
    Pass(minutes(2));
    for (const auto& [name, host] : hosts_) {
      EXPECT_GE(host.secrets.size(), 4u);
      for (const std::string& secret : host.secrets)
        EXPECT_EQ(host.said.find(secret), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace lb::controlplane
