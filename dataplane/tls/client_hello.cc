#include "dataplane/tls/client_hello.h"

#include <openssl/bytestring.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "base/check.h"
#include "base/endpoint.h"

namespace lb::dataplane::tls {
namespace {

constexpr size_t kRecordHeaderBytes = 5;      // RFC 8446 section 5.1, like the next.
constexpr size_t kMaxRecordBytes = 1u << 14;  // Of plaintext.
constexpr size_t kHandshakeHeaderBytes = 4;   // RFC 8446 section 4, like the length in it.
constexpr uint8_t kMajorVersion = 3;
constexpr size_t kMaxServerNameBytes = 255;  // RFC 1035 section 3.1.

ParsedHello Bad(const char* why) { return {.state = ParsedHello::State::kBad, .why = why}; }

const uint8_t* Data(std::string_view bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

// What record headers tell of a ClientHello.
struct Framing {
  ParsedHello::State state = ParsedHello::State::kNeedMore;
  const char* why = nullptr;
  std::string message{};  // The handshake message; whole when kHello.
};

Framing BadFraming(const char* why) { return {.state = ParsedHello::State::kBad, .why = why}; }

// The bytes of the message, its own header included; 0 while they are not known.
size_t MessageBytes(const std::string& message) {
  if (message.size() < kHandshakeHeaderBytes) return 0;
  const uint8_t* const header = Data(message);
  return kHandshakeHeaderBytes + (size_t{header[1]} << 16 | size_t{header[2]} << 8 | header[3]);
}

// Takes the record at `bytes` into the message. kHello: the message is whole.
ParsedHello::State TakeRecord(std::string_view& bytes, Framing& framing) {
  const auto bad = [&](const char* why) {
    framing.why = why;
    return ParsedHello::State::kBad;
  };
  const uint8_t* const header = Data(bytes);
  if (!bytes.empty() && header[0] != SSL3_RT_HANDSHAKE) return bad("it is no TLS handshake");
  if (bytes.size() > 1 && header[1] != kMajorVersion) return bad("it is no version of TLS");
  if (bytes.size() < kRecordHeaderBytes) return ParsedHello::State::kNeedMore;
  const size_t length = size_t{header[3]} << 8 | header[4];
  if (length == 0 || length > kMaxRecordBytes) return bad("a record is empty or too long");
  const std::string_view payload = bytes.substr(kRecordHeaderBytes, length);
  framing.message.append(payload);
  if (!framing.message.empty() && Data(framing.message)[0] != SSL3_MT_CLIENT_HELLO)
    return bad("it does not begin with a ClientHello");
  const size_t wanted = MessageBytes(framing.message);
  if (wanted > kMaxClientHelloBytes) return bad("the ClientHello is too long");
  if (payload.size() < length) return ParsedHello::State::kNeedMore;
  bytes.remove_prefix(kRecordHeaderBytes + length);
  if (wanted == 0 || framing.message.size() < wanted) return ParsedHello::State::kNeedMore;
  framing.message.resize(wanted);
  return ParsedHello::State::kHello;
}

Framing ReadRecords(std::string_view bytes) {
  Framing framing;
  const size_t all = bytes.size();
  for (;;) {
    const size_t left = bytes.size();
    framing.state = TakeRecord(bytes, framing);
    // The last record is not whole.
    if (framing.state != ParsedHello::State::kNeedMore || bytes.size() == left) break;
  }
  if (framing.state == ParsedHello::State::kNeedMore && all >= kMaxClientHelloBytes)
    return BadFraming("the ClientHello is too long");
  return framing;
}

void SetAlpn(const SSL_CLIENT_HELLO& hello, ParsedHello& parsed) {
  const uint8_t* data = nullptr;
  size_t bytes = 0;
  if (SSL_early_callback_ctx_extension_get(
          &hello, TLSEXT_TYPE_application_layer_protocol_negotiation, &data, &bytes) != 1)
    return;
  CBS extension;
  CBS list;
  CBS_init(&extension, data, bytes);
  if (CBS_get_u16_length_prefixed(&extension, &list) != 1) return;
  CBS protocol;
  while (CBS_get_u8_length_prefixed(&list, &protocol) == 1)
    parsed.alpn.emplace_back(reinterpret_cast<const char*>(CBS_data(&protocol)),
                             CBS_len(&protocol));
}

// BoringSSL has read the ClientHello: takes what is wanted and stops it there.
ssl_select_cert_result_t OnClientHello(const SSL_CLIENT_HELLO* hello) {
  auto& parsed = *static_cast<ParsedHello*>(SSL_get_app_data(hello->ssl));
  parsed.state = ParsedHello::State::kHello;
  const char* const name = SSL_get_servername(hello->ssl, TLSEXT_NAMETYPE_host_name);
  if (name != nullptr) parsed.server_name = CanonicalServerName(name);
  SetAlpn(*hello, parsed);
  return ssl_select_cert_retry;
}

// Without certificate or key; kept for good.
SSL_CTX* ReadingContext() {
  static SSL_CTX* const context = [] {
    SSL_CTX* const made = SSL_CTX_new(TLS_method());
    LB_CHECK(made != nullptr);
    SSL_CTX_set_select_certificate_cb(made, OnClientHello);
    return made;
  }();
  return context;
}

// The alert that BoringSSL would have sent; 0: none.
int AlertOf(BIO* written) {
  constexpr size_t kAlertAt = kRecordHeaderBytes + 1;  // RFC 8446 section 6.
  const uint8_t* data = nullptr;
  size_t bytes = 0;
  if (BIO_mem_contents(written, &data, &bytes) != 1 || bytes <= kAlertAt) return 0;
  return data[kAlertAt];
}

// True for a well-formed ClientHello with other than one name, which BoringSSL refuses as
// malformed.
bool HasOtherThanOneName(std::string_view message) {
  CBS hello;
  CBS part;
  CBS_init(&hello, Data(message), message.size());
  constexpr size_t kVersionAndRandomBytes = 2 + 32;
  if (CBS_skip(&hello, kHandshakeHeaderBytes + kVersionAndRandomBytes) != 1 ||
      CBS_get_u8_length_prefixed(&hello, &part) != 1 ||   // Session id.
      CBS_get_u16_length_prefixed(&hello, &part) != 1 ||  // Cipher suites.
      CBS_get_u8_length_prefixed(&hello, &part) != 1 ||   // Compression methods.
      CBS_get_u16_length_prefixed(&hello, &part) != 1 || CBS_len(&hello) != 0)
    return false;
  size_t names = 1;
  while (CBS_len(&part) > 0) {
    uint16_t type = 0;
    CBS extension;
    if (CBS_get_u16(&part, &type) != 1 || CBS_get_u16_length_prefixed(&part, &extension) != 1)
      return false;
    CBS list;
    if (type != TLSEXT_TYPE_server_name) continue;
    if (CBS_get_u16_length_prefixed(&extension, &list) != 1 || CBS_len(&extension) != 0)
      return false;
    for (names = 0; CBS_len(&list) > 0; ++names) {
      CBS name;
      uint8_t name_type = 0;
      if (CBS_get_u8(&list, &name_type) != 1 || CBS_get_u16_length_prefixed(&list, &name) != 1)
        return false;
    }
  }
  return names != 1;
}

}  // namespace

ParsedHello ParseClientHello(std::string_view bytes) {
  const Framing framing = ReadRecords(bytes);
  if (framing.state == ParsedHello::State::kBad) return Bad(framing.why);
  if (framing.state == ParsedHello::State::kNeedMore) return {};
  ParsedHello parsed;
  const bssl::UniquePtr<SSL> ssl(SSL_new(ReadingContext()));
  BIO* const input = BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()));
  BIO* const output = BIO_new(BIO_s_mem());
  LB_CHECK(ssl != nullptr && input != nullptr && output != nullptr);
  SSL_set_bio(ssl.get(), input, output);
  SSL_set_app_data(ssl.get(), &parsed);
  SSL_set_accept_state(ssl.get());
  SSL_do_handshake(ssl.get());
  ERR_clear_error();
  if (parsed.state == ParsedHello::State::kHello) return parsed;
  // Whoever asks for what is no name asks for nobody: that is no reason to refuse it.
  const int alert = AlertOf(output);
  if (alert == SSL_AD_UNRECOGNIZED_NAME ||
      (alert == SSL_AD_DECODE_ERROR && HasOtherThanOneName(framing.message)))
    return {.state = ParsedHello::State::kHello};
  return Bad("the ClientHello is malformed");
}

std::string CanonicalServerName(std::string_view name) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  if (name.empty() || name.size() > kMaxServerNameBytes) return "";
  // Of a host name (RFC 1123 section 2.1); some have an underscore all the same.
  const auto known = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_';
  };
  if (!std::all_of(name.begin(), name.end(), known)) return "";
  std::string canonical(name);
  absl::AsciiStrToLower(&canonical);
  const bool may_be_ip = absl::ascii_isdigit(static_cast<unsigned char>(canonical.back()));
  return may_be_ip && Endpoint::FromIp(canonical, 0).ok() ? "" : canonical;
}

}  // namespace lb::dataplane::tls
