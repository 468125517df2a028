#include "cli/connections.h"

#include <boost/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/age.h"
#include "cli/client.h"
#include "cli/operation.h"
#include "cli/resource.h"
#include "cli/several.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

// Longer than any kill that a person waits for; the operation goes on without lbctl.
constexpr std::chrono::minutes kMaxWait{60};

absl::StatusOr<api::ConnectionFilter> FilterOf(const ConnectionOptions& options) {
  api::ConnectionFilter filter;
  if (!options.rule.empty()) {
    LB_ASSIGN_OR_RETURN(const Selection rule, ParseSelection({"rules", options.rule}, ""));
    filter.set_rule(rule.names[0]);
  }
  if (!options.backend.empty()) {
    LB_ASSIGN_OR_RETURN(const std::vector<std::string> names, ParseBackendNames({options.backend}));
    filter.set_backend(names[0]);
  }
  filter.set_client_cidr(options.client);
  return filter;
}

std::string Age(const google::protobuf::Duration& age) {
  return FormatAge(std::chrono::seconds(age.seconds()));
}

Row RowOf(const api::Connection& connection, bool wide) {
  Row row = {{connection.client()},
             {connection.listen()},
             {RuleOf(connection.rule())},
             {Leaf(connection.backend())},
             {connection.backend_address()},
             {Leaf(connection.worker())},
             {Age(connection.age())},
             {Age(connection.idle())},
             {FormatBytes(connection.received_bytes())},
             {FormatBytes(connection.sent_bytes())}};
  if (wide)
    for (const std::string* text :
         {&connection.server_name(), &connection.tls_version(), &connection.tls_cipher(),
          &connection.client_identity(), &connection.backend_tls_version()})
      row.push_back({*text});
  return row;
}

void Print(const Globals& globals, const api::ListConnectionsResponse& response) {
  if (globals.output == Output::kJson || globals.output == Output::kYaml)
    return PrintList(globals, "ConnectionList", "connections", response);
  if (globals.output == Output::kName) {
    for (const api::Connection& connection : response.connections())
      WriteOut(Escape(connection.client()) + "\n");
    return;
  }
  const bool wide = globals.output == Output::kWide;
  std::vector<Column> columns = {{"CLIENT"},         {"LISTEN"},    {"RULE"}, {"BACKEND"},
                                 {"ADDRESS"},        {"WORKER"},    {"AGE"},  {"IDLE"},
                                 {"RECEIVED", true}, {"SENT", true}};
  if (wide)
    columns.insert(columns.end(),
                   {{"SERVER-NAME"}, {"TLS"}, {"CIPHER"}, {"IDENTITY"}, {"BACKEND-TLS"}});
  Table table(std::move(columns));
  for (const api::Connection& connection : response.connections())
    table.Add(RowOf(connection, wide));
  WriteOut(table.Render({globals.headers, globals.color, StdoutSize().columns}));
}

void PrintNotes(const api::ListConnectionsResponse& response) {
  const auto shown = static_cast<uint64_t>(response.connections_size());
  if (response.matching() > shown)
    WriteErr(absl::StrCat(shown, " of ", response.matching(), " connections; see --limit\n"));
  for (const std::string& worker : response.workers_missing())
    WriteErr(absl::StrCat("warning: ", Escape(worker), " did not answer; its connections miss\n"));
}

absl::Status AskForConsent(uint64_t count) {
  if (!StdinIsTty())
    return UsageError(absl::StrCat("killing ", count,
                                   " connections needs consent, and there is no terminal to ask "
                                   "on; nothing was changed"),
                      "add --yes");
  WriteErr(absl::StrCat("Kill ", count, " connections? [y/N] "));
  const std::string answer = absl::AsciiStrToLower(ReadLine());
  if (answer == "y" || answer == "yes") return absl::OkStatus();
  return UsageError("nothing was changed: the answer was not yes");
}

}  // namespace

absl::StatusOr<ExitCode> RunConnectionsList(const Globals& globals,
                                            const ConnectionOptions& options) {
  api::ListConnectionsRequest request;
  LB_ASSIGN_OR_RETURN(*request.mutable_filter(), FilterOf(options));
  request.set_limit(options.limit);
  LB_ASSIGN_OR_RETURN(auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  LB_ASSIGN_OR_RETURN(const api::ListConnectionsResponse response,
                      client->ListConnections(request));
  Print(globals, response);
  if (!globals.quiet) PrintNotes(response);
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunConnectionsKill(const Globals& globals,
                                            const ConnectionOptions& options) {
  const bool empty = options.rule.empty() && options.backend.empty() && options.client.empty();
  if (empty && !options.all)
    return UsageError("which connections? every one is meant otherwise",
                      "give --rule, --backend or --client, or say --all");
  api::KillConnectionsRequest request;
  LB_ASSIGN_OR_RETURN(*request.mutable_filter(), FilterOf(options));
  request.set_all(options.all);
  request.set_rate_per_s(options.rate_per_s);
  request.set_validate_only(true);
  LB_ASSIGN_OR_RETURN(auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  LB_ASSIGN_OR_RETURN(api::Operation operation, client->KillConnections(request));
  // Some workers did not answer, so that theirs are not counted.
  const bool uncounted = operation.error_code() != 0;
  if (uncounted && !globals.quiet)
    WriteErr(absl::StrCat("warning: ", Escape(operation.error_message()), "\n"));
  if (options.dry_run) {
    PrintMessage(globals, operation, operation.name(), Escape(operation.status()));
    return uncounted ? ExitCode::kFindings : ExitCode::kDone;
  }
  if (operation.connections_left() == 0) {
    operation.set_connections_closed(0);
    PrintMessage(globals, operation, operation.name(), "0 connections killed");
    return uncounted ? ExitCode::kFindings : ExitCode::kDone;
  }
  if (!options.yes) {
    LB_RETURN_IF_ERROR(AskForConsent(operation.connections_left()));
  } else if (!globals.quiet) {
    WriteErr(absl::StrCat(operation.connections_left(), " connections match\n"));
  }
  request.set_validate_only(false);
  LB_ASSIGN_OR_RETURN(operation, client->KillConnections(request));
  SetInterruptNote("The kill goes on without lbctl.\n");
  LB_ASSIGN_OR_RETURN(operation, FollowOperation(globals, *client, operation, "kill", kMaxWait));
  SetInterruptNote("");
  // Some workers did not answer.
  const bool partly =
      operation.error_code() == static_cast<int>(absl::StatusCode::kDeadlineExceeded);
  if (operation.error_code() != 0 && !partly)
    return absl::Status(static_cast<absl::StatusCode>(operation.error_code()),
                        operation.error_message());
  PrintMessage(globals, operation, operation.name(),
               absl::StrCat(operation.connections_closed(), " connections killed"));
  if (partly) WriteErr(absl::StrCat("warning: ", Escape(operation.error_message()), "\n"));
  return operation.done() && !partly ? ExitCode::kDone : ExitCode::kFindings;
}

}  // namespace lb::cli
