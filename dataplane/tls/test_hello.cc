#include "dataplane/tls/test_hello.h"

#include <openssl/bytestring.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstdint>

#include "base/check.h"

namespace lb::dataplane::tls {
namespace {

constexpr size_t kRecordHeaderBytes = 5;

void AddText(CBB& to, std::string_view text) {
  LB_CHECK(CBB_add_bytes(&to, reinterpret_cast<const uint8_t*>(text.data()), text.size()) == 1);
}

std::string Bytes(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

void AddServerNames(CBB& extensions, const std::vector<NameEntry>& names) {
  CBB extension;
  CBB list;
  LB_CHECK(CBB_add_u16(&extensions, TLSEXT_TYPE_server_name) == 1 &&
           CBB_add_u16_length_prefixed(&extensions, &extension) == 1 &&
           CBB_add_u16_length_prefixed(&extension, &list) == 1);
  for (const NameEntry& entry : names) {
    CBB name;
    LB_CHECK(CBB_add_u8(&list, static_cast<uint8_t>(entry.type)) == 1 &&
             CBB_add_u16_length_prefixed(&list, &name) == 1);
    AddText(name, entry.name);
    LB_CHECK(CBB_flush(&list) == 1);
  }
  LB_CHECK(CBB_flush(&extensions) == 1);
}

void AddPadding(CBB& extensions, size_t bytes) {
  CBB extension;
  LB_CHECK(CBB_add_u16(&extensions, TLSEXT_TYPE_padding) == 1 &&
           CBB_add_u16_length_prefixed(&extensions, &extension) == 1);
  AddText(extension, std::string(bytes, '\0'));
  LB_CHECK(CBB_flush(&extensions) == 1);
}

}  // namespace

std::string ClientHelloFor(const std::string& server_name, const std::vector<std::string>& alpn) {
  const bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  const bssl::UniquePtr<SSL> ssl(SSL_new(context.get()));
  if (!server_name.empty()) LB_CHECK(SSL_set_tlsext_host_name(ssl.get(), server_name.c_str()) == 1);
  std::string protocols;
  for (const std::string& protocol : alpn)
    protocols += static_cast<char>(protocol.size()) + protocol;
  LB_CHECK(SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const uint8_t*>(protocols.data()),
                               static_cast<unsigned>(protocols.size())) == 0);
  BIO* const output = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), output);
  SSL_set_connect_state(ssl.get());
  SSL_do_handshake(ssl.get());
  const uint8_t* data = nullptr;
  size_t bytes = 0;
  LB_CHECK(BIO_mem_contents(output, &data, &bytes) == 1 && bytes > kRecordHeaderBytes);
  return Bytes(data, bytes);
}

std::string ClientHelloWith(const std::vector<NameEntry>& names, size_t padding) {
  bssl::ScopedCBB message;
  CBB* const out = message.get();
  CBB body;
  CBB part;
  LB_CHECK(CBB_init(out, 1024) == 1 && CBB_add_u8(out, SSL3_MT_CLIENT_HELLO) == 1 &&
           CBB_add_u24_length_prefixed(out, &body) == 1 && CBB_add_u16(&body, TLS1_2_VERSION) == 1);
  AddText(body, std::string(SSL3_RANDOM_SIZE, 'r'));
  LB_CHECK(CBB_add_u8_length_prefixed(&body, &part) == 1 &&  // Session id.
           CBB_add_u16_length_prefixed(&body, &part) == 1 &&
           CBB_add_u16(&part, TLS1_CK_ECDHE_RSA_WITH_AES_128_GCM_SHA256 & 0xffff) == 1 &&
           CBB_add_u8_length_prefixed(&body, &part) == 1 && CBB_add_u8(&part, 0) == 1 &&
           CBB_add_u16_length_prefixed(&body, &part) == 1);
  AddServerNames(part, names);
  AddPadding(part, padding);
  uint8_t* data = nullptr;
  size_t bytes = 0;
  LB_CHECK(CBB_finish(out, &data, &bytes) == 1);
  const bssl::UniquePtr<uint8_t> owned(data);
  const std::string header(kRecordHeaderBytes, '\0');
  return InRecordsOf(SSL3_RT_MAX_PLAIN_LENGTH, header + Bytes(data, bytes));
}

std::string InRecordsOf(size_t bytes, std::string_view client_hello) {
  client_hello.remove_prefix(kRecordHeaderBytes);
  std::string records;
  while (!client_hello.empty()) {
    const std::string_view piece = client_hello.substr(0, bytes);
    records += {SSL3_RT_HANDSHAKE, 3, 1, static_cast<char>(piece.size() >> 8),
                static_cast<char>(piece.size() & 0xff)};
    records += piece;
    client_hello.remove_prefix(piece.size());
  }
  return records;
}

}  // namespace lb::dataplane::tls
