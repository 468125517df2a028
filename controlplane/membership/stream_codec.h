// TCP connections of members: one message in each direction. Pure; threading: one thread each.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "controlplane/membership/key_ring.h"
#include "controlplane/membership/messages.h"
#include "controlplane/membership/wire_error.h"

namespace lb::controlplane::swim {

// Who opened the connection: only what it sends begins with the label.
enum class StreamSide { kInitiator, kResponder };

// What `side` sends. `nonce` is used where there is a key. The message keeps the bounds of
// messages.h, but for kMaxStream, which is for the reader to refuse.
std::string SealStream(const StreamMessage& message, StreamSide side, const std::string& label,
                       const KeyRing& ring, const KeyRing::Nonce& nonce);

// Takes what `side` sends, in pieces of any size; what follows the message is ignored. Takes at
// most kMaxStream bytes, for which it reserves nothing before they come, and unpacks them to at
// most as many again. The work is linear in the bytes.
class StreamReader final {
 public:
  enum class Progress { kMore, kDone, kFailed };

  // `ring` must outlive it.
  StreamReader(StreamSide side, std::string label, const KeyRing& ring);
  ~StreamReader();

  Progress Feed(std::string_view bytes);
  const StreamMessage& message() const;  // When it is done.
  WireError error() const;               // When it failed.

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lb::controlplane::swim
