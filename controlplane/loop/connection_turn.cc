#include "controlplane/loop/connection_turn.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/cidr.h"
#include "controlplane/admin/rule_answers.h"
#include "controlplane/loop/admin_turn.h"
#include "controlplane/snapshot/features.h"

namespace lb::controlplane {
namespace {

constexpr std::chrono::seconds kListWait{3};  // A worker answers within a tenth of a second.
constexpr int kDefaultLimit = 100;
constexpr int kMaxLimit = 1'000;
constexpr uint32_t kDefaultRate = 500;
constexpr uint32_t kMaxRate = 100'000;
constexpr size_t kMaxKills = 16;  // Under way at once.
constexpr char kKind[] = "KillConnections";

Outcome<worker::v1::ConnectionFilter> CheckFilter(const View& view,
                                                  const admin::v1::ConnectionFilter& filter) {
  worker::v1::ConnectionFilter out;
  if (!filter.rule().empty()) {
    const Outcome<std::string> rule = ParseRuleName(view, filter.rule());
    if (const auto* failure = std::get_if<Failure>(&rule)) return *failure;
    out.set_rule(std::get<0>(rule));
  }
  if (!filter.backend().empty()) {
    const Outcome<BackendKey> key = ParseBackendName(view, filter.backend());
    if (const auto* failure = std::get_if<Failure>(&key)) return *failure;
    const BackendKey& backend = std::get<0>(key);
    if (!out.rule().empty() && out.rule() != backend.rule)
      return FieldFailure("filter.backend", "it is not of filter.rule");
    out.set_rule(backend.rule);
    out.set_backend(backend.backend);
  }
  if (filter.client_cidr().empty()) return out;
  if (const auto cidr = Cidr::Parse(filter.client_cidr()); !cidr.ok())
    return FieldFailure("filter.client_cidr", std::string(cidr.status().message()));
  out.set_client_cidr(filter.client_cidr());
  return out;
}

std::string NameOf(const WorkerKey& key) { return absl::StrCat("workers/", key.id); }

std::string ListId(const Parts& parts, uint64_t number) {
  return absl::StrCat(parts.self.incarnation(), "/list/", number);
}

std::string KillId(const Parts& parts, uint64_t number) {
  return absl::StrCat(parts.self.incarnation(), "/kill/", number);
}

// The number in an id that one of the two above made for `kind`.
std::optional<uint64_t> NumberIn(const std::string& id, const char* kind, const Parts& parts) {
  absl::string_view rest = id;
  uint64_t number = 0;
  if (!absl::ConsumePrefix(&rest, absl::StrCat(parts.self.incarnation(), "/", kind, "/")) ||
      !absl::SimpleAtoi(rest, &number))
    return std::nullopt;
  return number;
}

void SendOrder(const WorkerKey& key, const worker::v1::Command& order, Parts& parts, Turn& turn) {
  worker::v1::ConnectResponse message;
  *message.mutable_command() = order;
  turn.Send(*parts.workers.At(key).session, std::move(message));
}

// Workers that are connected, by whether they can carry out these orders.
struct Asked {
  std::set<WorkerKey> can;
  std::set<WorkerKey> silent;        // Nothing is to be expected of them.
  std::vector<std::string> too_old;  // Names.
};

Asked WhoCan(const Parts& parts) {
  Asked asked;
  for (const auto& [session, key] : parts.workers.sessions()) {
    const WorkerRecord& record = *parts.workers.Find(key);
    if (!record.Knows(kFeatureConnections))
      asked.too_old.push_back(NameOf(key));
    else if (record.silent)
      asked.silent.insert(key);
    else
      asked.can.insert(key);
  }
  return asked;
}

// Why nobody can.
Failure NoWorker(const Asked& asked) {
  if (!asked.silent.empty())
    return {absl::FailedPreconditionError(
                absl::StrCat(NameOf(*asked.silent.begin()), " is silent: it hangs or is stopped")),
            "WORKER_SILENT",
            {{"worker", NameOf(*asked.silent.begin())}}};
  const std::vector<std::string>& cannot = asked.too_old;
  if (cannot.empty())
    return {absl::FailedPreconditionError("no worker is connected"), "WORKER_DISCONNECTED"};
  return {absl::FailedPreconditionError(absl::StrCat("no worker knows this order; upgrade ",
                                                     cannot.front(),
                                                     cannot.size() > 1 ? " and the others" : "")),
          "MISSING_FEATURE",
          {{"feature", kFeatureConnections}}};
}

// Asks every worker that can; the answer comes later.
std::optional<Failure> Ask(ConnectionOrders::List list, const worker::v1::ConnectionFilter& filter,
                           Parts& parts, Turn& turn) {
  Asked asked = WhoCan(parts);
  if (asked.can.empty()) return NoWorker(asked);
  for (std::string& name : asked.too_old) list.answer.add_workers_missing(std::move(name));
  for (const WorkerKey& key : asked.silent) list.answer.add_workers_missing(NameOf(key));
  list.waiting = std::move(asked.can);
  const uint64_t number = parts.connection_orders.next_list++;
  worker::v1::Command order;
  order.set_id(ListId(parts, number));
  *order.mutable_list_connections()->mutable_filter() = filter;
  order.mutable_list_connections()->set_limit(static_cast<uint32_t>(list.limit));
  for (const WorkerKey& key : list.waiting) SendOrder(key, order, parts, turn);
  parts.connection_orders.lists.emplace(number, std::move(list));
  return std::nullopt;
}

// proxy-protocol.txt 2.2.
const char* NameOfTlv(uint32_t type) {
  switch (type) {
    case 0x01:
      return "alpn";
    case 0x02:
      return "authority";
    case 0x03:
      return "crc32c";
    case 0x04:
      return "noop";
    case 0x05:
      return "unique_id";
    case 0x20:
      return "ssl";
    case 0x30:
      return "netns";
    default:
      return "";
  }
}

void Append(const worker::v1::ConnectionList::Connection& from, const WorkerKey& worker,
            admin::v1::ListConnectionsResponse& to) {
  admin::v1::Connection& out = *to.add_connections();
  out.set_client(from.client());
  out.set_listen(from.listen());
  out.set_rule(absl::StrCat("rules/", from.rule()));
  if (!from.backend().empty()) out.set_backend(BackendName(from.rule(), from.backend()));
  out.set_backend_address(from.backend_address());
  out.set_worker(NameOf(worker));
  *out.mutable_age() = from.age();
  *out.mutable_idle() = from.idle();
  out.set_received_bytes(from.received_bytes());
  out.set_sent_bytes(from.sent_bytes());
  out.set_server_name(from.server_name());
  out.set_tls_version(from.tls_version());
  out.set_tls_cipher(from.tls_cipher());
  out.set_client_identity(from.client_identity());
  out.set_backend_tls_version(from.backend_tls_version());
  for (const auto& tlv : from.proxy_tlvs()) {
    admin::v1::Connection::ProxyTlv& extension = *out.add_proxy_tlvs();
    extension.set_type(tlv.type());
    extension.set_name(NameOfTlv(tlv.type()));
    extension.set_value(tlv.value());
    if (std::all_of(tlv.value().begin(), tlv.value().end(), absl::ascii_isprint))
      extension.set_text(tlv.value());
  }
}

void Finish(ConnectionOrders::List& list, Turn& turn) {
  for (const WorkerKey& key : list.waiting) list.answer.add_workers_missing(NameOf(key));
  if (!list.count_only) return Answer(list.request, std::move(list.answer), turn);
  admin::v1::Operation operation;
  operation.set_done(true);
  operation.set_kind(kKind);
  operation.set_connections_left(list.answer.matching());
  operation.set_status(absl::StrCat("would close ", list.answer.matching(), " connections"));
  if (list.answer.workers_missing_size() > 0) {
    const std::string words =
        absl::StrCat(absl::StrJoin(list.answer.workers_missing(), ", "), " did not answer");
    operation.set_error_code(static_cast<int32_t>(absl::StatusCode::kDeadlineExceeded));
    operation.set_error_message(words);
    absl::StrAppend(operation.mutable_status(), "; ", words);
  }
  Answer(list.request, std::move(operation), turn);
}

void DescribeKill(const ConnectionOrders::Kill& kill, admin::v1::Operation& operation) {
  uint64_t killed = 0;
  for (const auto& [key, count] : kill.killed) killed += count;
  operation.set_connections_closed(killed);
  if (kill.cancelled) return;
  operation.set_done(kill.waiting.empty());
  operation.set_status(
      absl::StrCat(kill.waiting.empty() ? "done; " : "", killed, " connections closed"));
  if (!kill.waiting.empty() || kill.given_up.empty()) return;
  std::string words = absl::StrCat(killed, " connections closed;");
  for (const WorkerKey& key : kill.given_up) absl::StrAppend(&words, " ", NameOf(key), ",");
  words.back() = ' ';
  absl::StrAppend(&words, "did not answer, and may close theirs once back");
  operation.set_status(words);
  operation.set_error_code(static_cast<int32_t>(absl::StatusCode::kDeadlineExceeded));
  operation.set_error_message(words);
}

void EmitEnd(const ConnectionOrders::Kill& kill, const admin::v1::Operation& operation,
             Turn& turn) {
  const worker::v1::ConnectionFilter& filter = kill.filter;
  std::string resource = filter.rule().empty() ? "" : absl::StrCat("rules/", filter.rule());
  if (!filter.backend().empty()) resource = BackendName(filter.rule(), filter.backend());
  turn.Emit("connections.killed", std::move(resource),
            operation.error_code() == 0 ? LogLevel::kInfo : LogLevel::kWarn,
            absl::StrCat("connections killed: ", operation.status()),
            {{"operation", operation.name()},
             {"client", filter.client_cidr()},
             {"connections_closed", absl::StrCat(operation.connections_closed())},
             {"author", kill.author}});
}

// Until when a worker that has still to carry out a kill is waited for: not set while it speaks.
std::optional<Instant> AwaitedUntil(const WorkerRecord& record) {
  if (record.silent) return Instant::min();
  if (record.session) return std::nullopt;
  return record.last_seen + WorkerTable::kComesBackWithin;
}

// Whoever is gone has no connections any more; whoever says nothing must not hold up a kill.
void GiveUpSilent(ConnectionOrders::Kill& kill, const Parts& parts, Instant now) {
  std::erase_if(kill.waiting, [&](const WorkerKey& key) {
    const WorkerRecord* record = parts.workers.Find(key);
    if (record == nullptr) return true;
    const std::optional<Instant> until = AwaitedUntil(*record);
    if (!until || now < *until) return false;
    kill.given_up.insert(key);
    return true;
  });
}

}  // namespace

Outcome<admin::v1::ListConnectionsResponse> ListConnections(
    const AdminRequest& event, const View& view, const admin::v1::ListConnectionsRequest& request,
    Parts& parts, Turn& turn) {
  if (request.limit() < 0 || request.limit() > kMaxLimit)
    return FieldFailure("limit", absl::StrCat(request.limit(), " is not 0 to ", kMaxLimit));
  const Outcome<worker::v1::ConnectionFilter> filter = CheckFilter(view, request.filter());
  if (const auto* failure = std::get_if<Failure>(&filter)) return *failure;
  ConnectionOrders::List list{.request = event.request,
                              .limit = request.limit() == 0 ? kDefaultLimit : request.limit(),
                              .waiting = {},
                              .deadline = turn.now + kListWait};
  if (auto failure = Ask(std::move(list), std::get<0>(filter), parts, turn)) return *failure;
  return Later{};
}

Outcome<admin::v1::Operation> KillConnections(const AdminRequest& event, const View& view,
                                              const admin::v1::KillConnectionsRequest& request,
                                              Parts& parts, Turn& turn) {
  if (request.rate_per_s() > kMaxRate)
    return FieldFailure("rate_per_s", absl::StrCat(request.rate_per_s(), " is above ", kMaxRate));
  const Outcome<worker::v1::ConnectionFilter> checked = CheckFilter(view, request.filter());
  if (const auto* failure = std::get_if<Failure>(&checked)) return *failure;
  const auto& filter = std::get<worker::v1::ConnectionFilter>(checked);
  const bool empty = filter.rule().empty() && filter.client_cidr().empty();
  if (empty && !request.all())
    return FieldFailure("filter", "it is empty; say all to close every connection");
  if (request.validate_only()) {
    ConnectionOrders::List list{.request = event.request,
                                .limit = 0,
                                .count_only = true,
                                .waiting = {},
                                .deadline = turn.now + kListWait};
    if (auto failure = Ask(std::move(list), filter, parts, turn)) return *failure;
    return Later{};
  }
  if (const Asked asked = WhoCan(parts); asked.can.empty()) return NoWorker(asked);
  if (parts.connection_orders.kills.size() >= kMaxKills)
    return Failure{
        absl::ResourceExhaustedError(absl::StrCat("more than ", kMaxKills, " kills are under way")),
        "TOO_MANY_OPERATIONS"};
  if (auto failure = parts.operations.CheckRoom()) return *std::move(failure);
  const uint32_t rate = request.rate_per_s() == 0 ? kDefaultRate : request.rate_per_s();
  std::string target = request.filter().rule();
  if (!request.filter().backend().empty()) target = request.filter().backend();
  if (!filter.client_cidr().empty())
    absl::StrAppend(&target, target.empty() ? "" : " ", "client ", filter.client_cidr());
  turn.Log(LogLevel::kInfo, "connections are killed",
           {{"target", empty ? "all" : target},
            {"rate_per_s", absl::StrCat(rate)},
            {"author", event.caller.name}});
  return *parts.operations.Edit(
      StartKill(filter, rate, empty ? "rules/-" : target, event.caller.name, parts, turn));
}

uint64_t StartKill(const worker::v1::ConnectionFilter& filter, uint32_t rate_per_s,
                   const std::string& target, const std::string& author, Parts& parts, Turn& turn) {
  const uint64_t number = parts.operations.Open(kKind, target, 0, "sent to the workers");
  Asked asked = WhoCan(parts);
  ConnectionOrders::Kill kill{.order = {},
                              .filter = filter,
                              .author = author,
                              .waiting = asked.can,
                              .given_up = asked.silent};
  admin::v1::Operation& operation = *parts.operations.Edit(number);
  if (kill.waiting.empty()) {
    const Failure failure = NoWorker(asked);
    operation.set_done(true);
    operation.set_status(std::string(failure.status.message()));
    operation.set_error_code(failure.status.raw_code());
    operation.set_error_message(operation.status());
    return number;
  }
  kill.order.set_id(KillId(parts, number));
  *kill.order.mutable_kill_connections()->mutable_filter() = filter;
  const auto workers = static_cast<uint32_t>(kill.waiting.size());
  kill.order.mutable_kill_connections()->set_rate_per_s(std::max(rate_per_s / workers, 1u));
  for (const WorkerKey& key : kill.waiting) SendOrder(key, kill.order, parts, turn);
  parts.connection_orders.kills.emplace(number, std::move(kill));
  return number;
}

std::optional<Failure> CancelKill(uint64_t number, bool validate_only, Parts& parts, Turn& turn) {
  const auto it = parts.connection_orders.kills.find(number);
  if (it == parts.connection_orders.kills.end()) return std::nullopt;
  ConnectionOrders::Kill& kill = it->second;
  for (const WorkerKey& key : kill.waiting)
    if (const WorkerRecord* record = parts.workers.Find(key);
        record != nullptr && !record->Knows(kFeatureCancelKill))
      return Failure{absl::FailedPreconditionError(
                         absl::StrCat(NameOf(key), " is too old to stop a kill; upgrade it")),
                     "MISSING_FEATURE",
                     {{"feature", kFeatureCancelKill}, {"worker", NameOf(key)}}};
  if (validate_only) return std::nullopt;
  kill.cancelled = true;
  kill.order.set_id(KillId(parts, number) + "/cancel");
  kill.order.mutable_cancel_kill()->set_command_id(KillId(parts, number));
  for (const WorkerKey& key : kill.waiting)
    if (parts.workers.Find(key) != nullptr && parts.workers.At(key).session)
      SendOrder(key, kill.order, parts, turn);
  parts.operations.Cancel(number, "cancelled; what is closed stays closed");
  return std::nullopt;
}

void OnConnectionList(const worker::v1::ConnectionList& list, const WorkerKey& worker, Parts& parts,
                      Turn& turn) {
  const std::optional<uint64_t> number = NumberIn(list.command_id(), "list", parts);
  const auto it =
      number ? parts.connection_orders.lists.find(*number) : parts.connection_orders.lists.end();
  if (it == parts.connection_orders.lists.end() || it->second.waiting.erase(worker) == 0) return;
  ConnectionOrders::List& to = it->second;
  to.answer.set_matching(to.answer.matching() + list.matching());
  for (const auto& connection : list.connections())
    if (to.answer.connections_size() < to.limit) Append(connection, worker, to.answer);
  if (!to.waiting.empty()) return;
  Finish(to, turn);
  parts.connection_orders.lists.erase(it);
}

void OnKillStatus(const worker::v1::KillStatus& status, const WorkerKey& worker, Parts& parts) {
  const std::optional<uint64_t> number = NumberIn(status.command_id(), "kill", parts);
  if (!number) return;
  const auto it = parts.connection_orders.kills.find(*number);
  if (it == parts.connection_orders.kills.end()) return;
  it->second.killed[worker] = status.killed();
  if (status.done() || !status.refused().empty()) it->second.waiting.erase(worker);
}

void ResendConnectionOrders(const WorkerKey& worker, Parts& parts, Turn& turn) {
  for (const auto& [number, kill] : parts.connection_orders.kills)
    if (kill.waiting.contains(worker)) SendOrder(worker, kill.order, parts, turn);
}

void StepConnectionOrders(Parts& parts, Turn& turn) {
  ConnectionOrders& orders = parts.connection_orders;
  for (auto it = orders.lists.begin(); it != orders.lists.end();) {
    const bool late = turn.now >= it->second.deadline;
    if (late) Finish(it->second, turn);
    it = late ? orders.lists.erase(it) : std::next(it);
  }
  for (auto it = orders.kills.begin(); it != orders.kills.end();) {
    GiveUpSilent(it->second, parts, turn.now);
    admin::v1::Operation* operation = parts.operations.Edit(it->first);
    const bool goes_on = operation != nullptr && (it->second.cancelled || !operation->done());
    if (goes_on) DescribeKill(it->second, *operation);
    const bool over =
        !goes_on || (it->second.cancelled ? it->second.waiting.empty() : operation->done());
    if (over) parts.operations.NoteChanged();
    if (over && operation != nullptr) EmitEnd(it->second, *operation, turn);
    it = over ? orders.kills.erase(it) : std::next(it);
  }
}

Instant NextConnectionDeadline(const Parts& parts) {
  Instant next = Instant::max();
  for (const auto& [number, list] : parts.connection_orders.lists)
    next = std::min(next, list.deadline);
  for (const auto& [number, kill] : parts.connection_orders.kills)
    for (const WorkerKey& key : kill.waiting)
      if (const WorkerRecord* record = parts.workers.Find(key))
        if (const std::optional<Instant> until = AwaitedUntil(*record))
          next = std::min(next, *until);
  return next;
}

void ForgetConnectionList(RequestId request, Parts& parts) {
  std::erase_if(parts.connection_orders.lists,
                [&](const auto& entry) { return entry.second.request == request; });
}

}  // namespace lb::controlplane
