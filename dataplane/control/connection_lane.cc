#include "dataplane/control/connection_lane.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "dataplane/control/drainer.h"
#include "dataplane/proxy/tlv.h"

namespace lb::dataplane {
namespace {

using lb::worker::v1::Command;
using lb::worker::v1::ConnectRequest;

absl::StatusOr<ConnectionFilter> FilterOf(const lb::worker::v1::ConnectionFilter& filter) {
  ConnectionFilter out;
  out.rule = filter.rule();
  out.backend = filter.backend();
  if (filter.client_cidr().empty()) return out;
  LB_ASSIGN_OR_RETURN(out.client, Cidr::Parse(filter.client_cidr()));
  return out;
}

google::protobuf::Duration ToProto(Duration duration) {
  const int64_t ns = duration.count();
  google::protobuf::Duration out;
  out.set_seconds(ns / 1'000'000'000);
  out.set_nanos(static_cast<int32_t>(ns % 1'000'000'000));
  return out;
}

void Append(const ConnectionInfo& info, lb::worker::v1::ConnectionList& to) {
  auto& out = *to.add_connections();
  out.set_rule(info.rule);
  out.set_backend(info.backend);
  out.set_client(info.client);
  out.set_listen(info.listen);
  out.set_backend_address(info.backend_address);
  *out.mutable_age() = ToProto(info.age);
  *out.mutable_idle() = ToProto(info.idle);
  out.set_received_bytes(info.received_bytes);
  out.set_sent_bytes(info.sent_bytes);
  out.set_server_name(info.tls.sni);
  out.set_tls_version(info.tls.version);
  out.set_tls_cipher(info.tls.cipher);
  out.set_client_identity(info.tls.client_identity);
  out.set_backend_tls_version(info.tls.backend_version);
  proxy::TlvReader tlvs(info.proxy_tlvs);
  while (const std::optional<proxy::Tlv> tlv = tlvs.Next()) {
    auto& extension = *out.add_proxy_tlvs();
    extension.set_type(tlv->type);
    extension.set_value(tlv->value.data(), tlv->value.size());
  }
}

}  // namespace

absl::Status ConnectionLane::Take(const Command& command, Instant now) {
  if (command.id().empty() || command.id().size() > Drainer::kMaxCommandIdBytes)
    return absl::InvalidArgumentError("a command without an id, or with too long a one");
  if (command.has_cancel_kill()) {
    StopKill(command.cancel_kill().command_id(), now);
    return absl::OkStatus();
  }
  const bool list = command.has_list_connections();
  LB_ASSIGN_OR_RETURN(
      ConnectionFilter filter,
      FilterOf(list ? command.list_connections().filter() : command.kill_connections().filter()));
  if (!list) return BeginKill(command, std::move(filter), now);
  if (lists_.size() >= kMaxLists) return absl::OkStatus();
  const uint32_t limit = std::min(command.list_connections().limit(), kMaxListed);
  lists_.push_back(
      {command.id(), std::make_shared<ConnectionWalk>(ConnectionWalk::Task::kList,
                                                      std::move(filter), limit, threads_)});
  traffic_.Run(lists_.back().walk);
  return absl::OkStatus();
}

absl::Status ConnectionLane::BeginKill(const Command& command, ConnectionFilter filter,
                                       Instant now) {
  const uint32_t rate = command.kill_connections().rate_per_s();
  if (rate == 0 || rate > kMaxRate)
    return absl::InvalidArgumentError(absl::StrCat("rate_per_s ", rate, " is not 1 to ", kMaxRate));
  for (Kill& known : kills_) {
    if (known.id != command.id()) continue;
    known.next_status = now;
    known.told_done = false;
    return absl::OkStatus();
  }
  if (kills_.size() >= kMaxKills) {
    const auto done = std::find_if(kills_.begin(), kills_.end(),
                                   [](const Kill& kill) { return kill.walk->done(); });
    if (done == kills_.end()) {
      refused_.push_back(command.id());
      return absl::OkStatus();
    }
    kills_.erase(done);
  }
  LogInfo("connections are killed",
          {{"command", command.id()}, {"rate_per_s", absl::StrCat(rate)}});
  kills_.push_back({.id = command.id(),
                    .walk = std::make_shared<ConnectionWalk>(ConnectionWalk::Task::kKill,
                                                             std::move(filter), 0, threads_),
                    .rate_per_s = rate,
                    .allowed_until = now,
                    .next_status = now});
  traffic_.Run(kills_.back().walk);
  return absl::OkStatus();
}

void ConnectionLane::StopKill(const std::string& id, Instant now) {
  for (Kill& kill : kills_) {
    if (kill.id != id) continue;
    LogInfo("a kill is stopped", {{"command", id}});
    kill.walk->Stop();
    traffic_.Run(kill.walk);
    kill.next_status = now;
    kill.told_done = false;
    return;
  }
  if (unknown_.size() < kMaxKills) unknown_.push_back(id.substr(0, Drainer::kMaxCommandIdBytes));
}

void ConnectionLane::Step(Instant now) {
  for (Kill& kill : kills_) {
    if (kill.walk->done()) continue;
    const Duration each = std::chrono::nanoseconds(std::chrono::seconds(1)) / kill.rate_per_s;
    // What was not used within a second is not caught up with: no burst after a pause.
    kill.allowed_until = std::max<Instant>(kill.allowed_until, now - std::chrono::seconds(1));
    const int64_t count = (now - kill.allowed_until) / each;
    kill.allowed_until += each * count;
    kill.walk->Allow(static_cast<uint64_t>(count));
    traffic_.Run(kill.walk);
  }
}

void ConnectionLane::Report(Instant now, Messages& out) {
  std::erase_if(lists_, [&](List& list) {
    if (!list.walk->done()) return false;
    auto& answer = *out.emplace_back().mutable_connections();
    answer.set_command_id(list.id);
    answer.set_matching(list.walk->matching());
    for (const ConnectionInfo& info : list.walk->TakeFound()) Append(info, answer);
    return true;
  });
  for (Kill& kill : kills_) {
    const bool done = kill.walk->done();
    if (kill.told_done || (!done && now < kill.next_status)) continue;
    kill.next_status = now + kStatusInterval;
    kill.told_done = done;
    auto& status = *out.emplace_back().mutable_kill();
    status.set_command_id(kill.id);
    status.set_killed(kill.walk->matching());
    status.set_done(done);
  }
  for (std::string& id : std::exchange(unknown_, {})) {
    auto& status = *out.emplace_back().mutable_kill();
    status.set_command_id(std::move(id));
    status.set_done(true);
  }
  for (const std::string& id : std::exchange(refused_, {})) {
    out.emplace_back().mutable_kill()->set_command_id(id);
    out.back().mutable_kill()->set_refused("too many kills are under way");
  }
}

}  // namespace lb::dataplane
