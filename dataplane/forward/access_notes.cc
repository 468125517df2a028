#include "dataplane/forward/access_notes.h"

#include <sys/socket.h>

#include <utility>

#include "dataplane/forward/connection.h"
#include "dataplane/forward/socket_options.h"
#include "dataplane/forward/tls_ends.h"

namespace lb::dataplane {

std::optional<proxy::Address> AddressForLog(const SocketAddress& address) {
  if (address.length == 0 || (address.family() != AF_INET && address.family() != AF_INET6))
    return std::nullopt;
  return proxy::Address::From(address);
}

std::unique_ptr<AccessNotes> AccessNotes::Begin(int client_fd) {
  auto notes = std::make_unique<AccessNotes>();
  notes->peer = AddressForLog(PeerAddress(client_fd));
  notes->listen = AddressForLog(OwnAddress(client_fd));
  return notes;
}

void AccessNotes::EnterQueue(Instant now) {
  if (!queued_at) queued_at = now;
}

void AccessNotes::LeaveQueue(Instant now) {
  if (!queued_at) return;
  queued = queued.value_or(Duration::zero()) + (now - *queued_at);
  queued_at.reset();
}

void AccessNotes::Connected(int backend_fd, Instant now) {
  connected_at = now;
  source = AddressForLog(OwnAddress(backend_fd));
}

AccessRecord RefusedAtOnce(const ThreadRule& rule, int fd, RefuseReason reason, Instant now) {
  AccessRecord record;
  record.rule = rule.shared_table();
  record.reason = ToString(reason);
  record.began_at = now;
  record.peer = AddressForLog(PeerAddress(fd));
  record.client = record.peer;
  record.listen = AddressForLog(OwnAddress(fd));
  return record;
}

AccessRecord::Phase Connection::ReachedPhase() const {
  switch (state_) {
    case State::kReadingHeader:
      return AccessRecord::Phase::kHeader;
    case State::kHandshaking:
      return AccessRecord::Phase::kHandshake;
    case State::kReadingHello:
      return AccessRecord::Phase::kHello;
    case State::kConnecting:
      return AccessRecord::Phase::kConnect;
    case State::kWaiting:
      return AccessRecord::Phase::kQueue;
    case State::kRelaying:
    case State::kClosed:
      break;
  }
  return HalfClosed() ? AccessRecord::Phase::kLast : AccessRecord::Phase::kData;
}

void Connection::LogEnd(const char* reason) {
  // The log was switched on later.
  if (notes_ == nullptr) notes_ = AccessNotes::Begin(client_.fd.get());
  notes_->LeaveQueue(context_.now);
  AccessRecord record;
  record.rule = rule_->shared_table();
  if (link_.tried().count() > 0) record.backend = static_cast<uint32_t>(link_.backend());
  record.reason = reason;
  record.phase = ReachedPhase();
  record.attempts = link_.tried().count();
  record.began_at = started_at_;
  record.duration = context_.now - started_at_;
  record.queued = notes_->queued;
  if (notes_->connected_at) record.connected_after = *notes_->connected_at - started_at_;
  if (notes_->first_byte_at) record.first_byte_after = *notes_->first_byte_at - started_at_;
  record.received_bytes = received_bytes_;
  record.sent_bytes = sent_bytes_;
  record.peer = notes_->peer;
  const bool told = header_ != nullptr && header_->has_addresses;
  record.client = told ? header_->source : notes_->peer;
  record.listen = notes_->listen;
  record.source = notes_->source;
  if (tls_ != nullptr) record.tls = std::make_shared<const tls::Facts>(TlsFacts());
  context_.access_ring.Push(std::move(record));
}

}  // namespace lb::dataplane
