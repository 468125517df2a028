// Which Services are in use, and what is known of the endpoints of each.
//
// What was known stays while nothing better comes, over restarts, too. Pure: the watches are
// started by an action, and what they find comes back as events. Threading: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "controlplane/config/config.h"
#include "controlplane/discovery/service_endpoint.h"
#include "controlplane/loop/action.h"
#include "controlplane/loop/event.h"

namespace lb::controlplane {

class ServiceBook final {
 public:
  // Most endpoints of one Service that become backends, and of all together, each counted once for
  // every backend of the configuration that names it: workers take no more backends than 65,536.
  static constexpr size_t kMaxEndpoints = 10'000;
  static constexpr size_t kMaxBackends = 50'000;

  // Why a Service is not as its watch says. What was known of it stays.
  enum class Trouble { kNone, kLost, kTooMany };

  struct Known {
    bool synced = false;  // A watch says so now.
    bool tried = false;   // A watch said something, good or bad.
    Trouble trouble = Trouble::kNone;
    absl::Status error;      // Not OK with a trouble.
    size_t uses = 0;         // Backends of the configuration that name it.
    std::string why_none{};  // As a watch said when it found no endpoint; empty where it has some.
  };

  // Starts from what was stored; Services not in use at the first SetConfig are forgotten there.
  explicit ServiceBook(Services stored) : services_(std::move(stored)) {}

  // Sets what is in use.
  void SetConfig(const Config& config);

  // What an event changed.
  struct News {
    bool endpoints = false;  // The endpoints of the Service are others.
    bool trouble = false;    // So is its trouble, or the lack of one.
    bool emptied = false;    // It has no endpoint any more.
  };
  // Take what a watch found, or that it does not get on. What is not in use is ignored.
  News Found(const ServiceFound& event);
  News Lost(const ServiceLost& event);

  // Starts and ends watches where SetConfig asks for it, and has what is known told again where a
  // Service that was refused may have room now.
  void Run(std::vector<Action>& actions);

  // True when each Service in use is known, or a watch was tried at least once.
  bool EachTried() const;

  const Services& services() const { return services_; }
  const std::map<ServiceRef, Known>& known() const { return known_; }
  // Of a Service in use, or nullptr.
  const Known* Find(const ServiceRef& service) const;

 private:
  News Refuse(Known& known, Trouble trouble, absl::Status error);
  // Backends that all known Services make, with `count` endpoints of this one.
  size_t BackendsWith(const ServiceRef& service, size_t count) const;

  Services services_;
  std::map<ServiceRef, Known> known_;
  KubernetesConfig kubernetes_;
  DnsConfig dns_;
  bool watches_are_old_ = false;
};

}  // namespace lb::controlplane
