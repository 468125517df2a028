#include "controlplane/shell/test_tls_backend.h"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace lb::controlplane {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

class TestTlsBackend::State final : public std::enable_shared_from_this<State> {
 public:
  State(asio::io_context& io, bssl::UniquePtr<SSL_CTX> context, std::string reply,
        size_t bytes_before_tls)
      : context_(std::move(context)),
        reply_(std::move(reply)),
        bytes_before_tls_(bytes_before_tls),
        acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    SSL_CTX_set_alpn_select_cb(context_.get(), NoteAlpn, this);
  }

  void Accept() {
    acceptor_.async_accept(
        [self = shared_from_this()](const error_code& error, tcp::socket socket) {
          if (error) return;
          self->seen_ = {};
          self->Serve(std::make_shared<Peer>(std::move(socket), SSL_new(self->context_.get())));
          self->Accept();
        });
  }

  void Stop() { acceptor_.close(); }
  uint16_t port() const { return acceptor_.local_endpoint().port(); }
  const Seen& seen() const { return seen_; }

 private:
  struct Peer {
    Peer(tcp::socket socket, SSL* ssl) : stream(std::move(socket), ssl) {}

    asio::ssl::stream<tcp::socket> stream;  // Owns `ssl`.
    std::array<char, 4096> buffer{};
  };
  using PeerPtr = std::shared_ptr<Peer>;

  void Serve(const PeerPtr& peer) {
    if (bytes_before_tls_ == 0) return Handshake(peer);
    asio::async_read(peer->stream.next_layer(), asio::buffer(peer->buffer, bytes_before_tls_),
                     [self = shared_from_this(), peer](const error_code& error, size_t bytes) {
                       self->seen_.before_tls.assign(peer->buffer.data(), bytes);
                       if (!error) self->Handshake(peer);
                     });
  }

  void Handshake(const PeerPtr& peer) {
    peer->stream.async_handshake(
        asio::ssl::stream_base::server, [self = shared_from_this(), peer](const error_code& error) {
          SSL* const ssl = peer->stream.native_handle();
          const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
          self->seen_.server_name = name == nullptr ? "" : name;
          self->seen_.handshake_done = !error;
          if (!error) self->Answer(peer);
        });
  }

  void Answer(const PeerPtr& peer) {
    peer->stream.async_read_some(
        asio::buffer(peer->buffer),
        [self = shared_from_this(), peer](const error_code& error, size_t bytes) {
          self->seen_.request.assign(peer->buffer.data(), bytes);
          self->seen_.closed_properly = error == asio::error::eof;
          if (error) return peer->stream.async_shutdown([peer](const error_code&) {});
          if (self->reply_.empty()) return self->Answer(peer);
          asio::async_write(peer->stream, asio::buffer(self->reply_),
                            [self, peer](const error_code&, size_t) {
                              peer->stream.async_shutdown([peer](const error_code&) {});
                            });
        });
  }

  static int NoteAlpn(SSL*, const uint8_t** out, uint8_t* out_bytes, const uint8_t* in,
                      unsigned in_bytes, void* self) {
    static_cast<State*>(self)->seen_.alpn.assign(reinterpret_cast<const char*>(in), in_bytes);
    *out = in + 1;  // The first one offered.
    *out_bytes = in[0];
    return SSL_TLSEXT_ERR_OK;
  }

  const bssl::UniquePtr<SSL_CTX> context_;
  const std::string reply_;
  const size_t bytes_before_tls_;
  tcp::acceptor acceptor_;
  Seen seen_;
};

TestTlsBackend::TestTlsBackend(asio::io_context& io, bssl::UniquePtr<SSL_CTX> context,
                               std::string reply, size_t bytes_before_tls)
    : state_(std::make_shared<State>(io, std::move(context), std::move(reply), bytes_before_tls)) {
  state_->Accept();
}

TestTlsBackend::~TestTlsBackend() { state_->Stop(); }

Endpoint TestTlsBackend::endpoint() const {
  return Endpoint::FromIp("127.0.0.1", state_->port()).value();
}

const TestTlsBackend::Seen& TestTlsBackend::seen() const { return state_->seen(); }

}  // namespace lb::controlplane
