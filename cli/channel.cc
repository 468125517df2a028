#include "cli/channel.h"

#include <sys/random.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/endpoint.h"
#include "base/tls_files.h"
#include "base/version.h"
#include "cli/exit_code.h"
#include "cli/reach.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/tls_check.h"
#include "lb/admin/v1/config.pb.h"
#include "lb/admin/v1/connection.pb.h"

namespace lb::cli {
namespace {

std::string MetadataValue(const grpc::ClientContext& context, const char* key) {
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto found = metadata.find(key);
  if (found == metadata.end()) return "";
  return std::string(found->second.data(), found->second.size());
}

// What lbctl has for a refusal that a flag overrules.
std::string HintFor(const std::string& reason) {
  if (reason == "LAST_HEALTHY_BACKEND" || reason == "LAST_ACCEPTING_WORKER")
    return "add --force to do it all the same";
  return "";
}

// A random UUID, version 4 (RFC 9562, 5.4).
std::string RandomUuid() {
  std::string bytes(16, '\0');
  // Up to 256 bytes come whole (getrandom(2)).
  LB_CHECK(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  const std::string hex = absl::BytesToHexString(bytes);
  return absl::StrCat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-",
                      hex.substr(16, 4), "-", hex.substr(20));
}

}  // namespace

Channel::Channel(std::string endpoint, std::chrono::milliseconds timeout, bool verbose,
                 std::shared_ptr<grpc::Channel> channel)
    : endpoint_(std::move(endpoint)),
      timeout_(timeout),
      verbose_(verbose),
      channel_(std::move(channel)) {}

absl::Status Channel::Check(const std::string& endpoint, const Endpoints& all) {
  if (!IsTcpEndpoint(endpoint)) return ParseUnixEndpoint(endpoint).status();
  const absl::StatusOr<Endpoint> address = Endpoint::Parse(endpoint);
  if (!address.ok())
    return UsageError(
        absl::StrCat("--endpoint: ", Escape(std::string(address.status().message()))));
  if (all.tls.all()) return absl::OkStatus();
  return UsageError(
      absl::StrCat("--endpoint: '", Escape(endpoint),
                   "' is a TCP address, which needs mutual TLS, on loopback too"),
      "give --tls-ca, --tls-cert and --tls-key (or LBCTL_TLS_CA, LBCTL_TLS_CERT, LBCTL_TLS_KEY),\n"
      "or write unix:/PATH, as in --endpoint unix:/run/lb/admin.sock, on the control plane's host");
}

absl::StatusOr<Channel> Channel::Dial(const std::string& endpoint, const Endpoints& all,
                                      std::chrono::milliseconds timeout, bool verbose) {
  if (IsTcpEndpoint(endpoint)) return DialTls(endpoint, all, timeout, verbose);
  LB_ASSIGN_OR_RETURN(const std::string path, ParseUnixEndpoint(endpoint));
  return DialUnix(path, timeout, verbose);
}

absl::StatusOr<Channel> Channel::DialTls(const std::string& endpoint, const Endpoints& all,
                                         std::chrono::milliseconds timeout, bool verbose) {
  LB_ASSIGN_OR_RETURN(const Endpoint address, Endpoint::Parse(endpoint));
  LB_ASSIGN_OR_RETURN(const TlsPems pems, ReadTlsFiles(all.tls));
  const std::string name = all.tls_server_name.empty() ? address.host() : all.tls_server_name;
  LB_RETURN_IF_ERROR(CheckTlsReachable(address, pems, name, timeout));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  arguments.SetSslTargetNameOverride(name);
  auto channel = grpc::CreateCustomChannel(
      address.ToString(), grpc::SslCredentials({pems.ca, pems.key, pems.cert}), arguments);
  if (channel->WaitForConnected(std::chrono::system_clock::now() + timeout))
    return Channel(address.ToString(), timeout, verbose, std::move(channel));
  absl::Status status = absl::DeadlineExceededError(
      absl::StrCat("cannot reach the control plane at ", address.ToString(),
                   ": it did not answer within ", timeout.count(), " ms"));
  SetReason(status, "UNREACHABLE");
  return status;
}

absl::StatusOr<Channel> Channel::DialUnix(const std::string& path,
                                          std::chrono::milliseconds timeout, bool verbose) {
  LB_RETURN_IF_ERROR(CheckReachable(path));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  // The default authority of a unix target is the percent-encoded path; servers expect a name.
  arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");
  auto channel =
      grpc::CreateCustomChannel("unix:" + path, grpc::InsecureChannelCredentials(), arguments);
  if (channel->WaitForConnected(std::chrono::system_clock::now() + timeout))
    return Channel("unix:" + path, timeout, verbose, std::move(channel));
  absl::Status status = absl::DeadlineExceededError(
      absl::StrCat("cannot reach the control plane at unix:", path,
                   ": it took the connection but did not answer within ", timeout.count(), " ms"));
  SetReason(status, "UNREACHABLE");
  SetHint(status,
          "The control plane hangs or is overloaded, or the socket is that of another program.");
  return status;
}

absl::Status Channel::Finish(const grpc::Status& result, const grpc::ClientContext& context,
                             const char* method, std::chrono::nanoseconds took) const {
  if (verbose_) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    WriteErr(absl::StrCat(endpoint_, " ", method, ": code ", static_cast<int>(result.error_code()),
                          ", ", us, " us\n"));
  }
  return result.ok() ? absl::OkStatus() : Translate(result, context, method);
}

