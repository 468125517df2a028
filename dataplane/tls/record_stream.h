// One TLS end of a connection between the bytes of its socket and plaintext; it knows no socket.
//
// What comes in and what goes out is in buffers that all connections of the I/O thread share, for
// the length of a Turn. At its end only what cannot be used yet (a part of a record) and what was
// not sent is kept, in memory of exactly that size. BoringSSL is given whole records only, so that
// its own buffers are empty between turns too. Sources: RFC 8446 section 5.1, RFC 5246 section 6.2.
// Threading: its I/O thread only.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace lb::dataplane::tls {

// Of a record on the wire, header and all: RFC 5246 section 6.2.3, the larger of the two versions.
inline constexpr size_t kMaxRecordBytes = 5 + 16 * 1024 + 2048;

// What one receive asks for: several records of the largest size.
inline constexpr size_t kReceiveBytes = 64 * 1024;

// Plaintext that is moved at once.
inline constexpr size_t kPlainBytes = 64 * 1024;

class RecordStream;

// The buffers of one I/O thread.
struct RecordBuffers {
  RecordBuffers()
      : input(std::make_unique_for_overwrite<char[]>(kInputBytes)),
        plain(std::make_unique_for_overwrite<char[]>(kPlainBytes)) {}

  // A part of a record from the last turn, and what is received behind it.
  static constexpr size_t kInputBytes = kMaxRecordBytes + kReceiveBytes;
  // Output that is larger, of a long certificate chain, gives its memory back.
  static constexpr size_t kMaxIdleOutputBytes = 128 * 1024;

  const std::unique_ptr<char[]> input;
  size_t input_begin = 0;
  size_t input_end = 0;
  const RecordStream* input_owner = nullptr;
  std::string output;
  size_t output_sent = 0;
  const RecordStream* output_owner = nullptr;
  const std::unique_ptr<char[]> plain;  // For whoever calls Read.
};

class RecordStream final {
 public:
  // How far a call came.
  enum class Step : uint8_t {
    kDone,       // Handshake: it is complete. Read: there may be more without receiving.
    kWaiting,    // The rest is told by what is received next.
    kEnded,      // The peer said close_notify.
    kTruncated,  // Its bytes ended without it.
    kFailed,     // By the peer; BoringSSL's error queue says how, until the next call.
  };
  struct Opened {
    Step step = Step::kWaiting;
    size_t bytes = 0;  // Of plaintext, also when it ended or failed behind them.
  };

  // Use of the thread's buffers; one at a time for each stream. nullptr does nothing.
  class Turn final {
   public:
    explicit Turn(RecordStream* stream) : stream_(stream) {}
    ~Turn() {
      if (stream_ != nullptr) stream_->Park();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    RecordStream* const stream_;
  };

  explicit RecordStream(RecordBuffers& buffers) : buffers_(buffers) {}
  RecordStream(const RecordStream&) = delete;
  RecordStream& operator=(const RecordStream&) = delete;

  // Speaks TLS with `ssl` from now on; before, bytes are only gathered.
  void Begin(bssl::UniquePtr<SSL> ssl);
  // nullptr before Begin.
  SSL* ssl() const { return ssl_.get(); }

  // Where to receive, kReceiveBytes at least unless HasRecord(). Only within a Turn, like all
  // below.
  char* Room();
  size_t RoomBytes() const { return RecordBuffers::kInputBytes - buffers_.input_end; }
  // So many bytes were received there.
  void Received(size_t bytes) { buffers_.input_end += bytes; }
  // Nothing comes any more.
  void ReceivedEnd() { input_ended_ = true; }
  bool input_ended() const { return input_ended_; }
  // True when there is something to do without receiving: a whole record, a part of one that is
  // open already, or bytes that cannot be a record. Also outside of a Turn.
  bool HasRecord() const;

  // Goes on with the handshake.
  Step Handshake();
  // Opens records into `plain`, `room` bytes at most.
  Opened Read(char* plain, size_t room);
  // Seals plaintext; false when the stream has failed.
  [[nodiscard]] bool Write(std::string_view plain);
  // Says close_notify; nothing is sealed after it.
  void Close();
  // True after a step or a Write that failed: there is nothing more to be had.
  bool failed() const { return failed_; }

  // Bytes that go out as they are, before all others.
  void WriteRaw(std::string_view bytes) { AppendOutput(bytes); }
  // Bytes to be sent. Unsent() may be asked outside of a Turn.
  std::string_view Unsent() const;
  void Sent(size_t bytes);

 private:
  // Memory of exactly the size that is left.
  struct Kept {
    std::unique_ptr<char[]> data;
    uint32_t begin = 0;
    uint32_t end = 0;

    std::string_view view() const { return {data.get() + begin, end - begin}; }
    void Set(std::string_view bytes);
    void Clear() { *this = Kept(); }
  };

  static const BIO_METHOD* Method();
  static int BioRead(BIO* bio, char* out, int bytes);
  static int BioWrite(BIO* bio, const char* data, int bytes);
  static long BioControl(BIO* bio, int command, long number, void* pointer);  // NOLINT

  void Claim();
  void Park();
  std::string_view Input() const;
  size_t Servable() const;
  size_t TakeInput(char* out, size_t bytes);
  void AppendOutput(std::string_view bytes);

  RecordBuffers& buffers_;
  bssl::UniquePtr<SSL> ssl_;
  Kept input_;
  Kept output_;
  uint32_t record_left_ = 0;  // Of a record that BoringSSL has begun to read.
  bool is_raw_ = false;       // What comes is no TLS: BoringSSL gets it as it is, and refuses it.
  bool input_ended_ = false;
  bool failed_ = false;
  bool closed_ = false;
};

}  // namespace lb::dataplane::tls
