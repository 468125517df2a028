#include "dataplane/control/session.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "dataplane/control/client_look.h"
#include "dataplane/control/ticket_lane.h"
#include "dataplane/snapshot/build_tables.h"

namespace lb::dataplane {

using lb::worker::v1::ConnectRequest;
using lb::worker::v1::ConnectResponse;

namespace {

void Append(Session::Messages more, Session::Messages& out) {
  out.insert(out.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

Session::Session(Lent lent, Instant now)
    : lent_(lent),
      health_(lent.registry),
      slots_(lent.registry),
      rates_(lent.registry.rate_limiters(), lent.registry.bandwidths(),
             lent.registry.client_limits()),
      stats_(lent.registry),
      welcome_deadline_(now + kWelcomeTimeout) {}

ConnectRequest Session::Hello(const Self& self) {
  ConnectRequest message;
  auto& hello = *message.mutable_hello();
  *hello.mutable_worker() = self.identity;
  hello.set_protocol_min(kProtocol);
  hello.set_protocol_max(kProtocol);
  for (const std::string& feature : kSupportedFeatures) hello.add_features(feature);
  if (lent_.config.running()) *hello.mutable_running() = *lent_.config.running();
  AppendHealth(lent_.registry, hello);
  slots_.AppendTo(hello);
  hello.set_threads(self.threads);
  for (const std::string& incarnation : self.took_over) hello.add_took_over(incarnation);
  hello.set_draining(lent_.drainer.draining());
  hello.set_log_level(LevelAtStart());
  return message;
}

absl::Status Session::Take(const ConnectResponse& message, Instant now, Messages& out) {
  if (message.has_welcome()) {
    LB_RETURN_IF_ERROR(TakeWelcome(message.welcome(), now));
    // Before this stream's shares change the buckets: they show what was taken without a stream.
    rates_.Report(now, out);
    return absl::OkStatus();
  }
  if (!welcomed_) return absl::InvalidArgumentError("the first message is no Welcome");
  switch (message.message_case()) {
    case ConnectResponse::kSnapshot:
      return TakePart(message.snapshot(), out);
    case ConnectResponse::kVersion:
      return TakeVersion(message.version(), out);
    case ConnectResponse::kHealth:
      return health_.Take(message.health(), now);
    case ConnectResponse::kSlots:
      return TakeGrant(message.slots(), out);
    case ConnectResponse::kRates:
      return rates_.Take(message.rates(), now);
    case ConnectResponse::kTicketKeys:
      return TakeTicketKeys(message.ticket_keys(), *lent_.registry.tls().ticket_keys);
    case ConnectResponse::kCommand:
      if (!message.command().has_look_at_clients()) return TakeCommand(message.command(), now);
      out.push_back(LookAtClients(message.command(), lent_.registry.rate_limiters(),
                                  lent_.registry.bandwidths(), lent_.config.tables().get(), now));
      return absl::OkStatus();
    case ConnectResponse::kWelcome:
    case ConnectResponse::MESSAGE_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("a message of no known kind");
}

absl::Status Session::TakeWelcome(const lb::worker::v1::Welcome& welcome, Instant now) {
  if (welcomed_) return absl::InvalidArgumentError("a second Welcome");
  if (welcome.protocol() != kProtocol) {
    return absl::InvalidArgumentError(absl::StrCat("Welcome with protocol ", welcome.protocol(),
                                                   "; this worker speaks ", kProtocol));
  }
  welcomed_ = true;
  if (welcome.has_stats_interval()) {
    const int64_t longest_s = std::chrono::seconds(60).count();
    const Duration asked = std::chrono::seconds(std::clamp<int64_t>(
                               welcome.stats_interval().seconds(), 0, longest_s)) +
                           std::chrono::nanoseconds(welcome.stats_interval().nanos());
    stats_interval_ = std::clamp(asked, kMinStatsInterval, kMaxStatsInterval);
  }
  next_stats_ = now;
  next_slots_ = now;
  return absl::OkStatus();
}

absl::Status Session::TakePart(const lb::worker::v1::SnapshotPart& part, Messages& out) {
  LB_ASSIGN_OR_RETURN(auto received, receiver_.Take(part));
  if (received) out.push_back(lent_.config.Offer(*received));
  return absl::OkStatus();
}

absl::Status Session::TakeVersion(const lb::worker::v1::VersionUpdate& update, Messages& out) {
  auto answer = lent_.config.Rename(update.version());
  if (!answer) {
    return absl::InvalidArgumentError("VersionUpdate with a digest this worker does not run");
  }
  out.push_back(std::move(*answer));
  return absl::OkStatus();
}

absl::Status Session::TakeGrant(const lb::worker::v1::SlotGrant& grant, Messages& out) {
  LB_RETURN_IF_ERROR(slots_.Take(grant));
  Append(slots_.Report(), out);
  return absl::OkStatus();
}

absl::Status Session::TakeCommand(const lb::worker::v1::Command& command, Instant now) {
  switch (command.order_case()) {
    case lb::worker::v1::Command::kListConnections:
    case lb::worker::v1::Command::kKillConnections:
    case lb::worker::v1::Command::kCancelKill:
      return lent_.connections.Take(command, now);
    case lb::worker::v1::Command::kSetLogLevel:
      return lent_.log.Take(command.set_log_level(), now);
    default:
      return lent_.drainer.Take(command, now);
  }
}

absl::Status Session::Tick(Instant now, Messages& out) {
  if (!welcomed_) {
    return now < welcome_deadline_ ? absl::OkStatus()
                                   : absl::DeadlineExceededError("no Welcome came in time");
  }
  rates_.Report(now, out);
  if (now >= next_slots_) {
    next_slots_ = now + kSlotInterval;
    Append(slots_.Report(), out);
  }
  if (now >= next_stats_) {
    next_stats_ = now + stats_interval_;
    Append(stats_.Report({.connections = lent_.traffic.connections(),
                          .tables = lent_.config.tables().get(),
                          .access_log_error = lent_.traffic.access_log_error()},
                         now),
           out);
  }
  lent_.connections.Report(now, out);
  if (auto status = lent_.drainer.Status(now)) out.push_back(std::move(*status));
  return absl::OkStatus();
}

}  // namespace lb::dataplane
