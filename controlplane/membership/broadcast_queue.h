// What is still to be passed on to others, by gossip and on top of probes. Pure; threading: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace lb::controlplane::swim {

class BroadcastQueue final {
 public:
  // Adds the bytes of a message; what waited under the same key is dropped. Keys are members'
  // names, so that the queue is no longer than their table.
  void Add(const std::string& key, std::string message);

  // Takes what was sent least often first, then the longest, then the newest; as much as fits into
  // `bytes` and `parts`, with kPartOverhead for each. Each was sent once more by that; what was
  // sent `limit` times is dropped.
  std::vector<std::string> Take(size_t bytes, size_t parts, size_t limit);

  bool empty() const { return order_.empty(); }
  size_t size() const { return order_.size(); }
  bool Has(const std::string& key) const { return messages_.count(key) != 0; }

 private:
  struct Order {
    size_t sent = 0;
    size_t size = 0;
    uint64_t id = 0;
    friend bool operator<(const Order& a, const Order& b) {
      return std::tie(a.sent, b.size, b.id) < std::tie(b.sent, a.size, a.id);
    }
  };
  struct Waiting {
    Order order;
    std::string message;
  };

  std::map<std::string, Waiting> messages_;
  std::map<Order, std::string> order_;  // The keys.
  uint64_t next_id_ = 0;
};

}  // namespace lb::controlplane::swim
