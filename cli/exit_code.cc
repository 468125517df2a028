#include "cli/exit_code.h"

#include <boost/json.hpp>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "cli/json.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

constexpr char kReasonUrl[] = "lb/reason";
constexpr char kHintUrl[] = "lb/hint";

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

}  // namespace

std::string ExitCodeHelp() {
  return R"(Exit codes of every command, whatever -o says:
  0    done; also when the reader of stdout went away (lbctl ... | head -1)
  1    findings of check and config validate, alerts of status --check, or not done in time
  2    usage, or consent missing
  3    not found
  4    unreachable, or no answer in time
  5    refused: no permission
  6    conflict: the state of things does not allow it
  7    partly done: some of several names failed; a debug bundle without the control plane
  70   a bug, or stdout cannot be written
  130  interrupted (SIGINT)
  143  ended by SIGTERM
)";
}

ExitCode ExitCodeFor(const absl::Status& status) {
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
  if (std::string hint = GetHint(status); !hint.empty()) error["hint"] = hint;
  error["exitCode"] = static_cast<int>(ExitCodeFor(status));
  return ToCompactJson(error) + "\n";
}

}  // namespace lb::cli
