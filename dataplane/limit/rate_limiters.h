// The rate limiters of a worker by the rule they belong to, over all snapshots, and what the
// control plane lets this worker use of them.
//
// Threading: the control thread; the limiters it hands out are shared with the I/O threads.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"
#include "dataplane/limit/client_names.h"
#include "dataplane/limit/rate_limiter.h"

namespace lb::dataplane {

class RateLimiters final {
 public:
  // The name of the limit of all rules without their own.
  static constexpr char kShared[] = "";
  // Behind the name of a limit: the one for identities of client certificates. No rule's name has a
  // slash.
  static constexpr char kIdentities[] = "/client_cert";

  struct Named {
    std::shared_ptr<RateLimiter> limiter;
    RateLimiter::Settings settings;
  };
  using ByRule = std::map<std::string, Named>;

  // `key` is random, and secret.
  explicit RateLimiters(const SipKey& key) : key_(key) {}

  // The limiter in force of this name, where it can take these settings; another one otherwise,
  // whose buckets are full. Changes nothing that is in force.
  std::shared_ptr<RateLimiter> FindOrMake(const std::string& rule,
                                          const RateLimiter::Settings& settings) const;
  // These are in force now.
  void Commit(ByRule limiters, Instant now);

  void SetShares(const RateLimiter::Shares& shares, Instant now);
  // Without a stream every client has the fallback's part.
  void StreamEnded(Instant now);

  // True when clients that get busy are to be reported.
  bool reports() const { return shares_.report_ratio > 0; }

  RateLimiter* Find(const std::string& rule) const;
  const ByRule& in_force() const { return limiters_; }

  // Whether this is the name of a limit for identities.
  static bool IsOfIdentities(std::string_view name);
  // The identities that such limits met.
  const std::shared_ptr<ClientNames>& identities() const { return identities_; }

  void Step(Instant now);

 private:
  const SipKey key_;
  RateLimiter::Shares shares_;
  ByRule limiters_;
  const std::shared_ptr<ClientNames> identities_ = std::make_shared<ClientNames>();
};

}  // namespace lb::dataplane
