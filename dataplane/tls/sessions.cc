#include "dataplane/tls/sessions.h"

#include <utility>

#include "base/check.h"

namespace lb::dataplane::tls {

void Sessions::Put(const std::string& peer, bssl::UniquePtr<SSL_SESSION> session, int64_t end_s) {
  const MutexLock lock(mutex_);
  by_age_.push_front({peer, std::move(session), end_s});
  std::list<List::iterator>& of_peer = by_peer_[peer];
  of_peer.push_front(by_age_.begin());
  if (of_peer.size() > kMaxPerPeer) Drop(of_peer.back());
  if (by_age_.size() > kMaxSessions) Drop(std::prev(by_age_.end()));
}

bssl::UniquePtr<SSL_SESSION> Sessions::Take(const std::string& peer, int64_t now_s) {
  const MutexLock lock(mutex_);
  for (;;) {
    const auto it = by_peer_.find(peer);
    if (it == by_peer_.end()) return nullptr;
    const List::iterator newest = it->second.front();
    if (newest->end_s <= now_s) {
      Drop(newest);
      continue;
    }
    if (SSL_SESSION_should_be_single_use(newest->session.get()) != 1)
      return bssl::UpRef(newest->session);
    bssl::UniquePtr<SSL_SESSION> session = std::move(newest->session);
    Drop(newest);
    return session;
  }
}

void Sessions::Drop(List::iterator kept) {
  const auto it = by_peer_.find(kept->peer);
  LB_CHECK(it != by_peer_.end());
  // It is the first or the last one of its peer: both ends of the lists go by age.
  if (it->second.front() == kept)
    it->second.pop_front();
  else
    it->second.pop_back();
  if (it->second.empty()) by_peer_.erase(it);
  by_age_.erase(kept);
}

}  // namespace lb::dataplane::tls
