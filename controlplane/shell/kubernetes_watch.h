// Follows the EndpointSlices of one Service: a list in pages, then watches from its version on, and
// a list again where the API server has forgotten that version.
//
// Source: the API concepts of Kubernetes, "Efficient detection of changes" and "410 Gone
// responses". Threading: the io_context's one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "controlplane/config/config.h"
#include "controlplane/discovery/slice_set.h"
#include "controlplane/shell/probe_tls.h"

namespace lb::controlplane {

class KubernetesWatch final {
 public:
  // Slices asked for at once, and pages of one list.
  static constexpr size_t kPageSlices = 500;
  static constexpr size_t kMaxPages = 1'000;
  // Wait after a failure, doubled each time up to the second; half of it is random.
  static constexpr std::chrono::milliseconds kBackoffMin{500};
  static constexpr std::chrono::milliseconds kBackoffMax{30'000};
  // A list that must be made anew waits up to so long, so that not all do it at once.
  static constexpr std::chrono::milliseconds kRelistJitter{1'000};
  // How long a watch lasts, of which up to half is random.
  static constexpr std::chrono::seconds kWatchTime{480};
  // Past it the API server did not end it as it was asked to.
  static constexpr std::chrono::seconds kWatchSlack{10};
  static constexpr std::chrono::milliseconds kListTimeout{60'000};
  // Changes within it are told together.
  static constexpr std::chrono::milliseconds kSettleTime{50};
  // So much longer than telling takes is waited for the next change: with very many endpoints.
  static constexpr int kSettleShare = 10;

  struct Options {
    std::string space;  // Namespace.
    std::string name;
    KubernetesConfig kubernetes;
    DnsConfig dns;      // For an API server that is named.
    uint64_t seed = 0;  // Of waits.
  };

  struct Callbacks {
    // The slices are these now; also said when a watch begins anew after a failure.
    std::function<void(const SliceSet& slices)> on_slices;
    std::function<void(const absl::Status& error)> on_lost;
  };

  struct Counts {
    uint64_t lists = 0;     // Read whole.
    uint64_t watches = 0;   // Begun.
    uint64_t failures = 0;  // Requests that failed.
    // Since the API server last said anything.
    std::chrono::steady_clock::time_point heard{};
  };

  // Begins at once; no callback is called before this returns. `contexts` outlives it.
  KubernetesWatch(boost::asio::io_context& io, ProbeTlsContexts& contexts, Options options,
                  Callbacks callbacks);
  ~KubernetesWatch();
  KubernetesWatch(const KubernetesWatch&) = delete;
  KubernetesWatch& operator=(const KubernetesWatch&) = delete;

  // Tells the slices again, where they are known: for who wants them now.
  void TellAgain();

  const Counts& counts() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
