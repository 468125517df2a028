#include "controlplane/shell/gossip_guests.h"

#include <utility>

namespace lb::controlplane {
namespace {

constexpr size_t kPrefixBytes = 8;  // A /64.

std::string PlaceOf(const boost::asio::ip::address& address) {
  namespace ip = boost::asio::ip;
  if (address.is_v4()) return address.to_string();
  const ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, v6).to_string();
  const auto bytes = v6.to_bytes();
  return std::string(bytes.begin(), bytes.begin() + kPrefixBytes);
}

}  // namespace

GossipGuests::Guest::Guest(std::shared_ptr<GossipGuests> all, std::string place)
    : all_(std::move(all)), place_(std::move(place)) {
  ++all_->places_[place_].streams;
}

GossipGuests::Guest::~Guest() {
  const auto at = all_->places_.find(place_);
  all_->bytes_ -= bytes_;
  at->second.bytes -= bytes_;
  if (--at->second.streams == 0) all_->places_.erase(at);
}

bool GossipGuests::Guest::Take(size_t bytes) {
  Place& place = all_->places_.at(place_);
  if (all_->bytes_ + bytes > kMaxBytes || place.bytes + bytes > kMaxBytesOfOne) {
    ++all_->refused_;
    return false;
  }
  all_->bytes_ += bytes;
  place.bytes += bytes;
  bytes_ += bytes;
  return true;
}

std::unique_ptr<GossipGuests::Guest> GossipGuests::Admit(const boost::asio::ip::address& from) {
  std::string place = PlaceOf(from);
  const auto at = places_.find(place);
  if (at != places_.end() && at->second.streams >= kMaxStreamsOfOne) {
    ++refused_;
    return nullptr;
  }
  return std::make_unique<Guest>(shared_from_this(), std::move(place));
}

}  // namespace lb::controlplane
