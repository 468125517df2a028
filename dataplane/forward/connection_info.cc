// What a connection tells about itself: to a walk over all of them, and to the balancing.
#include "dataplane/balance/hashing.h"
#include "dataplane/forward/connection.h"
#include "dataplane/forward/socket_options.h"
#include "dataplane/forward/tls_ends.h"

namespace lb::dataplane {
namespace {

std::string TextOf(const SocketAddress& address) {
  const absl::StatusOr<Endpoint> endpoint = Endpoint::FromSocketAddress(address);
  return endpoint.ok() ? endpoint->ToString() : "";
}

// Whether a backend has the name that was asked for, or is an address of it.
bool IsOf(const std::string& name, const std::string& wanted) {
  if (name.compare(0, wanted.size(), wanted) != 0) return false;
  return name.size() == wanted.size() || name[wanted.size()] == '@';
}

}  // namespace

bool Connection::Matches(const ConnectionFilter& filter) const {
  if (filter.drain != 0 &&
      !(link_.open() && rule_->backend(link_.backend()).state->drain.load() == filter.drain))
    return false;
  if (!filter.rule.empty() && rule_->table().name != filter.rule) return false;
  if (!filter.backend.empty() &&
      !(link_.open() && IsOf(rule_->backend(link_.backend()).name, filter.backend)))
    return false;
  return !filter.client || filter.client->Contains(ClientAddress());
}

ConnectionInfo Connection::Describe() const {
  ConnectionInfo info;
  info.rule = rule_->table().name;
  if (link_.open()) {
    const BackendTable& backend = rule_->backend(link_.backend());
    info.backend = backend.name;
    info.backend_address = backend.endpoint.ToString();
  }
  info.client = TextOf(ClientAddress());
  info.listen = TextOf(OwnAddress(client_.fd.get()));
  info.age = context_.now - started_at_;
  info.idle = context_.now - moved_at_;
  info.received_bytes = received_bytes_;
  info.sent_bytes = sent_bytes_;
  if (header_ != nullptr) info.proxy_tlvs = header_->tlvs;
  if (tls_ != nullptr) info.tls = TlsFacts();
  return info;
}

uint64_t Connection::ClientHash() const { return HashOfClient(ClientAddress()); }

void Connection::Kill(CloseReason reason) {
  if (reason == CloseReason::kDrain && link_.open())
    rule_->backend(link_.backend()).state->drain_closed.fetch_add(1);
  Close(reason);
}

}  // namespace lb::dataplane
