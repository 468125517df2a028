#include "controlplane/membership/stream_codec.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/check.h"
#include "controlplane/membership/message_type.h"
#include "controlplane/membership/stream_message.h"

namespace lb::controlplane::swim {
namespace {

// A type byte, and the length of what is sealed.
constexpr size_t kFrameHeader = 5;
// The only way of sealing; see key_ring.h.
constexpr char kSealedVersion = 1;

// What the initiator begins with.
std::string LabelHeader(const std::string& label) {
  LB_CHECK(label.size() <= kMaxLabel);
  if (label.empty()) return {};
  return std::string{TypeByte(MessageType::kLabel), static_cast<char>(label.size())} + label;
}

std::string FrameHeader(size_t sealed_bytes) {
  LB_CHECK(sealed_bytes <= UINT32_MAX);
  std::string header(1, TypeByte(MessageType::kEncrypted));
  for (int shift = 24; shift >= 0; shift -= 8) {
    header.push_back(static_cast<char>(sealed_bytes >> shift & 0xff));
  }
  return header;
}

size_t FrameBytes(std::string_view header) {
  size_t bytes = 0;
  for (const char c : header.substr(1)) bytes = bytes << 8 | static_cast<uint8_t>(c);
  return bytes;
}

}  // namespace

std::string SealStream(const StreamMessage& message, StreamSide side, const std::string& label,
                       const KeyRing& ring, const KeyRing::Nonce& nonce) {
  std::string out = side == StreamSide::kInitiator ? LabelHeader(label) : std::string();
  const std::string body = EncodeStream(message);
  if (ring.empty()) return out + body;
  const std::string header = FrameHeader(body.size() + KeyRing::kOverhead);
  return out + header + ring.Seal(nonce, body, header + label);
}

class StreamReader::Impl final {
 public:
  Impl(StreamSide side, std::string label, const KeyRing& ring)
      : expected_(side == StreamSide::kInitiator ? LabelHeader(label) : std::string()),
        label_(std::move(label)),
        ring_(ring) {}

  Progress Feed(std::string_view bytes) {
    if (progress() != Progress::kMore) return progress();
    const size_t room = kMaxStream - fed_;
    const std::string_view taken = bytes.substr(0, room);
    fed_ += taken.size();
    Take(taken);
    if (progress() == Progress::kMore && bytes.size() > room) Fail(WireError::kTooLong);
    return progress();
  }

  Progress progress() const {
    if (error() != WireError::kNone) return Progress::kFailed;
    return body_.done() ? Progress::kDone : Progress::kMore;
  }

  WireError error() const { return error_ != WireError::kNone ? error_ : body_.error(); }
  const StreamMessage& message() const { return body_.message(); }

 private:
  enum class Phase { kLabel, kType, kFrame, kBody };

  void Take(std::string_view bytes) {
    if (phase_ == Phase::kBody) return body_.Feed(bytes);
    held_.append(bytes);
    if (phase_ == Phase::kLabel) TakeLabel();
    if (phase_ == Phase::kType) TakeType();
    if (phase_ == Phase::kFrame) TakeFrame();
  }

  void TakeLabel() {
    if (held_.empty()) return;
    const std::string_view expected = expected_;
    const size_t came = std::min(held_.size(), expected.size());
    const bool unexpected = expected.empty() && held_[0] == TypeByte(MessageType::kLabel);
    if (unexpected || !held_.starts_with(expected.substr(0, came))) {
      return Fail(WireError::kLabel);
    }
    if (came < expected.size()) return;
    held_.erase(0, came);
    phase_ = Phase::kType;
  }

  // Whether it is sealed has to fit to whether there is a key.
  void TakeType() {
    if (held_.empty()) return;
    const bool sealed = held_[0] == TypeByte(MessageType::kEncrypted);
    if (sealed && ring_.empty()) return Fail(WireError::kSealed);
    if (!sealed && !ring_.empty()) return Fail(WireError::kPlaintext);
    if (sealed) {
      phase_ = Phase::kFrame;
      return;
    }
    phase_ = Phase::kBody;
    body_.Feed(std::exchange(held_, {}));
  }

  // Nothing of a frame is known to be true before all of it has come.
  void TakeFrame() {
    if (held_.size() < kFrameHeader) return;
    const std::string header = held_.substr(0, kFrameHeader);
    const size_t bytes = FrameBytes(header);
    if (bytes > kMaxStream - kFrameHeader) return Fail(WireError::kTooLong);
    if (bytes < KeyRing::kOverhead) return Fail(WireError::kKey);
    if (held_.size() == kFrameHeader) return;
    if (held_[kFrameHeader] != kSealedVersion) return Fail(WireError::kSealed);
    if (held_.size() < kFrameHeader + bytes) return;
    const std::optional<std::string> opened =
        ring_.Open(std::string_view(held_).substr(kFrameHeader, bytes), header + label_);
    if (!opened.has_value()) return Fail(WireError::kKey);
    held_ = {};
    phase_ = Phase::kBody;
    body_.Feed(*opened);
    if (progress() == Progress::kMore) Fail(WireError::kMessage);
  }

  void Fail(WireError error) {
    error_ = error;
    held_ = {};
  }

  const std::string expected_;  // The label's header, where there has to be one.
  const std::string label_;
  const KeyRing& ring_;
  Phase phase_ = Phase::kLabel;
  std::string held_;  // Before the body.
  size_t fed_ = 0;
  StreamMessageReader body_;
  WireError error_ = WireError::kNone;
};

StreamReader::StreamReader(StreamSide side, std::string label, const KeyRing& ring)
    : impl_(std::make_unique<Impl>(side, std::move(label), ring)) {}

StreamReader::~StreamReader() = default;

StreamReader::Progress StreamReader::Feed(std::string_view bytes) { return impl_->Feed(bytes); }

const StreamMessage& StreamReader::message() const {
  LB_CHECK(impl_->progress() == Progress::kDone);
  return impl_->message();
}

WireError StreamReader::error() const { return impl_->error(); }

}  // namespace lb::controlplane::swim
