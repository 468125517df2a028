#include "controlplane/membership/broadcast_queue.h"

#include <utility>

#include "base/check.h"
#include "controlplane/membership/options.h"

namespace lb::controlplane::swim {
namespace {

// No message is shorter; where less is left, no more are looked at.
constexpr size_t kShortest = 16;

}  // namespace

void BroadcastQueue::Add(const std::string& key, std::string message) {
  LB_CHECK(!message.empty());
  Waiting& waiting = messages_[key];
  if (!waiting.message.empty()) order_.erase(waiting.order);
  waiting.order = {0, message.size(), next_id_++};
  waiting.message = std::move(message);
  order_.emplace(waiting.order, key);
}

std::vector<std::string> BroadcastQueue::Take(size_t bytes, size_t parts, size_t limit) {
  std::vector<std::string> taken;
  std::vector<std::pair<Order, std::string>> again;
  for (auto it = order_.begin(); it != order_.end() && taken.size() < parts;) {
    if (bytes < kShortest + kPartOverhead) break;
    if (it->first.size + kPartOverhead > bytes) {
      // The next of those sent as often that fits, or the first of those sent more often.
      it = order_.lower_bound({it->first.sent, bytes - kPartOverhead, UINT64_MAX});
      continue;
    }
    bytes -= it->first.size + kPartOverhead;
    Waiting& waiting = messages_.at(it->second);
    ++waiting.order.sent;
    if (waiting.order.sent >= limit) {
      taken.push_back(std::move(waiting.message));
      messages_.erase(it->second);
    } else {
      taken.push_back(waiting.message);
      again.emplace_back(waiting.order, std::move(it->second));
    }
    it = order_.erase(it);
  }
  for (std::pair<Order, std::string>& one : again) order_.insert(std::move(one));
  return taken;
}

}  // namespace lb::controlplane::swim
