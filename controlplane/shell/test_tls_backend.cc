#include "controlplane/shell/test_tls_backend.h"

#include <array>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace lb::controlplane {

namespace asio = boost::asio;
using boost::system::error_code;

struct TestTlsBackend::Peer {
  Peer(asio::ip::tcp::socket socket, SSL* ssl) : stream(std::move(socket), ssl) {}

  asio::ssl::stream<asio::ip::tcp::socket> stream;  // Owns `ssl`.
  std::array<char, 4096> buffer{};
};

TestTlsBackend::TestTlsBackend(asio::io_context& io, bssl::UniquePtr<SSL_CTX> context,
                               std::string reply, size_t bytes_before_tls)
    : context_(std::move(context)),
      reply_(std::move(reply)),
      bytes_before_tls_(bytes_before_tls),
      acceptor_(io, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
  SSL_CTX_set_alpn_select_cb(context_.get(), NoteAlpn, this);
  Accept();
}

Endpoint TestTlsBackend::endpoint() const {
  return Endpoint::FromIp("127.0.0.1", acceptor_.local_endpoint().port()).value();
}

void TestTlsBackend::Accept() {
  acceptor_.async_accept([this](const error_code& error, asio::ip::tcp::socket socket) {
    if (error) return;
    seen_ = {};
    Serve(std::make_shared<Peer>(std::move(socket), SSL_new(context_.get())));
    Accept();
  });
}

void TestTlsBackend::Serve(const std::shared_ptr<Peer>& peer) {
  if (bytes_before_tls_ == 0) return Handshake(peer);
  asio::async_read(peer->stream.next_layer(), asio::buffer(peer->buffer, bytes_before_tls_),
                   [this, peer](const error_code& error, size_t bytes) {
                     seen_.before_tls.assign(peer->buffer.data(), bytes);
                     if (!error) Handshake(peer);
                   });
}

void TestTlsBackend::Handshake(const std::shared_ptr<Peer>& peer) {
  peer->stream.async_handshake(
      asio::ssl::stream_base::server, [this, peer](const error_code& error) {
        SSL* const ssl = peer->stream.native_handle();
        const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        seen_.server_name = name == nullptr ? "" : name;
        seen_.handshake_done = !error;
        if (!error) Answer(peer);
      });
}

void TestTlsBackend::Answer(const std::shared_ptr<Peer>& peer) {
  peer->stream.async_read_some(
      asio::buffer(peer->buffer), [this, peer](const error_code& error, size_t bytes) {
        seen_.request.assign(peer->buffer.data(), bytes);
        seen_.closed_properly = error == asio::error::eof;
        if (error) return peer->stream.async_shutdown([peer](const error_code&) {});
        if (reply_.empty()) return Answer(peer);
        asio::async_write(peer->stream, asio::buffer(reply_), [peer](const error_code&, size_t) {
          peer->stream.async_shutdown([peer](const error_code&) {});
        });
      });
}

int TestTlsBackend::NoteAlpn(SSL*, const uint8_t** out, uint8_t* out_bytes, const uint8_t* in,
                             unsigned in_bytes, void* self) {
  static_cast<TestTlsBackend*>(self)->seen_.alpn.assign(reinterpret_cast<const char*>(in),
                                                        in_bytes);
  *out = in + 1;  // The first one offered.
  *out_bytes = in[0];
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace lb::controlplane
