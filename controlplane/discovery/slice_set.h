// The EndpointSlices of one Service, and the endpoints that they make together. Pure; threading:
// none.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "controlplane/discovery/slice.h"

namespace lb::controlplane {

class SliceSet final {
 public:
  // Bounds of one Service: of its slices, and of the endpoints in them.
  static constexpr size_t kMaxSlices = 10'000;
  static constexpr size_t kMaxEndpoints = 200'000;

  // Takes a slice in place of the one of that name. ResourceExhausted when there are too many; the
  // set is as it was then.
  absl::Status Put(Slice slice);
  void Remove(const std::string& name);

  // The endpoints at that port (ServiceRef::port), sorted by address, each once: of one that is in
  // several slices, as it is while it moves from one to another, the best word counts.
  std::vector<ServiceEndpoint> Merge(const std::string& port) const;

  // Why Merge finds nothing at that port, in words that an operator can act on; what comes from the
  // API server in it is bounded and printable.
  std::string WhyNone(const std::string& port) const;

  size_t slices() const { return slices_.size(); }
  size_t endpoints() const { return endpoints_; }

 private:
  std::map<std::string, Slice> slices_;
  size_t endpoints_ = 0;
};

}  // namespace lb::controlplane
