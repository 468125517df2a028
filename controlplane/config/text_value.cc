#include "controlplane/config/text_value.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/cidr.h"
#include "base/utf8.h"
#include "controlplane/config/api_server.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/host_name.h"
#include "controlplane/config/source_text.h"

namespace lb::controlplane {
namespace {

constexpr uint16_t kDnsPort = 53;
constexpr size_t kMaxPathBytes = 4'095;  // PATH_MAX less its zero byte.

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

TextError Bad(std::string why, std::string hint = "") {
  return {codes::kBadFormat, std::move(why), std::move(hint)};
}

bool IsNameByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
}

bool IsBackendNameByte(char c) { return IsNameByte(c) || c == ':' || c == '[' || c == ']'; }

// Control characters would break the lines of logs and of lbctl's tables.
bool HasControlOrBadByte(std::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text.substr(0, 4));
    const auto byte = static_cast<unsigned char>(text.front());
    if (length == 0 || byte < 0x20 || byte == 0x7F) return true;
    text.remove_prefix(length);
  }
  return false;
}

std::optional<TextError> CheckLength(const KeySpec& spec, std::string_view text) {
  const size_t max = std::min<uint64_t>(spec.max, kMaxPathBytes);
  if (text.empty()) return Bad(" is empty");
  if (text.size() > max)
    return TextError{codes::kOutOfRange, absl::StrCat(" is longer than ", max, " bytes"), ""};
  return std::nullopt;
}

// What Endpoint says, without the value in front of it.
std::string Reason(const absl::Status& status) {
  const absl::string_view message = status.message();
  const size_t at = message.rfind("': ");
  return absl::StrCat(": ", at == absl::string_view::npos ? message : message.substr(at + 3));
}

std::optional<TextError> CheckAddress(std::string_view text) {
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
  if (endpoint.ok()) return std::nullopt;
  return Bad(Reason(endpoint.status()));
}

std::optional<TextError> CheckListen(std::string_view text) {
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
  if (endpoint.ok() && endpoint->kind() == Endpoint::Kind::kIp) return std::nullopt;
  if (absl::StartsWith(Absl(text), ":") || absl::StartsWith(Absl(text), "*:"))
    return Bad(": an address is missing", "write 0.0.0.0:PORT, or [::]:PORT in quotes");
  if (!endpoint.ok()) return Bad(Reason(endpoint.status()));
  if (endpoint->kind() == Endpoint::Kind::kUnix) return Bad(": unix sockets are not listened on");
  return Bad(" is a DNS name, which may mean several addresses", "write an IP address");
}

std::optional<TextError> CheckIp(std::string_view text) {
  const absl::StatusOr<Endpoint> ip = Endpoint::FromIp(text, 0);
  if (ip.ok()) {
    if (ip->host() != "0.0.0.0" && ip->host() != "::") return std::nullopt;
    return Bad(" is no address of a host", "leave it out: then the kernel chooses");
  }
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text, Endpoint::PortZero::kAllow);
  if (endpoint.ok() && endpoint->kind() == Endpoint::Kind::kIp)
    return Bad(" has a port, which the kernel chooses", absl::StrCat("write ", endpoint->host()));
  return Bad(" is not an IP address");
}

std::optional<TextError> CheckCidr(std::string_view text) {
  const size_t slash = text.find('/');
  const absl::StatusOr<Endpoint> ip = Endpoint::FromIp(text.substr(0, slash), 0);
  if (!ip.ok()) return Bad(" is not a network", "write 10.0.0.0/8 or fd00::/8");
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view length = text.substr(slash + 1);
  uint32_t bits = 0;
  const bool digits = !length.empty() && length.size() <= 3 &&
                      std::all_of(length.begin(), length.end(), absl::ascii_isdigit);
  if (!digits || !absl::SimpleAtoi(Absl(length), &bits) || bits > (ip->IsIpv6() ? 128u : 32u))
    return Bad(ip->IsIpv6() ? ": the prefix length must be 0 to 128"
                            : ": the prefix length must be 0 to 32");
  if (!Cidr::Parse(text).ok())
    return Bad(" has bits set behind its prefix",
               absl::StrCat("write its first address, or ", ip->host(), " for that one alone"));
  return std::nullopt;
}

// RFC 3986 section 3.3 and 3.4, without checking the percent signs: what may stand in a request
// line without breaking it.
std::optional<TextError> CheckUrlPath(std::string_view text) {
  if (text.front() != '/') return Bad(" does not begin with '/'");
  const bool visible = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c)) && c != '#';
  });
  if (!visible) return Bad(" has a character that must be written as %XX");
  return std::nullopt;
}

