#include "controlplane/config/host_name.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/endpoint.h"
#include "controlplane/config/codes.h"

namespace lb::controlplane {
namespace {

constexpr std::string_view kWildcard = "*.";

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

TextError Bad(std::string why, std::string hint = "") {
  return {codes::kBadFormat, std::move(why), std::move(hint)};
}

bool IsIp(std::string_view text) { return Endpoint::FromIp(text, 0).ok(); }

bool IsDnsName(std::string_view text) {
  if (text.find_first_of(":[]/") != std::string_view::npos) return false;
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(absl::StrCat(Absl(text), ":1"));
  return endpoint.ok() && endpoint->kind() == Endpoint::Kind::kName;
}

// The host of "HOST:PORT"; empty when `text` is something else.
std::string HostBeforePort(std::string_view text) {
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text, Endpoint::PortZero::kAllow);
  const bool has_port = endpoint.ok() && (endpoint->kind() == Endpoint::Kind::kIp ||
                                          endpoint->kind() == Endpoint::Kind::kName);
  return has_port ? endpoint->host() : "";
}

// Why `text` is no DNS name.
TextError NoName(std::string_view text) {
  const bool ascii = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isascii(static_cast<unsigned char>(c));
  });
  if (!ascii) return Bad(" has other letters than a to z", "write it as IDNA does, xn--...");
  if (absl::StrContains(Absl(text), "://"))
    return Bad(" is a URL", "write the host name of it alone");
  if (text.find('*') != std::string_view::npos) return Bad(" has a '*'", "write one whole name");
  if (const std::string host = HostBeforePort(text); !host.empty())
    return Bad(" has a port", absl::StrCat("write ", host));
  const std::string_view shorter = text.substr(0, text.size() - 1);
  if (text.back() == '.' && IsDnsName(shorter))
    return Bad(" has a dot at its end", absl::StrCat("write ", Absl(shorter)));
  return Bad(" is not a host name");
}

}  // namespace

std::optional<TextError> CheckHostName(std::string_view text) {
  if (IsIp(text) || IsDnsName(text)) return std::nullopt;
  return NoName(text);
}

std::optional<TextError> CheckSniName(std::string_view text) {
  if (text == "*")
    return Bad(" is no name", "backends of all other clients are those of the rule itself");
  if (IsIp(text)) return Bad(" is an IP address, which no client asks for (RFC 6066 section 3)");
  const bool wildcard = absl::StartsWith(Absl(text), Absl(kWildcard));
  const std::string_view rest = wildcard ? text.substr(kWildcard.size()) : text;
  if (rest.empty()) return Bad(" is no name", "write *.example.com");
  if (IsDnsName(rest)) return std::nullopt;
  if (rest.front() == '.' && IsDnsName(rest.substr(1)))
    return Bad(" begins with a dot", absl::StrCat("write *", Absl(rest)));
  if (rest.find('*') != std::string_view::npos)
    return Bad(" has a '*' that is not its whole first label", "write *.example.com");
  return NoName(rest);
}

std::string CanonicalHostName(std::string_view text) {
  if (const absl::StatusOr<Endpoint> ip = Endpoint::FromIp(text, 0); ip.ok()) return ip->host();
  return absl::AsciiStrToLower(Absl(text));
}

}  // namespace lb::controlplane
