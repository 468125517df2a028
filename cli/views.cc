#include "cli/views.h"

#include <google/protobuf/util/json_util.h>

#include <boost/json.hpp>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "cli/age.h"
#include "cli/certificate_views.h"
#include "cli/member_views.h"

namespace lb::cli {
namespace {

std::string Number(uint64_t value) { return absl::StrCat(value); }

Cell HealthCell(const api::Backend& backend) {
  if (!backend.unresolved().empty()) return {"UNRESOLVED", Tone::kBad};
  if (backend.admin_state() == lb::type::v1::ADMIN_STATE_DRAIN) return {"DRAIN", Tone::kWarning};
  if (backend.admin_state() == lb::type::v1::ADMIN_STATE_MAINT) return {"MAINT", Tone::kWarning};
  if (backend.has_ejection() && backend.health() != lb::type::v1::HEALTH_STATE_UNHEALTHY)
    return {"EJECTED", Tone::kBad};
  switch (backend.health()) {
    case lb::type::v1::HEALTH_STATE_HEALTHY:
      return {"UP", Tone::kGood};
    case lb::type::v1::HEALTH_STATE_UNHEALTHY:
      return {"DOWN", Tone::kBad};
    default:
      return {"UNCHECKED", Tone::kPlain};
  }
}

Cell SyncCell(api::Worker::Sync sync) {
  switch (sync) {
    case api::Worker::SYNC_SYNCED:
      return {"SYNCED", Tone::kGood};
    case api::Worker::SYNC_NOT_SENT:
      return {"NOT-SENT", Tone::kWarning};
    case api::Worker::SYNC_STALE:
      return {"STALE", Tone::kWarning};
    case api::Worker::SYNC_ERROR:
      return {"ERROR", Tone::kBad};
    case api::Worker::SYNC_DISCONNECTED:
      return {"DISCONNECTED", Tone::kBad};
    default:
      return {"UNKNOWN", Tone::kWarning};
  }
}

Tone ToneOfUp(uint32_t up, uint32_t total) {
  if (up == total) return Tone::kGood;
  return up == 0 ? Tone::kBad : Tone::kWarning;
}

// "1/3 up, PANIC" while those that are not are used as well.
Cell BackendsCell(const api::Rule& rule) {
  std::string text = absl::StrCat(rule.backends_up(), "/", rule.backends_total(), " up");
  if (rule.workers_in_panic() > 0) return {text + ", PANIC", Tone::kBad};
  return {std::move(text), ToneOfUp(rule.backends_up(), rule.backends_total())};
}

// A limit, or nothing where there is none.
std::string Limit(uint64_t limit) { return limit == 0 ? "" : Number(limit); }

std::string Milliseconds(const google::protobuf::Duration& time) {
  return absl::StrCat(time.seconds() * 1'000 + time.nanos() / 1'000'000, "ms");
}

// How many wait; nothing where nobody can.
std::string Queued(const api::Rule& rule) {
  return rule.has_queue() || rule.queued() != 0 ? Number(rule.queued()) : "";
}

// "1200 (900 resumed), 3 failed"; nothing where TLS is not ended.
std::string Handshakes(const api::Rule& rule) {
  uint64_t failed = 0;
  for (const auto& [reason, count] : rule.handshake_failures_total()) failed += count;
  if (rule.handshakes_total() == 0 && failed == 0) return "";
  std::string text =
      absl::StrCat(rule.handshakes_total(), " (", rule.resumed_handshakes_total(), " resumed)");
  if (failed > 0) absl::StrAppend(&text, ", ", failed, " failed");
  return text;
}

Row RuleRow(const api::Rule& rule, bool wide) {
  Row row = {{Leaf(rule.name())},
             {rule.listen()},
             {rule.balance()},
             BackendsCell(rule),
             {Number(rule.connections())},
             {Limit(rule.max_connections())},
             {Queued(rule)}};
  if (wide)
    for (std::string text :
         {Number(rule.connections_total()), Number(rule.queued_total()), Limit(rule.queue().max()),
          rule.has_queue() ? Milliseconds(rule.queue().timeout()) : "",
          FormatBytes(rule.received_bytes_total()), FormatBytes(rule.sent_bytes_total()),
          Number(rule.refused_total()), Number(rule.retries_total()), rule.tls(),
          rule.backend_tls(), Handshakes(rule)})
      row.push_back({std::move(text)});
  return row;
}

// The weight in force, and the configured one where that is another.
std::string WeightText(const api::Backend& backend) {
  const std::string weight = Number(backend.weight());
  if (!backend.has_override() || backend.weight() == backend.configured_weight()) return weight;
  return absl::StrCat(weight, " of ", backend.configured_weight());
}

// "outlier: 5 resets, back in 12s"
std::string EjectionText(const api::Backend::Ejection& ejection, WallTime now) {
  const std::string& reason = ejection.reason();
  const std::string what = reason == "reset"     ? "resets"
                           : reason == "refused" ? "connects refused"
                           : reason == "timeout" ? "connect timeouts"
                           : reason == "slow"    ? "slow connects"
                                                 : absl::StrCat("failures (", reason, ")");
  const auto left = WallTime(std::chrono::seconds(ejection.return_time().seconds())) - now;
  return absl::StrCat("outlier: ", ejection.failures(), " ", what, ", back in ",
                      FormatAge(std::chrono::ceil<std::chrono::seconds>(left)));
}

std::string BackendDetail(const api::Backend& backend, WallTime now) {
  std::string detail =
      backend.unresolved().empty() ? backend.health_detail() : backend.unresolved();
  if (backend.has_ejection()) detail = EjectionText(backend.ejection(), now);
  if (backend.has_override() && !backend.override().author().empty())
    absl::StrAppend(&detail, detail.empty() ? "" : "; ", "set by ", backend.override().author());
  return detail;
}

Row BackendRow(const api::Backend& backend, bool wide, WallTime now) {
  Row row = {{RuleOf(backend.name())},
             {Leaf(backend.name())},
             {backend.address()},
             HealthCell(backend),
             {WeightText(backend)},
             {Number(backend.connections())},
             {Limit(backend.max_connections())},
             {BackendDetail(backend, now)}};
  if (wide) {
    row.push_back({backend.has_check_time() ? Milliseconds(backend.check_time()) : ""});
    row.push_back({Number(backend.connects_total())});
    row.push_back({Number(backend.connect_failures_total())});
    row.push_back({backend.handshakes_total() == 0
                       ? ""
                       : absl::StrCat(backend.handshakes_total(), " (",
                                      backend.resumed_handshakes_total(), " resumed)")});
  }
  row.push_back({AgeOf(backend.last_change_time(), now)});
  return row;
}

Row WorkerRow(const api::Worker& worker, bool wide, WallTime now) {
  Row row = {{Leaf(worker.name())},
             SyncCell(worker.sync()),
             {worker.has_sent() ? Number(worker.sent().revision()) : ""},
             {worker.has_acked() ? Number(worker.acked().revision()) : ""},
             {Number(worker.connections())},
             {worker.process().version()},
             {AgeOf(worker.process().start_time(), now)}};
  if (wide) {
    row.push_back({Number(worker.connections_total())});
    row.push_back({Number(worker.threads())});
    row.push_back({Number(worker.process().pid())});
    row.push_back({AgeOf(worker.last_seen_time(), now)});
  }
  const bool refused = worker.sync() == api::Worker::SYNC_ERROR;
  row.push_back({DetailOf(worker), refused ? Tone::kBad : Tone::kPlain});
  return row;
}

std::vector<Column> WorkerColumns(bool wide) {
  std::vector<Column> columns = {{"NAME"},        {"SYNC"},    {"SENT", true},      {"ACKED", true},
                                 {"CONNS", true}, {"VERSION"}, {"AGE", false, true}};
  if (wide)
    columns.insert(
        columns.end(),
        {{"CONNS-TOTAL", true}, {"THREADS", true}, {"PID", true}, {"LAST-SEEN", false, true}});
  columns.push_back({"DETAIL"});
  return columns;
}

Cell StateCell(api::Operation::State state) {
  switch (state) {
    case api::Operation::STATE_RUNNING:
      return {"RUNNING", Tone::kWarning};
    case api::Operation::STATE_SUCCEEDED:
      return {"SUCCEEDED", Tone::kGood};
    case api::Operation::STATE_CANCELLED:
      return {"CANCELLED", Tone::kPlain};
    case api::Operation::STATE_FAILED:
      return {"FAILED", Tone::kBad};
    default:
      return {"UNKNOWN", Tone::kWarning};
  }
}

Row OperationRow(const api::Operation& operation) {
  return {{Leaf(operation.name())},
          {operation.kind()},
          {operation.target()},
          StateCell(operation.state()),
          {Number(operation.connections_left())},
          {Number(operation.connections_closed())},
          {operation.status()}};
}

}  // namespace

const std::string& NameOf(const Item& item) {
  return std::visit([](const auto& it) -> const std::string& { return it.name(); }, item);
}

std::vector<Column> ColumnsOf(Type type, bool wide) {
  if (type == Type::kWorker) return WorkerColumns(wide);
  if (type == Type::kCertificate) return CertificateColumns(wide);
  if (type == Type::kMember) return MemberColumns(wide);
  if (type == Type::kOperation)
    return {{"NAME"},       {"KIND"},         {"TARGET"}, {"STATE"},
            {"LEFT", true}, {"CLOSED", true}, {"STATUS"}};
  if (type == Type::kRule) {
    std::vector<Column> columns = {{"NAME"},        {"LISTEN"},      {"BALANCE"},     {"BACKENDS"},
                                   {"CONNS", true}, {"LIMIT", true}, {"QUEUED", true}};
    if (!wide) return columns;
    for (const char* title : {"CONNS-TOTAL", "QUEUED-TOTAL", "QUEUE-MAX", "QUEUE-TIMEOUT",
                              "RECEIVED", "SENT", "REFUSED", "RETRIES"})
      columns.push_back({title, true});
    for (const char* title : {"TLS", "BACKEND-TLS", "HANDSHAKES"}) columns.push_back({title});
    return columns;
  }
  std::vector<Column> columns = {{"RULE"},         {"BACKEND"},     {"ADDRESS"},     {"STATE"},
                                 {"WEIGHT", true}, {"CONNS", true}, {"LIMIT", true}, {"DETAIL"}};
  if (wide)
    columns.insert(
        columns.end(),
        {{"CHECK-TIME", true}, {"CONNECTS", true}, {"CONNECT-FAILURES", true}, {"HANDSHAKES"}});
  columns.push_back({"LAST-CHANGE", false, true});
  return columns;
}

Row RowOf(const Item& item, bool wide, WallTime now) {
  if (const auto* rule = std::get_if<api::Rule>(&item)) return RuleRow(*rule, wide);
  if (const auto* backend = std::get_if<api::Backend>(&item))
    return BackendRow(*backend, wide, now);
  if (const auto* operation = std::get_if<api::Operation>(&item)) return OperationRow(*operation);
  if (const auto* certificate = std::get_if<api::Certificate>(&item))
    return CertificateRow(*certificate, wide, now);
  if (const auto* member = std::get_if<api::Member>(&item)) return MemberRow(*member, wide, now);
  return WorkerRow(std::get<api::Worker>(item), wide, now);
}

boost::json::value ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  LB_CHECK(status.ok());  // Only well-known types with bad content fail, and ours are parsed.
  return boost::json::parse(text);
}

boost::json::value ToJson(const Item& item) {
  return std::visit([](const auto& it) { return ToJson(it); }, item);
}

std::string ChangeKey(const Item& item) {
  Item copy = item;
  if (auto* worker = std::get_if<api::Worker>(&copy)) worker->clear_last_seen_time();
  if (auto* backend = std::get_if<api::Backend>(&copy)) backend->clear_check_time();
  return std::visit([](const auto& it) { return it.SerializeAsString(); }, copy);
}

std::string AgeOf(const google::protobuf::Timestamp& time, WallTime now) {
  if (time.seconds() == 0) return "";
  const auto since_epoch = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  return FormatAge(since_epoch - std::chrono::seconds(time.seconds()));
}

std::string DetailOf(const api::Worker& worker) {
  std::string detail = worker.nack_reason();
  if (worker.problems_size() > 0) {
    const lb::type::v1::Problem& first = worker.problems(0);
    absl::StrAppend(&detail, detail.empty() ? "" : ": ", first.message());
    if (worker.problems_size() > 1)
      absl::StrAppend(&detail, " (and ", worker.problems_size() - 1, " more)");
  }
  if (worker.draining())
    absl::StrAppend(&detail, detail.empty() ? "" : "; ",
                    worker.ending() ? "draining to its end" : "draining");
  return detail;
}

}  // namespace lb::cli
