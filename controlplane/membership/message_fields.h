// What fields of several messages hold, read and written. Pure; threading: none.
//
// A Read...() returns false where the value is not what the field may hold. A Write...() writes key
// and value; what it is given keeps the bounds of messages.h.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "controlplane/membership/messages.h"
#include "controlplane/membership/msgpack_reader.h"
#include "controlplane/membership/msgpack_writer.h"

namespace lb::controlplane::swim {

bool ReadName(MsgpackReader& in, std::string& name);
bool ReadIp(MsgpackReader& in, std::string& ip);
bool ReadMeta(MsgpackReader& in, std::string& meta);
// Another number of bytes than there are versions: absent.
bool ReadVersions(MsgpackReader& in, std::optional<Versions>& versions);

// An integer that T can hold.
template <typename T>
bool ReadUnsigned(MsgpackReader& in, T& number) {
  uint64_t read = 0;
  if (!in.Unsigned(std::numeric_limits<T>::max(), read)) return false;
  number = static_cast<T>(read);
  return true;
}

void WriteName(MsgpackWriter& out, std::string_view key, std::string_view name);
void WriteIp(MsgpackWriter& out, std::string_view key, std::string_view ip);
void WriteMeta(MsgpackWriter& out, std::string_view key, std::string_view meta);
void WriteVersions(MsgpackWriter& out, std::string_view key,
                   const std::optional<Versions>& versions);
void WriteUnsigned(MsgpackWriter& out, std::string_view key, uint32_t number);
void WriteBool(MsgpackWriter& out, std::string_view key, bool value);

}  // namespace lb::controlplane::swim
