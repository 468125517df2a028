#include "dataplane/limit/rate_limiter.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace lb::dataplane {
namespace {

using Basis = HotClients::Basis;

constexpr double kSecondNs = 1e9;

// Arrivals in two seconds below which a client is not reported, whatever the limit: one that
// connects once says nothing.
constexpr uint32_t kMinArrivals = 3;

// A client without an arrival for so long is not busy any more. The control plane keeps it a little
// longer (RateLedger), so that a new count is known for one.
constexpr uint64_t kForgetAfterNs = 8'000'000'000;

// A budget for one that has none, or not any more, comes within this time; else the control plane
// is away, hangs, or has no room. Who had no arrival for kIdleAfterNs does not wait for one: the
// control plane renews none for idle clients (RateLedger::kIdleAfter).
constexpr uint64_t kAnswerWithinNs = 2'000'000'000;
constexpr uint64_t kIdleAfterNs = 1'000'000'000;

uint64_t Nanoseconds(Instant now) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<Duration>(now.time_since_epoch()).count());
}

BucketShape ShapeOf(const HotClients::Client& hot) {
  return {hot.interval_ns.load(std::memory_order_relaxed),
          hot.burst.load(std::memory_order_relaxed)};
}

uint64_t Rounded(double tokens) { return static_cast<uint64_t>(tokens + 0.5); }

BucketShape Shape(double rate_per_s, double burst) {
  return {kSecondNs / rate_per_s, std::max(1.0, burst)};
}

}  // namespace

RateLimiter::RateLimiter(const Settings& settings, const Shares& shares, const SipKey& key)
    : prefix_lengths_(settings.prefix_lengths),
      settings_(settings),
      shares_(shares),
      table_(settings.max_clients, key) {
  StoreShapes();
}

BucketShape RateLimiter::Quiet() const {
  return {quiet_interval_ns_.load(std::memory_order_relaxed),
          quiet_burst_.load(std::memory_order_relaxed)};
}

BucketShape RateLimiter::Fallback() const {
  return {fallback_interval_ns_.load(std::memory_order_relaxed),
          fallback_burst_.load(std::memory_order_relaxed)};
}

bool RateLimiter::Admit(ClientPrefix client, Instant now) {
  const uint64_t now_ns = Nanoseconds(now);
  ClientTable::Entry& entry = table_.FindOrTake(client, now_ns);
  HotClients::Client* hot = hot_.Find(client);
  // Both bursts last equally long at their rates, so a bucket can be used as the one or the other
  // without being reshaped.
  const BucketShape shape = hot != nullptr                                  ? ShapeOf(*hot)
                            : hot_.crowded() && MayPassLimit(entry, now_ns) ? Fallback()
                                                                            : Quiet();
  const bool admitted = ClientTable::Take(entry, shape, now_ns);
  entry.arrivals.Add(now_ns);
  if (!admitted) entry.refused.Add(now_ns);
  if (hot != nullptr) {
    hot->arrivals.fetch_add(1, std::memory_order_relaxed);
    if (admitted) hot->admitted.fetch_add(1, std::memory_order_relaxed);
  } else if (report_per_s_.load(std::memory_order_relaxed) > 0 && MayPassLimit(entry, now_ns)) {
    // One that finds no room is counted, and asks again.
    (void)hot_.Add(client, Quiet(), Rounded(ClientTable::Missing(entry, Quiet(), now_ns)));
  }
  return admitted;
}

// Whether this client, of all workers together, may pass the limit: then this one sees more than
// its part of it.
bool RateLimiter::MayPassLimit(const ClientTable::Entry& entry, uint64_t now_ns) const {
  if (entry.arrivals.Recent(now_ns) < kMinArrivals) return false;
  if (entry.arrivals.Rate(now_ns) > report_per_s_.load(std::memory_order_relaxed)) return true;
  return ClientTable::Missing(entry, Quiet(), now_ns) >= Quiet().burst / 2;
}

void RateLimiter::StoreShapes() {
  const auto shape_of = [&](double ratio) {
    return Shape(settings_.rate_per_s * ratio, settings_.burst * ratio);
  };
  const BucketShape quiet = shape_of(shares_.quiet_ratio);
  const BucketShape fallback = shape_of(shares_.fallback_ratio);
  report_per_s_.store(settings_.rate_per_s * shares_.report_ratio, std::memory_order_relaxed);
  quiet_interval_ns_.store(quiet.interval_ns, std::memory_order_relaxed);
  quiet_burst_.store(quiet.burst, std::memory_order_relaxed);
  fallback_interval_ns_.store(fallback.interval_ns, std::memory_order_relaxed);
  fallback_burst_.store(fallback.burst, std::memory_order_relaxed);
}

// With `fill_growth` a larger part fills the buckets by as much: what was taken of the smaller one
// is missing still, and no more, when the client is reported. Of those that are reported already
// the control plane knows.
void RateLimiter::ShapesChanged(bool fill_growth, Instant now) {
  const BucketShape before = Quiet();
  StoreShapes();
  const BucketShape shape = Quiet();
  const uint64_t now_ns = Nanoseconds(now);
  table_.ForEach([&](ClientPrefix client, ClientTable::Entry& entry) {
    if (entry.full_at.load(std::memory_order_relaxed) <= now_ns) return;
    if (hot_.Find(client) == nullptr)
      ClientTable::Reshape(entry, before, shape, fill_growth, now_ns);
  });
  hot_.ForEach([&](ClientPrefix client, HotClients::Client& hot) {
    if (hot.basis == Basis::kBudget) return;
    GiveShape(hot, client, hot.basis == Basis::kQuiet ? shape : Fallback(), false, now_ns);
  });
}

