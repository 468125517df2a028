// The head of one msgpack value: what it is, and how many bytes and values follow. Pure; threading:
// none. Source: the msgpack specification; all of its forms, of the old one and the new.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lb::controlplane::swim {

struct MsgpackHead {
  enum class Kind : uint8_t {
    kNil,
    kBool,
    kUnsigned,  // Any integer that is not negative, whatever its form.
    kNegative,
    kText,  // Raw, string and binary alike.
    kMap,   // `children` is even: keys and values.
    kArray,
    kOther,  // Floats and extensions.
  };

  Kind kind = Kind::kNil;
  uint64_t number = 0;    // Of a bool (0 or 1) and of kUnsigned.
  size_t bytes = 0;       // Of the head itself: the type byte, and a number or length.
  uint64_t payload = 0;   // Bytes that follow the head.
  uint64_t children = 0;  // Values that follow the head.
};

enum class MsgpackRead { kOk, kCut, kBad };

// Reads the head that `bytes` begins with. kCut: more bytes of it have to come; kBad: the one type
// byte that means nothing. Says nothing of whether the payload is there.
MsgpackRead ReadMsgpackHead(std::string_view bytes, MsgpackHead& head);

}  // namespace lb::controlplane::swim
