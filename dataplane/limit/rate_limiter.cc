#include "dataplane/limit/rate_limiter.h"

#include <algorithm>

#include "base/check.h"

namespace lb::dataplane {
namespace {

constexpr double kSecondNs = 1e9;

// Arrivals in two seconds below which a client is not reported, whatever the limit: one that
// connects once says nothing.
constexpr uint32_t kMinArrivals = 3;

// A client without an arrival for so long is not busy any more.
constexpr Duration kForgetAfter = std::chrono::seconds(15);

uint64_t Nanoseconds(Instant now) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<Duration>(now.time_since_epoch()).count());
}

BucketShape ShapeOf(const HotClients::Client& hot) {
  return {hot.interval_ns.load(std::memory_order_relaxed),
          hot.burst.load(std::memory_order_relaxed)};
}

BucketShape Shape(double rate_per_s, double burst) {
  return {kSecondNs / rate_per_s, std::max(1.0, burst)};
}

}  // namespace

RateLimiter::RateLimiter(const Settings& settings, const Shares& shares, const SipKey& key)
    : prefix_lengths_(settings.prefix_lengths),
      settings_(settings),
      shares_(shares),
      table_(settings.max_clients, key) {
  SetQuiet(QuietOf(settings, shares), Instant());
}

BucketShape RateLimiter::QuietOf(const Settings& settings, const Shares& shares) const {
  return Shape(settings.rate_per_s * shares.quiet_ratio, settings.burst * shares.quiet_ratio);
}

BucketShape RateLimiter::Quiet() const {
  return {quiet_interval_ns_.load(std::memory_order_relaxed),
          quiet_burst_.load(std::memory_order_relaxed)};
}

bool RateLimiter::Admit(ClientPrefix client, Instant now) {
  const uint64_t now_ns = Nanoseconds(now);
  ClientTable::Entry& entry = table_.FindOrTake(client, now_ns);
  HotClients::Client* hot = hot_.Find(client);
  const bool admitted = ClientTable::Take(entry, hot != nullptr ? ShapeOf(*hot) : Quiet(), now_ns);
  entry.arrivals.Add(now_ns);
  if (!admitted) entry.refused.Add(now_ns);
  if (hot != nullptr) {
    hot->arrivals.fetch_add(1, std::memory_order_relaxed);
    if (admitted) hot->admitted.fetch_add(1, std::memory_order_relaxed);
  } else if (report_per_s_.load(std::memory_order_relaxed) > 0) {
    Consider(client, entry, now_ns);
  }
  return admitted;
}

// Whether this client, of all workers together, may pass the limit: then this one sees more than
// its part of it.
void RateLimiter::Consider(ClientPrefix client, const ClientTable::Entry& entry, uint64_t now_ns) {
  if (entry.arrivals.Recent(now_ns) < kMinArrivals) return;
  const double missing = ClientTable::Missing(entry, Quiet(), now_ns);
  const bool busy = entry.arrivals.Rate(now_ns) > report_per_s_.load(std::memory_order_relaxed);
  if (!busy && missing < Quiet().burst / 2) return;
  hot_.Add(client, Quiet(), static_cast<uint64_t>(missing + 0.5));
}

void RateLimiter::SetQuiet(const BucketShape& shape, Instant now) {
  const BucketShape before = Quiet();
  report_per_s_.store(settings_.rate_per_s * shares_.report_ratio, std::memory_order_relaxed);
  quiet_interval_ns_.store(shape.interval_ns, std::memory_order_relaxed);
  quiet_burst_.store(shape.burst, std::memory_order_relaxed);
  if (now == Instant()) return;
  const uint64_t now_ns = Nanoseconds(now);
  table_.ForEach([&](ClientPrefix client, ClientTable::Entry& entry) {
    if (entry.full_at.load(std::memory_order_relaxed) <= now_ns) return;
    if (hot_.Find(client) == nullptr) ClientTable::Reshape(entry, before, shape, false, now_ns);
  });
  hot_.ForEach([&](ClientPrefix client, HotClients::Client& hot) {
    if (hot.expires_ns == 0) GiveShape(hot, client, shape, false, now_ns);
  });
}

void RateLimiter::SetLimit(const Settings& settings, Instant now) {
  LB_CHECK(settings.prefix_lengths == settings_.prefix_lengths);
  LB_CHECK(settings.max_clients == settings_.max_clients);
  if (settings == settings_) return;
  settings_ = settings;
  SetQuiet(QuietOf(settings_, shares_), now);
}

void RateLimiter::SetShares(const Shares& shares, Instant now) {
  if (shares == shares_) return;
  shares_ = shares;
  SetQuiet(QuietOf(settings_, shares_), now);
}

void RateLimiter::GiveShape(HotClients::Client& hot, ClientPrefix client, const BucketShape& shape,
                            bool fill_growth, uint64_t now_ns) {
  const BucketShape before = ShapeOf(hot);
  hot.burst.store(shape.burst, std::memory_order_relaxed);
  hot.interval_ns.store(shape.interval_ns, std::memory_order_release);
  ClientTable::Entry& entry = table_.FindOrTake(client, now_ns);
  ClientTable::Reshape(entry, before, shape, fill_growth, now_ns);
}

