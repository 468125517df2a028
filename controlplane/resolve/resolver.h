// Which DNS names are in use, when each is due, and the last good answer of each.
//
// A failed query keeps the last good answer for ever and is repeated with backoff; a good one is
// repeated when its TTL, within the configured bounds, has passed. Pure: queries go out and come
// back as values. Threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/time.h"
#include "controlplane/loop/action.h"
#include "controlplane/loop/event.h"
#include "controlplane/snapshot/live_rules.h"

namespace lb::controlplane {

class Resolver final {
 public:
  // Bounds of the wait after a failed query; it doubles in between.
  static constexpr std::chrono::seconds kBackoffMin{1};
  static constexpr std::chrono::seconds kBackoffMax{30};
  // Addresses kept of one answer: a DNS message over TCP can carry thousands, a rule needs few.
  static constexpr size_t kMaxAddresses = 256;

  // Starts from stored answers; those of names that are not in use at the first SetNames are
  // forgotten there.
  explicit Resolver(Addresses stored) : addresses_(std::move(stored)) {}

  // Sets what is in use (sorted). New names, and all names when the DNS settings changed, are due
  // at once.
  void SetNames(const std::vector<Endpoint>& names, const DnsConfig& dns, Instant now);

  // Takes an answer; returns true when it changed the addresses of its name. Answers to queries
  // that are not in flight are ignored.
  bool Done(const Resolved& answer, Instant now);

  // The name that a query in flight asks for, or nullptr.
  const Endpoint* NameOf(QueryId query) const;

  // Starts the queries that are due.
  void Run(Instant now, std::vector<Action>& actions);

  // When Run has something to do; Instant::max() for never.
  Instant NextDeadline() const;

  // True when each name in use has an answer, or was asked at least once without success.
  bool EachTried() const;

  const Addresses& addresses() const { return addresses_; }
  // Why the last query of `name` failed; OK when it did not, or when there was none.
  absl::Status LastError(const Endpoint& name) const;

  uint64_t queries_total() const { return queries_total_; }
  uint64_t failures_total() const { return failures_total_; }

 private:
  struct Name {
    std::optional<QueryId> in_flight;
    Instant due;
    bool tried = false;
    Duration backoff{0};
    absl::Status error;
  };

  void Schedule(const Endpoint& endpoint, Name& name, Instant due);

  DnsConfig dns_;
  std::map<Endpoint, Name> names_;
  std::map<QueryId, Endpoint> in_flight_;
  std::set<std::pair<Instant, Endpoint>> due_;
  Addresses addresses_;
  QueryId next_query_ = 1;
  uint64_t queries_total_ = 0;
  uint64_t failures_total_ = 0;
};

}  // namespace lb::controlplane
