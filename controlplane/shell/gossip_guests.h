// What connections of others may hold at once while nobody knows whether they are members: the
// bytes of a sealed message are kept before its key can be tried. Threading: one thread.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace lb::controlplane {

class GossipGuests final : public std::enable_shared_from_this<GossipGuests> {
 public:
  // Bytes that came and are held, of all connections and of those of one address; the longest
  // message (swim::kMaxStream) has room in both.
  static constexpr size_t kMaxBytes = 64u << 20;
  static constexpr size_t kMaxBytesOfOne = 16u << 20;
  // Connections of one address; of IPv6 of one /64, all of which one host may have.
  static constexpr size_t kMaxStreamsOfOne = 16;

  // One connection, until it is destroyed.
  class Guest final {
   public:
    Guest(std::shared_ptr<GossipGuests> all, std::string place);
    ~Guest();
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

    // It holds so many bytes more; false: there is no room for them.
    bool Take(size_t bytes);

   private:
    const std::shared_ptr<GossipGuests> all_;
    const std::string place_;
    size_t bytes_ = 0;
  };

  // Null: there are too many of that address.
  std::unique_ptr<Guest> Admit(const boost::asio::ip::address& from);

  size_t bytes() const { return bytes_; }
  // Connections there was no room for, and those whose bytes there was none for.
  uint64_t refused() const { return refused_; }

 private:
  struct Place {
    size_t streams = 0;
    size_t bytes = 0;
  };

  std::map<std::string, Place> places_;  // By PlaceOf; those with a connection.
  size_t bytes_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace lb::controlplane
