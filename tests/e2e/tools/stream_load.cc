#include "tests/e2e/tools/stream_load.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/tools/pattern.h"
#include "tests/e2e/tools/report.h"
#include "tests/e2e/tools/sockets.h"

namespace lb::testpeer {
namespace {

struct Stream {
  explicit Stream(uint64_t number) : pattern(number) {}

  UniqueFd fd;
  Pattern pattern;
  bool established = false;
  bool finished = false;  // Our FIN is sent.
  uint64_t to_send = 0;   // Of the chunk being sent.
  uint64_t sent = 0;
  uint64_t received = 0;
  Instant waiting_since;  // Of the newest byte, or when a byte began to be owed.
};

}  // namespace

class StreamLoad::Impl final {
 public:
  Impl(EventLoop& loop, const Options& options)
      : loop_(loop), options_(options), address_(options.target.ToSocketAddress()) {
    for (uint64_t i = 0; i < options.connections; ++i) streams_.emplace_back(i);
  }

  void Start() {
    for (Stream& stream : streams_) Open(stream);
    ReportLater();
  }

  void Finish() {
    finishing_ = true;
    for (Stream& stream : streams_) {
      if (stream.fd.valid()) MaybeFinish(stream);
    }
    if (open_ == 0) return End();
    loop_.After(kFinishTimeout, [this] {
      for (Stream& stream : streams_) {
        if (stream.fd.valid()) Close(stream, "stalled");
      }
    });
  }

 private:
  void ReportLater() {
    Report();
    loop_.After(kReportInterval, [this] { ReportLater(); });
  }

  void Report() const {
    WriteReport({{"established", established_},
                 {"open", open_},
                 {"bytes", bytes_},
                 {"max_gap_ms", max_gap_ / std::chrono::milliseconds(1)},
                 {"ended", ToJson(ended_)},
                 {"done", done_}});
  }

  void End() {
    done_ = true;
    Report();
    loop_.Stop();
  }

  void Open(Stream& stream) {
    ++open_;
    stream.fd = StartConnect(address_);
    if (!stream.fd.valid()) return Close(stream, ErrnoName(errno));
    loop_.Watch(stream.fd.get(), EPOLLOUT,
                [this, &stream](uint32_t events) { Advance(stream, events); });
  }

  void Close(Stream& stream, const std::string& how) {
    ++ended_[how];
    --open_;
    if (stream.fd.valid()) {
      loop_.Forget(stream.fd.get());
      stream.fd.Reset();
    }
    if (finishing_ && open_ == 0) End();
  }

  void Advance(Stream& stream, uint32_t events) {
    if (!stream.established) {
      if (const int error = TakeError(stream.fd.get())) return Close(stream, ErrnoName(error));
      stream.established = true;
      ++established_;
      return NextChunk(stream);
    }
    if ((events & ~static_cast<uint32_t>(EPOLLOUT)) != 0 && !Receive(stream)) return;
    if (!Send(stream)) return;
    MaybeFinish(stream);
  }

  void NextChunk(Stream& stream) {
    if (!stream.fd.valid() || finishing_) return;
    loop_.After(options_.interval, [this, &stream] { NextChunk(stream); });
    const uint64_t owed = stream.sent - stream.received;
    if (stream.to_send != 0 || owed + options_.chunk_bytes > options_.window_bytes) return;
    if (owed == 0) stream.waiting_since = loop_.now();
    stream.to_send = options_.chunk_bytes;
    Send(stream);
  }

  // Returns false when the stream is over.
  bool Send(Stream& stream) {
    while (stream.to_send > 0) {
      const std::string_view bytes = stream.pattern.At(stream.sent).substr(0, stream.to_send);
      const ssize_t sent = send(stream.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) break;
      if (sent < 0) {
        Close(stream, ErrnoName(errno));
        return false;
      }
      stream.sent += static_cast<uint64_t>(sent);
      stream.to_send -= static_cast<uint64_t>(sent);
    }
    loop_.Change(stream.fd.get(), stream.to_send > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
    return true;
  }

  // Returns false when the stream is over.
  bool Receive(Stream& stream) {
    const ssize_t got = recv(stream.fd.get(), buffer_.data(), buffer_.size(), 0);
    if (got < 0 && errno == EAGAIN) return true;
    if (got <= 0) {
      const bool complete = got == 0 && stream.finished && stream.received == stream.sent;
      Close(stream, got < 0 ? ErrnoName(errno) : complete ? "complete" : "short");
      return false;
    }
    const std::string_view data(buffer_.data(), static_cast<size_t>(got));
    if (!stream.pattern.Matches(stream.received, data)) {
      Close(stream, "mismatch");
      return false;
    }
    max_gap_ = std::max(max_gap_, loop_.now() - stream.waiting_since);
    stream.waiting_since = loop_.now();
    stream.received += data.size();
    bytes_ += data.size();
    return true;
  }

  void MaybeFinish(Stream& stream) {
    if (!finishing_ || stream.finished || stream.to_send > 0) return;
    if (stream.received != stream.sent) return;
    stream.finished = true;
    if (shutdown(stream.fd.get(), SHUT_WR) != 0) Close(stream, ErrnoName(errno));
  }

  EventLoop& loop_;
  const Options options_;
  const SocketAddress address_;
  std::vector<Stream> streams_;
  std::array<char, 65'536> buffer_;
  uint64_t established_ = 0;
  uint64_t open_ = 0;
  uint64_t bytes_ = 0;
  Duration max_gap_{};
  Counts ended_;
  bool finishing_ = false;
  bool done_ = false;
};

StreamLoad::StreamLoad(EventLoop& loop, const Options& options)
    : impl_(std::make_unique<Impl>(loop, options)) {}

StreamLoad::~StreamLoad() = default;

void StreamLoad::Start() { impl_->Start(); }

void StreamLoad::Finish() { impl_->Finish(); }

}  // namespace lb::testpeer
