#include "dataplane/tls/record_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace lb::dataplane::tls {
namespace {

constexpr size_t kHeaderBytes = 5;

// Records opened by one Read: tiny ones cost as much as large ones.
constexpr int kMaxRecordsPerRead = 256;

// What a peer that reads nothing may make this end keep beyond sealed data: answers to its key
// updates, which no honest peer sends in such numbers.
constexpr size_t kMaxKeptOutputBytes = 512 * 1024;

uint8_t ByteAt(std::string_view bytes, size_t index) { return static_cast<uint8_t>(bytes[index]); }

// True when these bytes begin no record.
bool IsNoRecord(std::string_view bytes) {
  if (bytes.empty()) return false;
  const uint8_t type = ByteAt(bytes, 0);
  if (type < SSL3_RT_CHANGE_CIPHER_SPEC || type > SSL3_RT_APPLICATION_DATA) return true;
  return bytes.size() >= 2 && ByteAt(bytes, 1) != SSL3_VERSION_MAJOR;
}

// The length of the record that begins here, header and all; SIZE_MAX while it is not known.
size_t RecordBytes(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return SIZE_MAX;
  return kHeaderBytes + ByteAt(bytes, 3) * size_t{256} + ByteAt(bytes, 4);
}

}  // namespace

void RecordStream::Kept::Set(std::string_view bytes) {
  if (bytes.empty()) return Clear();
  std::unique_ptr<char[]> fresh(new char[bytes.size()]);
  std::memcpy(fresh.get(), bytes.data(), bytes.size());
  data = std::move(fresh);
  begin = 0;
  end = static_cast<uint32_t>(bytes.size());
}

const BIO_METHOD* RecordStream::Method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "records");
    LB_CHECK(made != nullptr && BIO_meth_set_read(made, BioRead) == 1 &&
             BIO_meth_set_write(made, BioWrite) == 1 && BIO_meth_set_ctrl(made, BioControl) == 1);
    return made;
  }();
  return method;
}

int RecordStream::BioRead(BIO* bio, char* out, int bytes) {
  BIO_clear_retry_flags(bio);
  auto& stream = *static_cast<RecordStream*>(BIO_get_data(bio));
  const size_t taken = stream.TakeInput(out, static_cast<size_t>(bytes));
  if (taken > 0) return static_cast<int>(taken);
  BIO_set_retry_read(bio);
  return -1;
}

int RecordStream::BioWrite(BIO* bio, const char* data, int bytes) {
  BIO_clear_retry_flags(bio);
  auto& stream = *static_cast<RecordStream*>(BIO_get_data(bio));
  if (stream.output_.view().size() > kMaxKeptOutputBytes) return -1;
  stream.AppendOutput({data, static_cast<size_t>(bytes)});
  return bytes;
}

