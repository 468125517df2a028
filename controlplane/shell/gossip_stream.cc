#include "controlplane/shell/gossip_stream.h"

#include <boost/asio/write.hpp>
#include <string_view>
#include <utility>

namespace lb::controlplane {

namespace asio = boost::asio;
using boost::system::error_code;
using swim::StreamSide;

GossipStream::GossipStream(asio::io_context& io, GossipSealPtr seal)
    : socket_(io), timer_(io), seal_(std::move(seal)) {}

void GossipStream::SetTimer(Duration timeout) {
  timer_.expires_after(timeout);
  timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (error) return;
    self->Finish(swim::WireError::kNone);
    self->Close();
  });
}

void GossipStream::Call(const asio::ip::tcp::endpoint& to, const swim::StreamMessage& message,
                        Duration timeout, Done done) {
  done_ = std::move(done);
  reader_.emplace(StreamSide::kResponder, seal_->label, seal_->ring);
  SetTimer(timeout);
  socket_.async_connect(to, [self = shared_from_this(), message](const error_code& error) {
    if (error) return self->Finish(swim::WireError::kNone);
    self->Write(message, StreamSide::kInitiator, [self](bool written) {
      if (!written) return self->Finish(swim::WireError::kNone);
      self->Read();
    });
  });
}

void GossipStream::Serve(Visit visit, Done done) {
  socket_ = std::move(visit.socket);
  guest_ = std::move(visit.guest);
  timeout_ = visit.timeout;
  done_ = std::move(done);
  reader_.emplace(StreamSide::kInitiator, seal_->label, seal_->ring);
  SetTimer(visit.first_timeout);
  Read();
}

void GossipStream::Reply(const std::optional<swim::StreamMessage>& message,
                         std::function<void()> closed) {
  closed_ = std::move(closed);
  if (!message) return Close();
  Write(*message, StreamSide::kResponder, [self = shared_from_this()](bool) {
    error_code ignored;
    self->socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    self->Close();
  });
}

void GossipStream::Write(const swim::StreamMessage& message, StreamSide side,
                         std::function<void(bool written)> then) {
  out_ = SealStream(message, side, seal_->label, seal_->ring, GossipSeal::NewNonce());
  asio::async_write(socket_, asio::buffer(out_),
                    [self = shared_from_this(), then = std::move(then)](const error_code& error,
                                                                        size_t) { then(!error); });
}

void GossipStream::Read() {
  socket_.async_read_some(asio::buffer(in_),
                          [self = shared_from_this()](const error_code& error, size_t bytes) {
                            if (error) return self->Finish(swim::WireError::kNone);
                            self->Take(bytes);
                          });
}

void GossipStream::Take(size_t bytes) {
  if (guest_ != nullptr && !guest_->Take(bytes)) return Finish(swim::WireError::kNone);
  if (const auto timeout = std::exchange(timeout_, std::nullopt)) SetTimer(*timeout);
  switch (reader_->Feed(std::string_view(in_.data(), bytes))) {
    case swim::StreamReader::Progress::kMore:
      return Read();
    case swim::StreamReader::Progress::kDone:
      return Finish(reader_->message());
    case swim::StreamReader::Progress::kFailed:
      return Finish(reader_->error());
  }
}

void GossipStream::Finish(const Result& result) {
  if (const Done done = std::exchange(done_, nullptr)) done(result);
}

void GossipStream::Close() {
  timer_.cancel();
  done_ = nullptr;
  error_code ignored;
  socket_.close(ignored);
  if (const auto closed = std::exchange(closed_, nullptr)) closed();
}

}  // namespace lb::controlplane