template <typename Allowed>
std::optional<TextError> CheckName(std::string_view text, Allowed allowed,
                                   std::string_view characters) {
  if (std::all_of(text.begin(), text.end(), allowed)) return std::nullopt;
  return Bad(absl::StrCat(" has other characters than letters, digits, ", Absl(characters)));
}

// RFC 1123 section 2.1 as Kubernetes takes it: it becomes part of a URL.
bool IsLabel(std::string_view text, size_t max) {
  const auto plain = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return absl::ascii_isdigit(byte) || absl::ascii_islower(byte);
  };
  return !text.empty() && text.size() <= max && plain(text.front()) && plain(text.back()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return plain(c) || c == '-'; });
}

std::optional<TextError> CheckServiceName(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return Bad(" has no namespace", "write NAMESPACE/NAME");
  constexpr size_t kMaxLabelBytes = 63;
  if (IsLabel(text.substr(0, slash), kMaxLabelBytes) &&
      IsLabel(text.substr(slash + 1), kMaxLabelBytes))
    return std::nullopt;
  return Bad(" is not NAMESPACE/NAME, each of lower case letters, digits and '-'");
}

// A number, or a name of RFC 6335 section 5.1, in lower case.
std::optional<TextError> CheckServicePort(std::string_view text) {
  if (std::all_of(text.begin(), text.end(), absl::ascii_isdigit)) {
    uint32_t number = 0;
    if (absl::SimpleAtoi(Absl(text), &number) && number >= 1 && number <= UINT16_MAX &&
        text.front() != '0')
      return std::nullopt;
    return Bad(" is not a port from 1 to 65535");
  }
  const bool letter = std::any_of(text.begin(), text.end(), absl::ascii_islower);
  constexpr size_t kMaxPortNameBytes = 15;
  if (letter && IsLabel(text, kMaxPortNameBytes) && text.find("--") == std::string_view::npos)
    return std::nullopt;
  return Bad(" is neither a port's number nor a name of lower case letters, digits and '-'");
}

std::optional<TextError> CheckApiServer(std::string_view text) {
  const absl::StatusOr<ApiServerPlace> place = ParseApiServer(text);
  if (!place.ok()) return Bad(absl::StrCat(": ", place.status().message()));
  if (place->tls || IsLoopback(place->host)) return std::nullopt;
  return Bad(": a token would pass in the clear", "write https://");
}

// A relative path would be another file for every worker.
std::optional<TextError> CheckLogFile(std::string_view text) {
  if (NamesLog(text) || text == "off" || text == "false") return std::nullopt;
  return Bad(" is not off, stdout, stderr or an absolute path");
}

}  // namespace

bool NamesLog(std::string_view text) {
  return text == "stdout" || text == "stderr" || text.starts_with("/");
}

std::optional<TextError> CheckText(const KeySpec& spec, std::string_view text) {
  std::optional<TextError> error = CheckLength(spec, text);
  if (error.has_value()) return error;
  if (HasControlOrBadByte(text)) return Bad(" has a control character or is not UTF-8");
  switch (spec.type) {
    case ValueType::kName:
      return CheckName(text, IsNameByte, "'.', '_', '-'");
    case ValueType::kBackendName:
      return CheckName(text, IsBackendNameByte, "'.', '_', '-', ':', '[', ']'");
    case ValueType::kListen:
      return CheckListen(text);
    case ValueType::kAddress:
      return CheckAddress(text);
    case ValueType::kServer:
      if (ParseServer(text).ok()) return std::nullopt;
      return Bad(" is not an IP address, with a port or without");
    case ValueType::kIp:
      return CheckIp(text);
    case ValueType::kCidr:
      return CheckCidr(text);
    case ValueType::kHostName:
      return CheckHostName(text);
    case ValueType::kSniName:
      return CheckSniName(text);
    case ValueType::kServiceName:
      return CheckServiceName(text);
    case ValueType::kServicePort:
      return CheckServicePort(text);
    case ValueType::kApiServer:
      return CheckApiServer(text);
    case ValueType::kUrlPath:
      return CheckUrlPath(text);
    case ValueType::kLogFile:
      return CheckLogFile(text);
    default:
      return std::nullopt;
  }
}

absl::StatusOr<Endpoint> ParseServer(std::string_view text) {
  absl::StatusOr<Endpoint> endpoint = Endpoint::FromIp(text, kDnsPort);
  if (endpoint.ok()) return endpoint;
  endpoint = Endpoint::Parse(text);
  if (endpoint.ok() && endpoint->kind() != Endpoint::Kind::kIp)
    return absl::InvalidArgumentError("not an IP address");
  return endpoint;
}

std::string DefaultBackendName(std::string_view address) {
  std::string name(address);
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

}  // namespace lb::controlplane
