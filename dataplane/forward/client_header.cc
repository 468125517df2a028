// How a connection learns from a PROXY header who its client is, and tells its backend by one.
#include <cstring>
#include <utility>

#include "dataplane/forward/client_screen.h"
#include "dataplane/forward/connection.h"
#include "dataplane/forward/socket_options.h"
#include "dataplane/proxy/write.h"

namespace lb::dataplane {

void Connection::ReadHeader() {
  proxy::Parsed parsed = ReceiveHeader(client_, context_.tools.scratch.get());
  if (parsed.state == proxy::Parsed::State::kNeedMore) return;
  if (parsed.state == proxy::Parsed::State::kBad) return Refuse(RefuseReason::kProxyHeader);
  if (parsed.header.has_addresses || !parsed.header.tlvs.empty())
    header_ = std::make_unique<const proxy::Header>(std::move(parsed.header));
  const RuleTable& table = rule_->table();
  const SocketAddress client = ClientAddress();
  if (!MayConnect(table, client)) return Refuse(RefuseReason::kDenied);
  if (LimitsClients(table)) {
    const auto refusal = LimitClient(*rule_, client, context_.now, client_hold_);
    if (refusal.has_value()) return Refuse(*refusal);
  }
  context_.timers.Cancel(*this);
  state_ = State::kConnecting;
  Secure();
}

SocketAddress Connection::ClientAddress() const {
  if (header_ != nullptr && header_->has_addresses) return header_->source.ToSocketAddress();
  return PeerAddress(client_.fd.get());
}

std::optional<std::string> Connection::HeaderForBackend() const {
  const RuleTable& table = rule_->table();
  const proxy::Version version = table.proxy == nullptr ? proxy::Version::kNone : table.proxy->send;
  if (version == proxy::Version::kNone) return "";
  if (header_ != nullptr && header_->has_addresses)
    return proxy::WriteHeader(version, header_->source, header_->destination);
  const SocketAddress client = PeerAddress(client_.fd.get());
  const SocketAddress own = OwnAddress(client_.fd.get());
  if (client.length == 0 || own.length == 0) return std::nullopt;
  return proxy::WriteHeader(version, proxy::Address::From(client), proxy::Address::From(own));
}

// Puts the header in front of all that goes to the backend; false when the client is gone.
bool Connection::QueueHeader() {
  const std::optional<std::string> header = HeaderForBackend();
  if (!header.has_value()) return false;
  if (header->empty()) return true;
  const size_t bytes = header->size() + up_.kept_bytes;
  std::unique_ptr<char[]> longer(new char[bytes]);
  std::memcpy(longer.get(), header->data(), header->size());
  if (up_.kept_bytes > 0)
    std::memcpy(longer.get() + header->size(), up_.kept.get() + up_.kept_offset, up_.kept_bytes);
  up_.kept = std::move(longer);
  up_.kept_offset = 0;
  up_.kept_bytes = static_cast<uint32_t>(bytes);
  return true;
}

}  // namespace lb::dataplane
