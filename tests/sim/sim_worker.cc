#include "tests/sim/sim_worker.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "dataplane/limit/client_prefix.h"

namespace lb::sim {
namespace {

using dataplane::BackendTable;
using dataplane::RuleTable;

// As in the program (dataplane/control/worker.cc).
constexpr std::chrono::milliseconds kTick{100};
constexpr std::chrono::seconds kGoodStream{5};

type::v1::ProcessIdentity IdentityOf(const std::string& id, uint64_t process) {
  type::v1::ProcessIdentity identity;
  identity.set_id(id);
  identity.set_incarnation(absl::StrCat("process-", process));
  identity.set_pid(SimWorker::PidOf(process));
  return identity;
}

}  // namespace

SimWorker::SimWorker(const std::string& id, uint64_t process, uint64_t seed, Instant now)
    : identity_(IdentityOf(id, process)),
      process_(process),
      now_(now),
      registry_(1, {seed, ~seed}),
      config_(traffic_, registry_, [this] { return now_; }),
      drainer_(traffic_),
      connections_(traffic_, 1),
      backoff_(seed) {}

worker::v1::ConnectRequest SimWorker::Connected(Instant now) {
  now_ = now;
  welcomed_at_.reset();
  session_.emplace(
      dataplane::Session::Lent{registry_, traffic_, config_, drainer_, connections_, log_}, now);
  return session_->Hello({identity_, 1});
}

absl::Status SimWorker::Take(const worker::v1::ConnectResponse& message, Instant now,
                             Messages& out) {
  now_ = now;
  LB_CHECK(session_.has_value());
  const absl::Status status = session_->Take(message, now, out);
  if (session_->welcomed() && !welcomed_at_) welcomed_at_ = now;
  return status;
}

absl::Status SimWorker::Tick(Instant now, Messages& out) {
  now_ = now;
  drainer_.Step(now);
  registry_.rate_limiters().Step(now);
  registry_.bandwidths().Step(now);
  registry_.client_limits().Step(now);
  return session_ ? session_->Tick(now, out) : absl::OkStatus();
}

Duration SimWorker::tick_interval() const {
  return registry_.rate_limiters().reports() ? Duration(dataplane::RateLane::kInterval)
                                             : Duration(kTick);
}

Duration SimWorker::Disconnected(Instant now) {
  now_ = now;
  session_.reset();
  registry_.rate_limiters().StreamEnded(now);
  registry_.client_limits().StreamEnded();
  if (welcomed_at_ && now - *welcomed_at_ >= kGoodStream) backoff_.Reset();
  return backoff_.Next();
}

const RuleTable* SimWorker::FindRule(const std::string& rule,
                                     std::shared_ptr<const RuleTable>& found) const {
  if (config_.tables() == nullptr) return nullptr;
  for (const std::shared_ptr<const RuleTable>& each : config_.tables()->rules)
    if (each->name == rule) found = each;
  return found.get();
}

// The next one in turn that is usable and has a slot.
std::optional<size_t> SimWorker::TakeBackend(const RuleTable& rule, bool& full) {
  const size_t count = rule.backends.size();
  for (size_t i = 0; i < count; ++i) {
    const size_t index = (turn_ + i) % count;
    const BackendTable& backend = rule.backends[index];
    if (!backend.state->usable.load()) continue;
    if (!backend.limited) {
      backend.state->slots.Take();
    } else if (!backend.state->slots.TryTake()) {
      full = true;
      continue;
    }
    turn_ = index + 1;
    return index;
  }
  return std::nullopt;
}

std::optional<SimWorker::Refused> SimWorker::Open(const std::string& rule,
                                                  const SocketAddress& client, Instant now,
                                                  Connection& connection) {
  std::shared_ptr<const RuleTable> table;
  if (FindRule(rule, table) == nullptr) return Refused::kNoRule;
  if (table->rate_limiter != nullptr) {
    dataplane::RateLimiter& limiter = *table->rate_limiter;
    if (!limiter.Admit(dataplane::PrefixOf(client, limiter.prefix_lengths()), now))
      return Refused::kRate;
  }
  if (!table->limited) {
    table->state->slots.Take();
  } else if (!table->state->slots.TryTake()) {
    return Refused::kRuleLimit;
  }
  bool full = false;
  const std::optional<size_t> backend = TakeBackend(*table, full);
  if (!backend) {
    table->state->slots.Return();
    return full ? Refused::kBackendLimit : Refused::kNoBackend;
  }
  ++held_[{rule, table->backends[*backend].name}];
  ++traffic_.open;
  connection = {std::move(table), *backend};
  return std::nullopt;
}

void SimWorker::Close(const Connection& connection) {
  const BackendTable& backend = connection.rule->backends[connection.backend];
  backend.state->slots.Return();
  connection.rule->state->slots.Return();
  --held_[{connection.rule->name, backend.name}];
  --traffic_.open;
}

uint64_t SimWorker::held(const std::string& rule, const std::string& backend) const {
  const auto it = held_.find({rule, backend});
  return it == held_.end() ? 0 : it->second;
}

uint64_t SimWorker::granted(const std::string& rule, const std::string& backend) const {
  std::shared_ptr<const RuleTable> table;
  if (FindRule(rule, table) == nullptr) return 0;
  for (const BackendTable& each : table->backends)
    if (each.name == backend) return each.state->slots.granted();
  return 0;
}

}  // namespace lb::sim