long RecordStream::BioControl(BIO*, int command, long, void*) {  // NOLINT
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

void RecordStream::Begin(bssl::UniquePtr<SSL> ssl) {
  LB_CHECK(ssl != nullptr && ssl_ == nullptr);
  ssl_ = std::move(ssl);
  BIO* const bio = BIO_new(Method());
  LB_CHECK(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);  // Takes it, once for both.
}

std::string_view RecordStream::Input() const {
  if (buffers_.input_owner != this) return input_.view();
  return {buffers_.input.get() + buffers_.input_begin, buffers_.input_end - buffers_.input_begin};
}

void RecordStream::Claim() {
  if (buffers_.input_owner == this) return;
  LB_CHECK(buffers_.input_owner == nullptr);
  buffers_.input_owner = this;
  const std::string_view kept = input_.view();
  LB_CHECK(kept.size() <= RecordBuffers::kInputBytes);
  if (!kept.empty()) std::memcpy(buffers_.input.get(), kept.data(), kept.size());
  buffers_.input_begin = 0;
  buffers_.input_end = kept.size();
  input_.Clear();
}

void RecordStream::Park() {
  if (buffers_.input_owner == this) {
    input_.Set(Input());
    buffers_.input_begin = buffers_.input_end = 0;
    buffers_.input_owner = nullptr;
  }
  if (buffers_.output_owner == this) {
    output_.Set(Unsent());
    buffers_.output.clear();
    if (buffers_.output.capacity() > RecordBuffers::kMaxIdleOutputBytes)
      buffers_.output.shrink_to_fit();
    buffers_.output_sent = 0;
    buffers_.output_owner = nullptr;
  }
}

char* RecordStream::Room() {
  Claim();
  char* const input = buffers_.input.get();
  if (buffers_.input_begin > 0) {
    const std::string_view left = Input();
    std::memmove(input, left.data(), left.size());
    buffers_.input_begin = 0;
    buffers_.input_end = left.size();
  }
  return input + buffers_.input_end;
}

// How many bytes BoringSSL may have now.
size_t RecordStream::Servable() const {
  const std::string_view input = Input();
  if (record_left_ > 0) return std::min<size_t>(record_left_, input.size());
  if (is_raw_ || IsNoRecord(input)) return input.size();
  const size_t record = RecordBytes(input);
  if (record != SIZE_MAX && record > kMaxRecordBytes) return input.size();
  return record <= input.size() ? record : 0;
}

bool RecordStream::HasRecord() const {
  return Servable() > 0 || (ssl_ != nullptr && SSL_pending(ssl_.get()) > 0);
}

size_t RecordStream::TakeInput(char* out, size_t bytes) {
  if (buffers_.input_owner != this) return 0;
  const size_t servable = Servable();
  const size_t taken = std::min(servable, bytes);
  if (taken == 0) return 0;
  is_raw_ = is_raw_ || (record_left_ == 0 && IsNoRecord(Input()));
  std::memcpy(out, Input().data(), taken);
  buffers_.input_begin += taken;
  record_left_ = is_raw_ ? 0 : static_cast<uint32_t>(servable - taken);
  return taken;
}

void RecordStream::AppendOutput(std::string_view bytes) {
  // After close_notify the socket takes nothing more.
  if (closed_) return;
  const bool shared = buffers_.output_owner == this || buffers_.output_owner == nullptr;
  if (shared && output_.view().empty()) {
    buffers_.output_owner = this;
    buffers_.output.append(bytes);
    return;
  }
  const std::string_view kept = output_.view();
  Kept longer;
  longer.data.reset(new char[kept.size() + bytes.size()]);
  std::memcpy(longer.data.get(), kept.data(), kept.size());
  std::memcpy(longer.data.get() + kept.size(), bytes.data(), bytes.size());
  longer.end = static_cast<uint32_t>(kept.size() + bytes.size());
  output_ = std::move(longer);
}

std::string_view RecordStream::Unsent() const {
  if (buffers_.output_owner != this) return output_.view();
  return std::string_view(buffers_.output).substr(buffers_.output_sent);
}

void RecordStream::Sent(size_t bytes) {
  if (buffers_.output_owner == this) {
    buffers_.output_sent += bytes;
    if (buffers_.output_sent < buffers_.output.size()) return;
    buffers_.output.clear();
    buffers_.output_sent = 0;
    return;
  }
  output_.begin += static_cast<uint32_t>(bytes);
  if (output_.begin == output_.end) output_.Clear();
}

RecordStream::Step RecordStream::Handshake() {
  Claim();
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    // BoringSSL keeps tickets until something is written. A client that holds its first bytes back
    // until its Finished is acknowledged (RFC 896) would meanwhile wait for a delayed ACK.
    if (SSL_is_server(ssl_.get()) == 1 && !HasRecord()) SSL_write(ssl_.get(), "", 0);
    return Step::kDone;
  }
  failed_ = SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ;
  if (failed_) return Step::kFailed;
  return input_ended_ ? Step::kTruncated : Step::kWaiting;
}

RecordStream::Opened RecordStream::Read(char* plain, size_t room) {
  Claim();
  Opened opened;
  for (int i = 0; i < kMaxRecordsPerRead && opened.bytes < room; ++i) {
    if (!HasRecord()) {
      opened.step = input_ended_ ? Step::kTruncated : Step::kWaiting;
      return opened;
    }
    ERR_clear_error();
    const int bytes =
        SSL_read(ssl_.get(), plain + opened.bytes, static_cast<int>(room - opened.bytes));
    if (bytes > 0) {
      opened.bytes += static_cast<size_t>(bytes);
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), bytes);
    if (error == SSL_ERROR_WANT_READ) continue;  // A record without data.
    failed_ = error != SSL_ERROR_ZERO_RETURN;
    opened.step = failed_ ? Step::kFailed : Step::kEnded;
    return opened;
  }
  opened.step = Step::kDone;
  return opened;
}

bool RecordStream::Write(std::string_view plain) {
  ERR_clear_error();
  while (!plain.empty()) {
    const int bytes = SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size()));
    failed_ = bytes <= 0;
    if (failed_) return false;
    plain.remove_prefix(static_cast<size_t>(bytes));
  }
  return true;
}

void RecordStream::Close() {
  if (closed_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  closed_ = true;
}

}  // namespace lb::dataplane::tls
