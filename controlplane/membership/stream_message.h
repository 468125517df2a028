// The message of a stream, without what is around it: label and encryption. Pure; threading: one
// thread each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controlplane/membership/message_type.h"
#include "controlplane/membership/messages.h"
#include "controlplane/membership/msgpack_reader.h"
#include "controlplane/membership/wire_error.h"

namespace lb::controlplane::swim {

// Within the bounds of messages.h.
std::string EncodeStream(const StreamMessage& message);

// Reads one message from bytes that come in pieces of any size. What it was told about lengths
// makes it reserve nothing, and each byte is looked at a fixed number of times. Whoever feeds it
// bounds how much.
class StreamMessageReader final {
 public:
  // Ignored once it is done or has failed, as is what follows the message.
  void Feed(std::string_view bytes);

  bool done() const { return done_; }
  WireError error() const { return error_; }              // kNone: it has not failed.
  const StreamMessage& message() const { return read_; }  // When it is done.

 private:
  // What comes next: a type byte and a map, the map of a member, bytes without a form.
  enum class Phase { kMessage, kNode, kTail };

  bool over() const { return done_ || error_ != WireError::kNone; }
  bool Step();
  bool TakeMessage();
  bool TakeNode();
  bool TakeTail();
  void TakeMap(MessageType type, std::string_view map);
  void TakePushPull(std::string_view header);
  void TakeUser(std::string_view header);
  void TakeError(std::string_view map);
  void TakeCompressed(std::string_view map);
  void ExpectTail(uint32_t bytes);
  std::optional<std::string_view> NextMap(size_t offset);
  void Fail(WireError error) { error_ = error; }

  std::string held_;  // What came; before `at_` it was taken.
  size_t at_ = 0;
  MsgpackScanner scanner_;  // Of the map that is being waited for.
  Phase phase_ = Phase::kMessage;
  uint32_t nodes_left_ = 0;
  size_t tail_bytes_ = 0;
  bool unpacked_ = false;  // All of it is there, then.
  bool done_ = false;
  WireError error_ = WireError::kNone;
  StreamMessage read_;
};

}  // namespace lb::controlplane::swim
