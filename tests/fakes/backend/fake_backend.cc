#include "tests/fakes/backend/fake_backend.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace lb::fakes {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct FakeBackend::Peer {
  explicit Peer(tcp::socket accepted) : socket(std::move(accepted)), timer(socket.get_executor()) {}
  tcp::socket socket;
  asio::steady_timer timer;
  std::array<char, 4096> buffer{};
};

FakeBackend::FakeBackend(asio::io_context& io, Manner manner, std::string text)
    : manner_(manner),
      text_(std::move(text)),
      filler_(16 * 1024, 'x'),
      acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
  Accept();
}

FakeBackend::~FakeBackend() {
  error_code ignored;
  acceptor_.close(ignored);
  for (const auto& peer : open_) {
    peer->timer.cancel();
    peer->socket.close(ignored);
  }
}

Endpoint FakeBackend::endpoint() const {
  return Endpoint::FromIp("127.0.0.1", acceptor_.local_endpoint().port()).value();
}

void FakeBackend::Accept() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error) {
      ++accepted_;
      auto peer = std::make_shared<Peer>(std::move(socket));
      open_.insert(peer);
      Serve(peer);
    }
    Accept();
  });
}

void FakeBackend::Serve(const std::shared_ptr<Peer>& peer) {
  peer->socket.async_read_some(asio::buffer(peer->buffer),
                               [this, peer](const error_code& error, size_t bytes) {
                                 if (error == asio::error::operation_aborted) return;
                                 if (error) return End(peer);
                                 if (request_.empty()) request_.assign(peer->buffer.data(), bytes);
                                 if (manner_ == Manner::kHang) return Serve(peer);
                                 if (manner_ == Manner::kDrip) return SendByte(peer, 0);
                                 SendAll(peer);
                               });
}

void FakeBackend::SendAll(const std::shared_ptr<Peer>& peer) {
  asio::async_write(peer->socket, asio::buffer(text_),
                    [this, peer](const error_code& error, size_t) {
                      if (error == asio::error::operation_aborted) return;
                      if (error || manner_ != Manner::kEndless) return End(peer);
                      SendForEver(peer);
                    });
}

void FakeBackend::SendByte(const std::shared_ptr<Peer>& peer, size_t at) {
  asio::async_write(peer->socket, asio::buffer(text_.data() + at, 1),
                    [this, peer, at](const error_code& error, size_t) {
                      if (error == asio::error::operation_aborted) return;
                      if (error || at + 1 == text_.size()) return End(peer);
                      peer->timer.expires_after(kDripPause);
                      peer->timer.async_wait([this, peer, at](const error_code& cancelled) {
                        if (!cancelled) SendByte(peer, at + 1);
                      });
                    });
}

void FakeBackend::SendForEver(const std::shared_ptr<Peer>& peer) {
  asio::async_write(peer->socket, asio::buffer(filler_),
                    [this, peer](const error_code& error, size_t) {
                      if (error == asio::error::operation_aborted) return;
                      if (error) return End(peer);
                      SendForEver(peer);
                    });
}

void FakeBackend::End(const std::shared_ptr<Peer>& peer) {
  error_code ignored;
  peer->socket.close(ignored);
  open_.erase(peer);
}

}  // namespace lb::fakes
