#include "controlplane/membership/message_fields.h"

#include "base/check.h"

namespace lb::controlplane::swim {
namespace {

constexpr size_t kVersions = 6;
constexpr size_t kIpv4Bytes = 4;
constexpr size_t kIpv6Bytes = 16;

bool IsIp(std::string_view ip) {
  return ip.empty() || ip.size() == kIpv4Bytes || ip.size() == kIpv6Bytes;
}

bool ReadShortText(MsgpackReader& in, size_t max, std::string& text) {
  std::string_view read;
  if (!in.Text(read) || read.size() > max) return false;
  text = read;
  return true;
}

}  // namespace

bool ReadName(MsgpackReader& in, std::string& name) { return ReadShortText(in, kMaxName, name); }

bool ReadMeta(MsgpackReader& in, std::string& meta) { return ReadShortText(in, kMaxMeta, meta); }

bool ReadIp(MsgpackReader& in, std::string& ip) {
  return ReadShortText(in, kIpv6Bytes, ip) && IsIp(ip);
}

bool ReadVersions(MsgpackReader& in, std::optional<Versions>& versions) {
  std::string_view read;
  if (!in.Text(read)) return false;
  versions.reset();
  if (read.size() != kVersions) return true;
  const auto at = [read](size_t i) { return static_cast<uint8_t>(read[i]); };
  versions = Versions{.protocol_min = at(0),
                      .protocol_max = at(1),
                      .protocol = at(2),
                      .delegate_min = at(3),
                      .delegate_max = at(4),
                      .delegate = at(5)};
  return true;
}

void WriteName(MsgpackWriter& out, std::string_view key, std::string_view name) {
  LB_CHECK(name.size() <= kMaxName);
  out.Text(key);
  out.Text(name);
}

void WriteIp(MsgpackWriter& out, std::string_view key, std::string_view ip) {
  LB_CHECK(IsIp(ip));
  out.Text(key);
  out.Bytes(ip);
}

void WriteMeta(MsgpackWriter& out, std::string_view key, std::string_view meta) {
  LB_CHECK(meta.size() <= kMaxMeta);
  out.Text(key);
  out.Bytes(meta);
}

void WriteVersions(MsgpackWriter& out, std::string_view key,
                   const std::optional<Versions>& versions) {
  std::string bytes;
  if (versions.has_value()) {
    for (const uint8_t version :
         {versions->protocol_min, versions->protocol_max, versions->protocol,
          versions->delegate_min, versions->delegate_max, versions->delegate}) {
      bytes.push_back(static_cast<char>(version));
    }
  }
  out.Text(key);
  out.Bytes(bytes);
}

void WriteUnsigned(MsgpackWriter& out, std::string_view key, uint32_t number) {
  out.Text(key);
  out.Unsigned(number);
}

void WriteBool(MsgpackWriter& out, std::string_view key, bool value) {
  out.Text(key);
  out.Bool(value);
}

}  // namespace lb::controlplane::swim