void RateLimiter::SetLimit(const Settings& settings, Instant now) {
  LB_CHECK(settings.prefix_lengths == settings_.prefix_lengths);
  LB_CHECK(settings.max_clients == settings_.max_clients);
  if (settings == settings_) return;
  settings_ = settings;
  ShapesChanged(false, now);
}

void RateLimiter::SetShares(const Shares& shares, Instant now) {
  if (shares == shares_) return;
  shares_ = shares;
  ShapesChanged(true, now);
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
  const uint64_t now_ns = Nanoseconds(now);
  std::vector<Usage> usage;
  hot_.ForEach([&](ClientPrefix client, HotClients::Client& hot) {
    const uint64_t arrivals = hot.arrivals.load(std::memory_order_relaxed);
    if (!all && hot.told && arrivals == hot.told_arrivals) return;
    const uint64_t taken = TakenBefore(hot, client, now_ns);
    hot.told = true;
    hot.told_arrivals = arrivals;
    usage.push_back({client, arrivals, hot.admitted.load(std::memory_order_relaxed), taken});
  });
  return usage;
}

uint64_t RateLimiter::MissingOf(ClientPrefix client, const BucketShape& shape, uint64_t now_ns) {
  const ClientTable::Entry* entry = table_.Find(client);
  if (entry == nullptr) return 0;
  return Rounded(ClientTable::Missing(*entry, shape, now_ns));
}

// What the client took that its budgets, made without knowing of it, do not allow for.
uint64_t RateLimiter::TakenBefore(const HotClients::Client& hot, ClientPrefix client,
                                  uint64_t now_ns) {
  const BucketShape shape = ShapeOf(hot);
  const uint64_t missing = MissingOf(client, shape, now_ns);
  // One that is told of for the first time has used what its bucket was filled with since, too.
  return hot.told ? missing
                  : std::clamp(hot.admitted.load(std::memory_order_relaxed), missing,
                               std::max(missing, Rounded(2 * shape.burst)));
}

void RateLimiter::SetBudget(const Budget& budget, Instant now) {
  const uint64_t now_ns = Nanoseconds(now);
  HotClients::Client* hot = hot_.Find(budget.client);
  if (hot == nullptr)
    hot = hot_.Add(budget.client, Quiet(), MissingOf(budget.client, Quiet(), now_ns));
  if (hot == nullptr) return;  // No room: it has the fallback's part once it is busy here.
  if (hot->moved_ns == 0) hot->moved_ns = now_ns;
  hot->basis = Basis::kBudget;
  hot->expires_ns = now_ns + static_cast<uint64_t>(budget.ttl.count());
  GiveShape(*hot, budget.client, Shape(budget.rate_per_s, budget.burst), budget.fill_growth,
            now_ns);
}

void RateLimiter::Step(Instant now) {
  const uint64_t now_ns = Nanoseconds(now);
  hot_.LookAtRoom();
  hot_.ForEach([&](ClientPrefix client, HotClients::Client& hot) {
    NoteArrivals(hot, now_ns);
    if (hot.expires_ns == 0) hot.expires_ns = now_ns + kAnswerWithinNs;
    if (hot.expires_ns <= now_ns) EndBasis(hot, client, now_ns);
    if (hot.basis != Basis::kBudget && now_ns - hot.moved_ns > kForgetAfterNs) hot_.Drop(hot);
  });
}

void RateLimiter::NoteArrivals(HotClients::Client& hot, uint64_t now_ns) {
  const uint64_t arrivals = hot.arrivals.load(std::memory_order_relaxed);
  if (std::exchange(hot.seen_arrivals, arrivals) == arrivals && hot.moved_ns != 0) return;
  // One that was idle begins to wait for a budget now.
  if (hot.basis != Basis::kBudget && hot.moved_ns + kIdleAfterNs <= now_ns)
    hot.expires_ns = now_ns + kAnswerWithinNs;
  hot.moved_ns = now_ns;
}

// Nobody answered in time: who is busy may have only what is safe when nobody divides the limit.
// Who is idle was not renewed for that reason, and is as any other quiet client.
void RateLimiter::EndBasis(HotClients::Client& hot, ClientPrefix client, uint64_t now_ns) {
  const bool busy = now_ns - hot.moved_ns < kIdleAfterNs;
  if (busy && hot.basis == Basis::kBudget) ++expired_budgets_;
  const Basis next = busy ? Basis::kFallback : Basis::kQuiet;
  hot.expires_ns = now_ns + kAnswerWithinNs;
  if (std::exchange(hot.basis, next) == next) return;
  GiveShape(hot, client, busy ? Fallback() : Quiet(), false, now_ns);
}

RateLimiter::ClientView RateLimiter::ViewOf(ClientPrefix client, const ClientTable::Entry* entry,
                                            uint64_t now_ns) {
  const HotClients::Client* hot = hot_.Find(client);
  const BucketShape shape = hot != nullptr ? ShapeOf(*hot) : Quiet();
  ClientView view{
      .client = client, .burst = shape.burst, .rate_per_s = kSecondNs / shape.interval_ns};
  view.has_budget = hot != nullptr && hot->basis == Basis::kBudget;
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