std::vector<RateLimiter::Usage> RateLimiter::TakeUsage(bool all, Instant now) {
  std::vector<Usage> usage;
  hot_.ForEach([&](ClientPrefix client, HotClients::Client& hot) {
    if (all && hot.told) {
      const uint64_t taken = Taken(client, ShapeOf(hot), Nanoseconds(now));
      hot.arrivals.store(taken, std::memory_order_relaxed);
      hot.admitted.store(taken, std::memory_order_relaxed);
    }
    const uint64_t arrivals = hot.arrivals.load(std::memory_order_relaxed);
    if (!all && hot.told && arrivals == hot.told_arrivals) return;
    if (arrivals != hot.told_arrivals || hot.moved_ns == 0) hot.moved_ns = Nanoseconds(now);
    hot.told = true;
    hot.told_arrivals = arrivals;
    usage.push_back({client, arrivals, hot.admitted.load(std::memory_order_relaxed)});
  });
  return usage;
}

// What it was admitted of late, as far as its bucket shows.
uint64_t RateLimiter::Taken(ClientPrefix client, const BucketShape& shape, uint64_t now_ns) {
  const ClientTable::Entry* entry = table_.Find(client);
  if (entry == nullptr) return 0;
  return static_cast<uint64_t>(ClientTable::Missing(*entry, shape, now_ns) + 0.5);
}

void RateLimiter::SetBudget(const Budget& budget, Instant now) {
  const uint64_t now_ns = Nanoseconds(now);
  HotClients::Client* hot = hot_.Find(budget.client);
  if (hot == nullptr) hot = hot_.Add(budget.client, Quiet(), Taken(budget.client, Quiet(), now_ns));
  if (hot == nullptr) return;  // No room: it goes on with the quiet one's part, which is less.
  if (hot->moved_ns == 0) hot->moved_ns = now_ns;
  hot->expires_ns = now_ns + static_cast<uint64_t>(budget.ttl.count());
  GiveShape(*hot, budget.client, Shape(budget.rate_per_s, budget.burst), budget.fill_growth,
            now_ns);
}

void RateLimiter::Step(Instant now) {
  const uint64_t now_ns = Nanoseconds(now);
  hot_.ForEach([&](ClientPrefix client, HotClients::Client& hot) {
    if (hot.expires_ns != 0 && hot.expires_ns <= now_ns) {
      hot.expires_ns = 0;
      ++expired_budgets_;
      GiveShape(hot, client, Quiet(), false, now_ns);
    }
    const auto quiet_ns = static_cast<uint64_t>(kForgetAfter.count());
    if (hot.moved_ns == 0) hot.moved_ns = now_ns;
    if (hot.expires_ns == 0 && now_ns - hot.moved_ns > quiet_ns) hot_.Drop(hot);
  });
}

RateLimiter::ClientView RateLimiter::ViewOf(ClientPrefix client, const ClientTable::Entry* entry,
                                            uint64_t now_ns) {
  const HotClients::Client* hot = hot_.Find(client);
  const BucketShape shape = hot != nullptr ? ShapeOf(*hot) : Quiet();
  ClientView view{
      .client = client, .burst = shape.burst, .rate_per_s = kSecondNs / shape.interval_ns};
  view.has_budget = hot != nullptr && hot->expires_ns != 0;
  view.tokens = shape.burst;
  if (entry == nullptr) return view;
  view.arrivals_per_s = entry->arrivals.Rate(now_ns);
  view.refused_per_s = entry->refused.Rate(now_ns);
  view.tokens = std::max(0.0, shape.burst - ClientTable::Missing(*entry, shape, now_ns));
  return view;
}

std::vector<RateLimiter::ClientView> RateLimiter::Busiest(size_t count, Instant now) {
  const uint64_t now_ns = Nanoseconds(now);
  const auto busier = [](const ClientView& a, const ClientView& b) {
    if (a.arrivals_per_s != b.arrivals_per_s) return a.arrivals_per_s > b.arrivals_per_s;
    return a.client < b.client;
  };
  std::vector<ClientView> heap;  // The least busy of those kept is in front.
  if (count == 0) return heap;
  table_.ForEach([&](ClientPrefix client, ClientTable::Entry& entry) {
    if (entry.arrivals.Recent(now_ns) == 0) return;
    const ClientView view = ViewOf(client, &entry, now_ns);
    if (heap.size() == count && !busier(view, heap.front())) return;
    if (heap.size() == count) {
      std::pop_heap(heap.begin(), heap.end(), busier);
      heap.pop_back();
    }
    heap.push_back(view);
    std::push_heap(heap.begin(), heap.end(), busier);
  });
  std::sort(heap.begin(), heap.end(), busier);
  return heap;
}

RateLimiter::ClientView RateLimiter::Look(ClientPrefix client, Instant now) {
  return ViewOf(client, table_.Find(client), Nanoseconds(now));
}

}  // namespace lb::dataplane
