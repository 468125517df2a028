#include "cli/worker.h"

#include <boost/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "cli/client.h"
#include "cli/json.h"
#include "cli/older.h"
#include "cli/resource.h"
#include "cli/suggest.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/views.h"

namespace lb::cli {
namespace {

// Between two looks at an operation: a person waits for it.
constexpr std::chrono::milliseconds kProgressInterval{500};
// Between two looks at an order that a worker carries out at once.
constexpr std::chrono::milliseconds kAnswerInterval{50};
// An operation ends by itself at its timeout; past that and this, it is stuck.
constexpr std::chrono::seconds kGrace{15};

std::string Connections(uint64_t count) {
  return absl::StrCat(count, count == 1 ? " connection" : " connections");
}

// "worker w drained", and what it cost.
std::string Drained(const std::string& name, const api::Operation& operation) {
  std::string words = absl::StrCat("worker ", name, " drained");
  if (operation.connections_closed() > 0)
    absl::StrAppend(&words, "; ", Connections(operation.connections_closed()),
                    " closed at the timeout");
  return words;
}

// Adds the closest existing worker to a NotFound.
absl::Status Explain(AdminClient& client, const std::string& name, absl::Status error) {
  if (error.code() != absl::StatusCode::kNotFound) return error;
  const auto workers = client.ListWorkers();
  if (!workers.ok()) return error;
  std::vector<std::string> names;
  for (const api::Worker& worker : *workers) names.push_back(Leaf(worker.name()));
  const std::string hint = DidYouMean(Leaf(name), names);
  SetHint(error, hint.empty() ? "see: lbctl get workers" : hint);
  return error;
}

api::DrainWorkerRequest RequestOf(const DrainOptions& options) {
  api::DrainWorkerRequest request;
  request.set_name(options.worker);
  request.set_etag(options.etag);
  request.set_force(options.force);
  request.mutable_timeout()->set_seconds(options.timeout.count() / 1'000);
  request.mutable_timeout()->set_nanos(static_cast<int32_t>(options.timeout.count() % 1'000) *
                                       1'000'000);
  return request;
}

// Whether clients are refused once `name` drains: nobody else accepts connections.
absl::StatusOr<bool> IsLastServing(AdminClient& client, const std::string& name) {
  LB_ASSIGN_OR_RETURN(const std::vector<api::Worker> workers, client.ListWorkers());
  for (const api::Worker& worker : workers) {
    const bool reached = worker.sync() != api::Worker::SYNC_DISCONNECTED;
    if (worker.name() != name && reached && !worker.draining()) return false;
  }
  return true;
}

constexpr char kLastServing[] = "No other worker accepts connections: clients will be refused.";

absl::Status AskForConsent(const std::string& name, uint64_t connections, bool last) {
  WriteErr(absl::StrCat("Worker ", name, " will take no new connections, and end its ",
                        Connections(connections), " at the timeout. ", last ? kLastServing : "",
                        last ? " " : "", "Drain it? [y/N] "));
  const std::string answer = absl::AsciiStrToLower(ReadLine());
  if (answer == "y" || answer == "yes") return absl::OkStatus();
  return UsageError("nothing was changed: the answer was not yes");
}

// Prints an operation, in words or as JSON.
void Print(const Globals& globals, const api::Operation& operation, const std::string& words) {
  if (globals.output == Output::kName) return WriteOut(Escape(operation.name()) + "\n");
  if (globals.output != Output::kJson && globals.output != Output::kYaml)
    return WriteOut(words + "\n");
  boost::json::object object = {{"kind", "Operation"}};
  const boost::json::value message = ToJson(operation);
  // The message's own "kind" says what the operation does.
  for (const auto& member : message.as_object())
    object[member.key() == "kind" ? "operation" : member.key()] = member.value();
  WriteOut(globals.output == Output::kJson ? ToPrettyJson(object) : ToYaml(object));
}

absl::Status ErrorOf(const api::Operation& operation, const std::string& name) {
  return absl::Status(static_cast<absl::StatusCode>(operation.error_code()),
                      absl::StrCat("worker ", name, ": ", operation.error_message()));
}

class Progress final {
 public:
  explicit Progress(bool quiet) : quiet_(quiet), tty_(StderrIsTty()) {}
  ~Progress() {
    if (tty_ && !last_.empty()) WriteErr("\n");
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Shows a line when it is news: in place on a terminal, else below the last.
  void Show(const std::string& line) {
    if (quiet_ || line == last_) return;
    last_ = line;
    WriteErr(tty_ ? "\r\x1b[K" + line : line + "\n");
  }

 private:
  const bool quiet_;
  const bool tty_;
  std::string last_;
};

// Follows an operation; the last state seen is in `operation`. False when it did not end by `end`.
absl::StatusOr<bool> Follow(const Globals& globals, AdminClient& client, const std::string& name,
                            Instant end, api::Operation& operation) {
  Progress progress(globals.quiet);
  while (!operation.done()) {
    progress.Show(absl::StrCat("worker ", name, ": ",
                               operation.status().empty()
                                   ? Connections(operation.connections_left()) + " left"
                                   : Escape(operation.status())));
    if (ReadClocks().steady >= end) return false;
    Pause(kProgressInterval);
    LB_ASSIGN_OR_RETURN(operation, client.GetOperation(operation.name()));
  }
  return true;
}

absl::StatusOr<ExitCode> WaitForEnd(const Globals& globals, AdminClient& client,
                                    const DrainOptions& options, const std::string& name,
                                    api::Operation operation) {
  SetInterruptNote(absl::StrCat("\nlbctl: the drain goes on; see: lbctl get worker ", name, "\n"));
  const Instant end = ReadClocks().steady + options.timeout + kGrace;
  LB_ASSIGN_OR_RETURN(const bool ended, Follow(globals, client, name, end, operation));
  SetInterruptNote("");
  const bool too_late =
      operation.error_code() == static_cast<int>(absl::StatusCode::kDeadlineExceeded);
  if (ended && operation.error_code() != 0 && !too_late) return ErrorOf(operation, name);
  if (ended && !too_late) {
    Print(globals, operation, Drained(name, operation));
    return ExitCode::kDone;
  }
  Print(globals, operation,
        absl::StrCat("worker ", name,
                     " not drained in time: ", Connections(operation.connections_left()), " left"));
  return ExitCode::kFindings;
}

}  // namespace

absl::StatusOr<ExitCode> RunDrain(const Globals& globals, const DrainOptions& options) {
  if (!options.yes && !options.dry_run && !StdinIsTty())
    return UsageError("draining a worker needs consent, and there is no terminal to ask on",
                      "add --yes");
  LB_ASSIGN_OR_RETURN(auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  const absl::StatusOr<api::Worker> worker = client->GetWorker(options.worker);
  if (!worker.ok()) return Explain(*client, options.worker, worker.status());
  const std::string name = Escape(Leaf(options.worker));
  api::DrainWorkerRequest request = RequestOf(options);
  if (options.dry_run) {
    LB_RETURN_IF_ERROR(CheckNotFirst(globals, "--dry-run: it would drain or undrain"));
    request.set_validate_only(true);
    LB_ASSIGN_OR_RETURN(const api::Operation planned, client->DrainWorker(request));
    Print(globals, planned,
          absl::StrCat("dry run: worker ", name, " would be drained of its ",
                       Connections(worker->connections())));
    return ExitCode::kDone;
  }
  LB_ASSIGN_OR_RETURN(const bool last, IsLastServing(*client, worker->name()));
  if (!options.yes) {
    LB_RETURN_IF_ERROR(AskForConsent(name, worker->connections(), last));
  } else if (!globals.quiet) {
    WriteErr(absl::StrCat("worker ", name, " has ", Connections(worker->connections()), " open\n",
                          last ? absl::StrCat("warning: ", kLastServing, "\n") : ""));
  }
  LB_ASSIGN_OR_RETURN(api::Operation operation, client->DrainWorker(request));
  if (options.wait) return WaitForEnd(globals, *client, options, name, std::move(operation));
  if (operation.done() && operation.error_code() != 0) return ErrorOf(operation, name);
  Print(globals, operation,
        operation.done() ? Drained(name, operation)
                         : absl::StrCat("worker ", name, " draining; ",
                                        Connections(operation.connections_left()), " left"));
  if (!globals.quiet)
    WriteErr(absl::StrCat("Follow: lbctl get worker ", name,
                          " -w   Take back: lbctl worker undrain ", name, "\n"));
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunUndrain(const Globals& globals, const std::string& worker,
                                    const std::string& etag, bool dry_run) {
  LB_ASSIGN_OR_RETURN(auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  if (dry_run) LB_RETURN_IF_ERROR(CheckNotFirst(globals, "--dry-run: it would drain or undrain"));
  api::UndrainWorkerRequest request;
  request.set_name(worker);
  request.set_etag(etag);
  request.set_validate_only(dry_run);
  absl::StatusOr<api::Operation> operation = client->UndrainWorker(request);
  if (!operation.ok()) return Explain(*client, worker, operation.status());
  const std::string name = Escape(Leaf(worker));
  if (dry_run) {
    Print(globals, *operation,
          absl::StrCat("dry run: worker ", name, " would accept connections again"));
    return ExitCode::kDone;
  }
  const Instant end = ReadClocks().steady + globals.timeout;
  while (!operation->done() && ReadClocks().steady < end) {
    Pause(kAnswerInterval);
    LB_ASSIGN_OR_RETURN(*operation, client->GetOperation(operation->name()));
  }
  if (!operation->done()) {
    Print(globals, *operation, absl::StrCat("worker ", name, " did not answer in time"));
    return ExitCode::kFindings;
  }
  if (operation->error_code() != 0) return ErrorOf(*operation, name);
  Print(globals, *operation, absl::StrCat("worker ", name, " accepts connections again"));
  if (!globals.quiet) WriteErr(absl::StrCat("Check: lbctl get worker ", name, "\n"));
  return ExitCode::kDone;
}

}  // namespace lb::cli
