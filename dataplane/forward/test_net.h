// Loopback clients, backends and a worker for the tests of this folder.
//
// Sockets here block, with kPatience as the bound of every wait. Threading: as each class says.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/endpoint.h"
#include "base/unique_fd.h"
#include "dataplane/forward/forwarder.h"
#include "dataplane/snapshot/build_tables.h"
#include "dataplane/snapshot/state_registry.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane {

// Far above what any step takes, also under a sanitizer on a busy machine.
inline constexpr std::chrono::seconds kPatience{60};

// Waits until `condition` holds; false when it never did within kPatience.
bool Eventually(const std::function<bool()>& condition);

// Open descriptors of this process.
size_t OpenDescriptors();

// The first `bytes` of a stream that differs for each seed.
std::string Pattern(size_t bytes, uint64_t seed);

// Connects; the descriptor is invalid when that failed.
UniqueFd Dial(const Endpoint& address);
// Sends all; false when the connection broke.
bool SendAll(int fd, std::string_view data);

// What reading until the end of a stream gave.
struct ReadResult {
  std::string data;
  int error = 0;  // 0: a FIN ended it. ECONNRESET: a reset.
};
// Reads until a FIN, an error, or `bytes` have come.
ReadResult Read(int fd, size_t bytes = SIZE_MAX);
// Says that nothing more will be sent.
void SendFin(int fd);
// Closes with a reset instead of a FIN.
void Reset(UniqueFd fd);

// A listening socket that serves every client by a function on a thread of its own.
class FakeBackend final {
 public:
  using Serve = std::function<void(UniqueFd client)>;

  // `listen`: an address with port 0, or a unix path.
  explicit FakeBackend(Serve serve, const std::string& listen = "127.0.0.1:0");
  ~FakeBackend();  // Stops accepting and waits until every client is served.

  const Endpoint& address() const { return address_; }
  int accepted() const { return accepted_.load(); }
  int open() const { return open_.load(); }
  int most_open() const { return most_open_.load(); }

 private:
  void AcceptLoop();

  const Serve serve_;
  UniqueFd listener_;
  Endpoint address_;
  std::atomic<int> accepted_{0};
  std::atomic<int> open_{0};
  std::atomic<int> most_open_{0};
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> servers_;  // Of the accepting thread until it ended.
  std::thread thread_;
};

// Sends back what it reads, then a FIN.
void Echo(UniqueFd client);

// An address on which nobody listens.
Endpoint UnusedAddress();

// A listening socket whose queue is full: connects to it neither succeed nor fail.
class SilentBackend final {
 public:
  SilentBackend();
  const Endpoint& address() const { return address_; }

 private:
  UniqueFd listener_;
  Endpoint address_;
  std::vector<UniqueFd> waiting_;
};

// A worker with one rule, "web", listening on 127.0.0.1.
class TestWorker final {
 public:
  struct Options {
    size_t threads = 2;
    uint64_t max_connections = 0;
  };

  TestWorker() : TestWorker(Options()) {}
  explicit TestWorker(Options options);

  // The rule as it will be applied; tests change it.
  lb::type::v1::Rule& rule() { return rule_; }
  // What rules name by id: certificates and the like.
  lb::type::v1::Snapshot& material() { return material_; }
  void AddBackend(const std::string& name, const Endpoint& address, uint32_t weight = 1,
                  uint64_t max_connections = 0);
  // Puts rule() and `others` in force; the test fails when that is not possible.
  void Apply(const std::vector<lb::type::v1::Rule>& others = {});

  Endpoint address() const { return forwarder_->listening("web").value(); }
  Forwarder& forwarder() { return *forwarder_; }
  StateRegistry& registry() { return registry_; }
  std::shared_ptr<const Tables> tables() const { return tables_; }

  // Sums over all threads.
  uint64_t Refused(RefuseReason reason) const;
  uint64_t Closed(CloseReason reason) const;
  uint64_t HandshakeFailures(HandshakeFailure failure) const;
  uint64_t Failures(const std::string& backend, ConnectFailure failure) const;
  uint64_t Sum(Counter RuleCounters::*counter) const;
  uint64_t Sum(const std::string& backend, Counter BackendCounters::*counter) const;

  StateRegistry::SlotUse Slots(const std::string& backend);

  // True once no connection and no slot is in use any more.
  bool Quiet();

 private:
  std::shared_ptr<BackendState> State(const std::string& backend) const;

  lb::type::v1::Rule rule_;
  lb::type::v1::Snapshot material_;
  mutable StateRegistry registry_;
  std::unique_ptr<Forwarder> forwarder_;
  std::shared_ptr<const Tables> tables_;
  std::shared_ptr<RuleState> rule_state_;
};

}  // namespace lb::dataplane
