// One message as bytes: a type byte and a msgpack map. Pure; threading: none.
//
// Writes what memberlist writes, byte for byte: keys in order, strings and bytes as "raw" of the
// old msgpack, integers as short as can be. Reads all forms that its versions write.
#pragma once

#include <string>
#include <string_view>

#include "controlplane/membership/messages.h"
#include "controlplane/membership/wire_error.h"

namespace lb::controlplane::swim {

std::string Encode(const Message& message);

// Takes one message of a datagram, with its type byte; what follows it is ignored, as peers do.
// kNone: `message` is set.
WireError Decode(std::string_view part, Message& message);

}  // namespace lb::controlplane::swim