absl::Status Channel::Translate(const grpc::Status& error, const grpc::ClientContext& context,
                                const char* method) const {
  const auto code = static_cast<absl::StatusCode>(error.error_code());
  std::string message = error.error_message();
  absl::Status said(code, message);
  SetDetails(said, error.error_details());
  // A control plane that gives a reason was there to give it.
  const bool has_reason = !GetReason(said).empty();
  if (code == absl::StatusCode::kDeadlineExceeded) {
    message = absl::StrCat("the control plane at ", endpoint_, " did not answer ", method,
                           " within ", timeout_.count(), " ms");
  } else if (code == absl::StatusCode::kUnavailable && !has_reason) {
    message = absl::StrCat("the control plane at ", endpoint_, " is not available: ", message);
  } else if (code == absl::StatusCode::kUnimplemented) {
    message = absl::StrCat("what listens at ", endpoint_, " does not know this call (", method,
                           ", lbctl ", kVersion, ")", message.empty() ? "" : ": ", message);
  } else if (ExitCodeFor(absl::Status(code, "")) == ExitCode::kInternal) {
    const std::string request = MetadataValue(context, "lb-request-id");
    message = absl::StrCat("internal error: ", message, " (", method, ", lbctl ", kVersion,
                           request.empty() ? "" : ", request ", request, ")");
  }
  absl::Status status(code, message);
  if (code == absl::StatusCode::kUnimplemented)
    SetHint(
        status,
        "Is it an older control plane (see: lbctl version)? Is it the admin API (--admin-api of "
        "lb-controlplane)? worker.sock is not.");
  if (code == absl::StatusCode::kPermissionDenied)
    SetHint(status, "You may connect but not do this. Ask whoever runs the control plane.");
  SetDetails(status, error.error_details());
  if (const std::string hint = HintFor(GetReason(status)); !hint.empty()) SetHint(status, hint);
  return status;
}

bool Channel::GiveRequestId(google::protobuf::Message& request) {
  const google::protobuf::Descriptor& type = *request.GetDescriptor();
  const google::protobuf::Reflection& fields = *request.GetReflection();
  const auto* id = type.FindFieldByName("request_id");
  const auto* only_look = type.FindFieldByName("validate_only");
  if (id == nullptr || (only_look != nullptr && fields.GetBool(request, only_look))) return false;
  fields.SetString(&request, id, RandomUuid());
  return true;
}

bool Channel::MayBeSentAgain(const google::protobuf::Message& request) {
  const google::protobuf::Descriptor* type = request.GetDescriptor();
  return type != lb::admin::v1::RollbackConfigRequest::descriptor() &&
         type != lb::admin::v1::KillConnectionsRequest::descriptor();
}

absl::Status Channel::EndlessPages(const char* method) {
  return absl::InternalError(absl::StrCat("internal error: the pages of a list do not end (",
                                          method, ", lbctl ", kVersion, ")"));
}

}  // namespace lb::cli
