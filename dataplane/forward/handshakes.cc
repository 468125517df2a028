#include "dataplane/forward/handshakes.h"

#include "dataplane/forward/connection.h"

namespace lb::dataplane {

Connection* Handshakes::Overdue() const {
  return clients_.size() > max_clients_ ? clients_.front()->owner_ : nullptr;
}

void Handshakes::RunNext() {
  List& list = due_backends_.empty() ? due_clients_ : due_backends_;
  Handshake& next = *list.front();
  list.pop_front();
  next.due_ = false;
  next.owner_->OnHandshakeTurn();  // May destroy it.
}

Handshake::Handshake(Handshakes& all, Connection* owner, Peer peer)
    : all_(all), owner_(owner), peer_(peer) {
  if (peer_ == Peer::kClient) place_ = all_.clients_.insert(all_.clients_.end(), this);
}

Handshake::~Handshake() {
  if (peer_ == Peer::kClient) all_.clients_.erase(place_);
  if (due_) DueList().erase(due_place_);
}

void Handshake::Due() {
  if (due_) return;
  due_ = true;
  due_place_ = DueList().insert(DueList().end(), this);
}

}  // namespace lb::dataplane
