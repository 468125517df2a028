#include "controlplane/loop/client_turn.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/overloaded.h"
#include "controlplane/admin/rule_answers.h"
#include "controlplane/config/host_name.h"
#include "controlplane/loop/admin_turn.h"
#include "controlplane/snapshot/features.h"

namespace lb::controlplane {
namespace {

constexpr std::chrono::seconds kLookWait{3};  // A worker answers within a tenth of a second.
constexpr int kDefaultClients = 20;
constexpr int kMaxClients = 1'000;

std::string IdPrefix(const Parts& parts) {
  return absl::StrCat(parts.self.incarnation(), "/look/");
}

std::string NameOf(const WorkerKey& key) { return absl::StrCat("workers/", key.id); }

// The name of the rule; empty when none is asked for.
Outcome<std::string> RuleAskedFor(const View& view, const std::string& name) {
  if (name.empty()) return std::string();
  return ParseRuleName(view, name);
}

// The name that a ClientHello would ask for, in its one form; empty when none is given.
Outcome<std::string> NameAskedFor(const LiveRule& rule, const std::string& name) {
  if (name.empty()) return std::string();
  if (!rule.tls && rule.sni_routes.empty())
    return FieldFailure("server_name",
                        absl::StrCat("rules/", rule.name, " neither ends TLS nor routes by name"));
  const std::string plain(absl::StripSuffix(name, "."));
  if (plain.empty()) return FieldFailure("server_name", "it is not a host name");
  if (const std::optional<TextError> error = CheckSniName(plain))
    return FieldFailure("server_name", absl::StrCat("it", error->why));
  if (plain.front() == '*') return FieldFailure("server_name", "a client asks for one name");
  return CanonicalHostName(plain);
}

// Asks every worker that knows; the answer comes later.
std::optional<Failure> Ask(ClientQuestion question, uint32_t top, Parts& parts, Turn& turn) {
  worker::v1::ConnectResponse message;
  worker::v1::Command& command = *message.mutable_command();
  const uint64_t number = parts.client_questions.next++;
  command.set_id(absl::StrCat(IdPrefix(parts), number));
  command.mutable_look_at_clients()->set_rule(question.rule);
  command.mutable_look_at_clients()->set_top(top);
  command.mutable_look_at_clients()->set_client(question.client.host());
  command.mutable_look_at_clients()->set_server_name(question.server_name);
  for (const auto& [session, key] : parts.workers.sessions()) {
    const WorkerRecord& record = *parts.workers.Find(key);
    if (record.silent || !record.Knows(kFeatureClients)) {
      question.missing.push_back(NameOf(key));
      continue;
    }
    question.waiting.insert(key);
    turn.Send(session, message);
  }
  if (question.waiting.empty() && question.missing.empty())
    return Failure{absl::FailedPreconditionError("no worker is connected"), "WORKER_DISCONNECTED"};
  if (question.waiting.empty())
    return Failure{absl::FailedPreconditionError(absl::StrCat(
                       "no worker can tell; ", question.missing.front(), " is silent or too old")),
                   "MISSING_FEATURE",
                   {{"feature", kFeatureClients}}};
  question.deadline = turn.now + kLookWait;
  parts.client_questions.open.emplace(number, std::move(question));
  return std::nullopt;
}

template <typename Response>
void Respond(const ClientQuestion& question, Response response, Turn& turn) {
  response.set_nobody_answered(question.reports.empty());
  for (const std::string& name : question.missing) response.add_workers_missing(name);
  for (const WorkerKey& key : question.waiting) response.add_workers_missing(NameOf(key));
  Answer(question.request, std::move(response), turn);
}

void Finish(const ClientQuestion& question, Parts& parts, Turn& turn) {
  const View view = ViewOf(parts, {turn.now, question.asked_at.ToWall(turn.now)});
  const auto explain = [&](const admin::v1::ExplainConnectionRequest& request) {
    const LiveRule* rule = FindRule(view.live, question.rule);
    if (rule == nullptr) return Fail(question.request, RuleNotFound(view, request.rule()), turn);
    Respond(question,
            DescribeConnection(*rule, question.client, question.via, question.server_name, view,
                               question.reports),
            turn);
  };
  const auto limits = [&](const admin::v1::ListLimitsRequest&) {
    Respond(question, DescribeLimits(view, question.rule, question.reports), turn);
  };
  const auto clients = [&](const admin::v1::ListClientsRequest& request) {
    const int limit = request.limit() == 0 ? kDefaultClients : request.limit();
    Respond(question,
            DescribeClients(view, static_cast<size_t>(limit), request.order(), question.reports),
            turn);
  };
  std::visit(Overloaded{limits, clients, explain}, question.call);
}

}  // namespace

Outcome<admin::v1::ListLimitsResponse> ListLimits(const AdminRequest& event, const View& view,
                                                  const admin::v1::ListLimitsRequest& request,
                                                  Parts& parts, Turn& turn) {
  const Outcome<std::string> rule = RuleAskedFor(view, request.rule());
  if (const auto* failure = std::get_if<Failure>(&rule)) return *failure;
  ClientQuestion question{.request = event.request,
                          .call = request,
                          .rule = std::get<0>(rule),
                          .client = {},
                          .asked_at = event.clock,
                          .waiting = {},
                          .deadline = {}};
  if (!Ask(std::move(question), 0, parts, turn)) return Later{};
  // Nobody can tell: what the configuration and the counters say is an answer all the same.
  admin::v1::ListLimitsResponse response = DescribeLimits(view, std::get<0>(rule), {});
  response.set_nobody_answered(true);
  for (const auto& [session, key] : parts.workers.sessions())
    response.add_workers_missing(NameOf(key));
  return response;
}

Outcome<admin::v1::ListClientsResponse> ListClients(const AdminRequest& event, const View& view,
                                                    const admin::v1::ListClientsRequest& request,
                                                    Parts& parts, Turn& turn) {
  if (request.limit() < 0 || request.limit() > kMaxClients)
    return FieldFailure("limit", absl::StrCat(request.limit(), " is not 0 to ", kMaxClients));
  const Outcome<std::string> rule = RuleAskedFor(view, request.rule());
  if (const auto* failure = std::get_if<Failure>(&rule)) return *failure;
  ClientQuestion question{.request = event.request,
                          .call = request,
                          .rule = std::get<0>(rule),
                          .client = {},
                          .asked_at = event.clock,
                          .waiting = {},
                          .deadline = {}};
  const int top = request.limit() == 0 ? kDefaultClients : request.limit();
  if (auto failure = Ask(std::move(question), static_cast<uint32_t>(top), parts, turn))
    return *std::move(failure);
  return Later{};
}

Outcome<admin::v1::ExplainConnectionResponse> ExplainConnection(
    const AdminRequest& event, const View& view, const admin::v1::ExplainConnectionRequest& request,
    Parts& parts, Turn& turn) {
  const Outcome<std::string> rule = ParseRuleName(view, request.rule());
  if (const auto* failure = std::get_if<Failure>(&rule)) return *failure;
  const absl::StatusOr<Endpoint> client = Endpoint::FromIp(request.client(), 0);
  if (!client.ok()) return FieldFailure("client", std::string(client.status().message()));
  const LiveRule& live = *FindRule(view.live, std::get<0>(rule));
  std::optional<Endpoint> via;
  if (!request.via().empty()) {
    const absl::StatusOr<Endpoint> proxy = Endpoint::FromIp(request.via(), 0);
    if (!proxy.ok()) return FieldFailure("via", std::string(proxy.status().message()));
    if (!live.proxy_protocol.accept)
      return FieldFailure("via", absl::StrCat("rules/", live.name, " reads no PROXY header"));
    via = *proxy;
  }
  const Outcome<std::string> server_name = NameAskedFor(live, request.server_name());
  if (const auto* failure = std::get_if<Failure>(&server_name)) return *failure;
  ClientQuestion question{.request = event.request,
                          .call = request,
                          .rule = std::get<0>(rule),
                          .client = ClientMet(live, *client, via),
                          .via = via,
                          .server_name = std::get<0>(server_name),
                          .asked_at = event.clock,
                          .waiting = {},
                          .deadline = {}};
  if (auto failure = Ask(std::move(question), 0, parts, turn)) return *std::move(failure);
  return Later{};
}

void OnClientReport(const worker::v1::ClientReport& report, const WorkerKey& worker, Parts& parts,
                    Turn& turn) {
  absl::string_view rest = report.command_id();
  uint64_t number = 0;
  if (!absl::ConsumePrefix(&rest, IdPrefix(parts)) || !absl::SimpleAtoi(rest, &number)) return;
  auto& open = parts.client_questions.open;
  const auto at = open.find(number);
  if (at == open.end() || at->second.waiting.erase(worker) == 0) return;
  at->second.reports[worker] = report;
  if (!at->second.waiting.empty()) return;
  Finish(at->second, parts, turn);
  open.erase(at);
}

void StepClientQuestions(Parts& parts, Turn& turn) {
  auto& open = parts.client_questions.open;
  for (auto at = open.begin(); at != open.end();) {
    const bool late = turn.now >= at->second.deadline;
    if (late) Finish(at->second, parts, turn);
    at = late ? open.erase(at) : std::next(at);
  }
}

Instant NextClientDeadline(const Parts& parts) {
  Instant next = Instant::max();
  for (const auto& [number, question] : parts.client_questions.open)
    next = std::min(next, question.deadline);
  return next;
}

void ForgetClientQuestion(RequestId request, Parts& parts) {
  std::erase_if(parts.client_questions.open,
                [&](const auto& entry) { return entry.second.request == request; });
}

}  // namespace lb::controlplane
