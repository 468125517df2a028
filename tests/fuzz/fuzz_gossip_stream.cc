// StreamReader on any bytes: fed in pieces it comes to what it comes to when fed at once, and what
// it read can be written, and is read again as the same.

#include <algorithm>
#include <string>
#include <string_view>

#include "base/check.h"
#include "controlplane/membership/key_ring.h"
#include "controlplane/membership/messages.h"
#include "controlplane/membership/stream_codec.h"

namespace swim = lb::controlplane::swim;
using Progress = swim::StreamReader::Progress;
constexpr auto kSide = swim::StreamSide::kInitiator;

namespace {

// Feeds pieces of 1, 2, 3... bytes, so that their ends come to lie anywhere.
Progress FeedInPieces(swim::StreamReader& reader, std::string_view bytes) {
  Progress progress = Progress::kMore;
  for (size_t length = 1; !bytes.empty(); ++length) {
    progress = reader.Feed(bytes.substr(0, length));
    bytes.remove_prefix(std::min(length, bytes.size()));
  }
  return progress;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const swim::KeyRing no_key;
  swim::StreamReader at_once(kSide, "", no_key);
  swim::StreamReader in_pieces(kSide, "", no_key);
  const Progress progress = at_once.Feed(bytes);
  LB_CHECK(FeedInPieces(in_pieces, bytes) == progress);
  LB_CHECK(at_once.error() == in_pieces.error());
  LB_CHECK((at_once.error() != swim::WireError::kNone) == (progress == Progress::kFailed));
  if (progress != Progress::kDone) return 0;

  LB_CHECK(at_once.message() == in_pieces.message());
  const std::string written = swim::SealStream(at_once.message(), kSide, "", no_key, {});
  if (written.size() > swim::kMaxStream) return 0;  // What was left out is longer when written.
  swim::StreamReader again(kSide, "", no_key);
  LB_CHECK(again.Feed(written) == Progress::kDone);
  LB_CHECK(again.message() == at_once.message());
  return 0;
}
