// A worker in virtual time: the control thread of lb-worker as it is (session, snapshots, limits),
// and a model of its connections, which are opened and closed but move no bytes.
//
// Clients are refused by the real rate limiters and slots; a backend is chosen in turn, over those
// that are usable. Threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/control/backoff.h"
#include "dataplane/control/session.h"

namespace lb::sim {

class SimWorker final {
 public:
  using Messages = dataplane::Session::Messages;
  // Why a client has no connection.
  enum class Refused : uint8_t { kNoRule, kRate, kRuleLimit, kBackendLimit, kNoBackend };
  // One open connection; given back to Close.
  struct Connection {
    std::shared_ptr<const dataplane::RuleTable> rule;
    size_t backend = 0;  // Index in the rule's table.

    const std::string& backend_name() const { return rule->backends[backend].name; }
  };

  // `process` tells this one from all others of its name.
  SimWorker(const std::string& id, uint64_t process, uint64_t seed, Instant now);

  // A stream is there: the hello to send.
  worker::v1::ConnectRequest Connected(Instant now);
  // Takes a message and appends the answers. An error: the control plane broke the contract.
  absl::Status Take(const worker::v1::ConnectResponse& message, Instant now, Messages& out);
  // What is due; call it every tick_interval(). An error: the stream is to end.
  absl::Status Tick(Instant now, Messages& out);
  Duration tick_interval() const;
  // The stream is gone; returns when to connect again.
  Duration Disconnected(Instant now);

  // A client of this address connects. On success `connection` is set.
  std::optional<Refused> Open(const std::string& rule, const SocketAddress& client, Instant now,
                              Connection& connection);
  void Close(const Connection& connection);

  static uint32_t PidOf(uint64_t process) { return 1'000 + static_cast<uint32_t>(process); }

  const std::string& id() const { return identity_.id(); }
  uint64_t process() const { return process_; }
  bool connected() const { return session_.has_value(); }
  // Absent: it runs none yet.
  const std::optional<type::v1::ConfigVersion>& running() const { return config_.running(); }
  // Connections open to a backend now, counted here and not by its slots.
  uint64_t held(const std::string& rule, const std::string& backend) const;
  // Slots that it may use.
  uint64_t granted(const std::string& rule, const std::string& backend) const;

 private:
  // Takes what would be carried out by I/O threads.
  class Traffic final : public dataplane::Traffic {
   public:
    std::vector<dataplane::BindFailure> Apply(std::shared_ptr<const dataplane::Tables>) override {
      return {};
    }
    void StopAccepting() override {}
    std::vector<dataplane::BindFailure> ResumeAccepting() override { return {}; }
    void CloseConnections() override {}
    void Run(const std::shared_ptr<dataplane::ConnectionWalk>&) override {}
    uint64_t connections() const override { return open; }
    std::string access_log_error() const override { return ""; }

    uint64_t open = 0;
  };

  const dataplane::RuleTable* FindRule(const std::string& rule,
                                       std::shared_ptr<const dataplane::RuleTable>& found) const;
  std::optional<size_t> TakeBackend(const dataplane::RuleTable& rule, bool& full);

  type::v1::ProcessIdentity identity_;
  const uint64_t process_;
  Instant now_;
  Traffic traffic_;
  dataplane::StateRegistry registry_;
  dataplane::ConfigLane config_;
  dataplane::Drainer drainer_;
  dataplane::ConnectionLane connections_;
  dataplane::LogLane log_;
  dataplane::Backoff backoff_;
  std::optional<dataplane::Session> session_;
  std::optional<Instant> welcomed_at_;
  size_t turn_ = 0;  // Of the backends.
  std::map<dataplane::BackendKey, uint64_t> held_;
};

}  // namespace lb::sim
