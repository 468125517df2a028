#include "cli/exit_code.h"

#include <boost/json.hpp>
#include <map>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "cli/json.h"
#include "cli/text.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace lb::cli {
namespace {

constexpr char kReasonUrl[] = "lb/reason";
constexpr char kHintUrl[] = "lb/hint";
constexpr char kExitCodeUrl[] = "lb/exit-code";
constexpr char kDetailsUrl[] = "lb/details";
// Of a configuration with findings: as `lbctl config validate` says it too.
constexpr char kConfigInvalid[] = "CONFIG_INVALID";

std::string GetPayload(const absl::Status& status, const char* url) {
  absl::optional<absl::Cord> payload = status.GetPayload(url);
  return payload.has_value() ? std::string(*payload) : std::string();
}

void SetPayload(absl::Status& status, const char* url, const std::string& text) {
  if (!text.empty()) status.SetPayload(url, absl::Cord(text));
}

std::string MessageOf(const absl::Status& status) {
  return std::string(status.message().data(), status.message().size());
}

// What a server said beside the message. Empty when it said nothing, or nothing that is known here.
struct Details {
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad;
};

Details DetailsOf(const absl::Status& status) {
  Details out;
  google::rpc::Status all;
  if (!all.ParseFromString(GetPayload(status, kDetailsUrl))) return out;
  for (const google::protobuf::Any& detail : all.details()) {
    if (detail.Is<google::rpc::ErrorInfo>()) detail.UnpackTo(&out.info);
    if (detail.Is<google::rpc::BadRequest>()) detail.UnpackTo(&out.bad);
  }
  return out;
}

// A line for each violation that the message does not name, and how many were not sent.
std::string RenderViolations(const absl::Status& status) {
  const Details details = DetailsOf(status);
  const std::string message = MessageOf(status);
  std::string out;
  for (const auto& violation : details.bad.field_violations())
    if (message.find(violation.description()) == std::string::npos)
      absl::StrAppend(&out, Escape(violation.description()), "\n");
  const auto count = details.info.metadata().find("count");
  int total = 0;
  if (count == details.info.metadata().end() || !absl::SimpleAtoi(count->second, &total))
    return out;
  const int more = total - details.bad.field_violations_size();
  if (more > 0) absl::StrAppend(&out, more, " more: lbctl config validate FILE\n");
  return out;
}

}  // namespace

std::string ExitCodeHelp() {
  return R"(Exit codes of every command, whatever -o says:
  0    done; also when the reader of stdout went away (lbctl ... | head -1)
  1    findings of check and config validate, or of what apply and plan were given; alerts of
       status --check; a worker that refused (rollout status, --wait); not done in time; diff and
       apply --detailed-exitcode: it differs
  2    usage, a value that is not allowed, or consent missing; diff and apply --detailed-exitcode:
       findings
  3    not found; of wait: not there in time
  4    unreachable, no answer in time, too much at once, or a call that the server does not know
  5    refused: no permission
  6    conflict: the state of things does not allow it
  7    partly done: some of several names failed; a debug bundle without the control plane
  70   a bug, or stdout cannot be written
  130  interrupted (SIGINT)
  143  ended by SIGTERM
)";
}

ExitCode ExitCodeFor(const absl::Status& status) {
  int given = 0;
  if (absl::SimpleAtoi(GetPayload(status, kExitCodeUrl), &given))
    return static_cast<ExitCode>(given);
  if (GetReason(status) == kConfigInvalid) return ExitCode::kFindings;
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return ExitCode::kUsage;
    case absl::StatusCode::kNotFound:
      return ExitCode::kNotFound;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnimplemented:  // Another program's socket, such as worker.sock.
      return ExitCode::kUnreachable;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return ExitCode::kRefused;
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAlreadyExists:
      return ExitCode::kConflict;
    default:
      return ExitCode::kInternal;
  }
}

void SetReason(absl::Status& status, const std::string& reason) {
  SetPayload(status, kReasonUrl, reason);
}
std::string GetReason(const absl::Status& status) { return GetPayload(status, kReasonUrl); }

void SetHint(absl::Status& status, const std::string& hint) { SetPayload(status, kHintUrl, hint); }
std::string GetHint(const absl::Status& status) { return GetPayload(status, kHintUrl); }

void SetExitCode(absl::Status& status, ExitCode code) {
  SetPayload(status, kExitCodeUrl, absl::StrCat(static_cast<int>(code)));
}

void SetDetails(absl::Status& status, const std::string& details) {
  SetPayload(status, kDetailsUrl, details);
  SetReason(status, DetailsOf(status).info.reason());
}

absl::Status UsageError(const std::string& message, const std::string& hint) {
  absl::Status status = absl::InvalidArgumentError(message);
  SetHint(status, hint);
  return status;
}

std::string RenderError(const absl::Status& status) {
  std::string out = absl::StrCat("lbctl: ", Escape(MessageOf(status)));
  if (std::string reason = GetReason(status); !reason.empty())
    absl::StrAppend(&out, " (", Escape(reason), ")");
  out += '\n';
  out += RenderViolations(status);
  const std::string hint = GetHint(status);
  if (hint.empty()) return out;
  for (absl::string_view line : absl::StrSplit(hint, '\n'))
    absl::StrAppend(&out, "  ", Escape({line.data(), line.size()}), "\n");
  return out;
}

std::string RenderErrorJson(const absl::Status& status) {
  boost::json::object error;
  error["kind"] = "Error";
  error["code"] = absl::StatusCodeToString(status.code());
  if (std::string reason = GetReason(status); !reason.empty()) error["reason"] = reason;
  error["message"] = MessageOf(status);
  const Details details = DetailsOf(status);
  const std::map<std::string, std::string> metadata(details.info.metadata().begin(),
                                                    details.info.metadata().end());
  if (!metadata.empty()) error["metadata"] = boost::json::value_from(metadata);
  boost::json::array violations;
  for (const auto& violation : details.bad.field_violations())
    violations.push_back(boost::json::object{{"field", violation.field()},
                                             {"description", violation.description()}});
  if (!violations.empty()) error["violations"] = std::move(violations);
  if (std::string hint = GetHint(status); !hint.empty()) error["hint"] = hint;
  error["exitCode"] = static_cast<int>(ExitCodeFor(status));
  return ToCompactJson(error) + "\n";
}

}  // namespace lb::cli
