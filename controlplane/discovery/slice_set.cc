#include "controlplane/discovery/slice_set.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace lb::controlplane {
namespace {

// The numbers that a port has in a slice. All ports are those that are asked for by number.
std::vector<uint16_t> NumbersOf(const Slice& slice, const std::string& port) {
  uint32_t wanted = 0;
  const bool by_number = absl::SimpleAtoi(port, &wanted);
  std::vector<uint16_t> numbers;
  for (const Slice::Port& one : slice.ports) {
    if (by_number && one.number.value_or(wanted) == wanted)
      numbers.push_back(static_cast<uint16_t>(wanted));
    if (!by_number && one.name == port && one.number) numbers.push_back(*one.number);
  }
  return numbers;
}

// "http (8080)"; a name that Kubernetes would not take is not repeated.
std::string Describe(const Slice::Port& port) {
  constexpr size_t kMaxNameBytes = 63;
  const bool good = !port.name.empty() && port.name.size() <= kMaxNameBytes &&
                    std::all_of(port.name.begin(), port.name.end(), [](char c) {
                      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-';
                    });
  if (!port.number) return good ? port.name : "all";
  return good ? absl::StrCat(port.name, " (", *port.number, ")") : absl::StrCat(*port.number);
}

// Takes away the names of pods that do not tell one endpoint from another: a pod of two families.
void DropSharedPods(std::vector<ServiceEndpoint>& endpoints) {
  std::map<std::string_view, size_t> uses;
  for (const ServiceEndpoint& endpoint : endpoints) ++uses[endpoint.pod];
  std::vector<bool> shared;
  shared.reserve(endpoints.size());
  for (const ServiceEndpoint& endpoint : endpoints) shared.push_back(uses[endpoint.pod] > 1);
  for (size_t i = 0; i < endpoints.size(); ++i)
    if (shared[i]) endpoints[i].pod.clear();
}

}  // namespace

absl::Status SliceSet::Put(Slice slice) {
  const auto old = slices_.find(slice.name);
  const size_t others = endpoints_ - (old == slices_.end() ? 0 : old->second.places.size());
  if (old == slices_.end() && slices_.size() >= kMaxSlices)
    return absl::ResourceExhaustedError(absl::StrCat("more than ", kMaxSlices, " slices"));
  if (others + slice.places.size() > kMaxEndpoints)
    return absl::ResourceExhaustedError(absl::StrCat("more than ", kMaxEndpoints, " endpoints"));
  endpoints_ = others + slice.places.size();
  std::string name = slice.name;
  slices_.insert_or_assign(std::move(name), std::move(slice));
  return absl::OkStatus();
}

void SliceSet::Remove(const std::string& name) {
  const auto it = slices_.find(name);
  if (it == slices_.end()) return;
  endpoints_ -= it->second.places.size();
  slices_.erase(it);
}

std::vector<ServiceEndpoint> SliceSet::Merge(const std::string& port) const {
  std::vector<ServiceEndpoint> all;
  all.reserve(endpoints_);
  for (const auto& [name, slice] : slices_)
    for (const uint16_t number : NumbersOf(slice, port))
      for (const Slice::Place& place : slice.places)
        if (absl::StatusOr<Endpoint> address = Endpoint::FromIp(place.host, number); address.ok())
          all.push_back({*std::move(address), place.pod, place.state});
  std::sort(all.begin(), all.end(), [](const ServiceEndpoint& a, const ServiceEndpoint& b) {
    return std::tie(a.address, a.state, a.pod) < std::tie(b.address, b.state, b.pod);
  });
  const auto same = [](const ServiceEndpoint& a, const ServiceEndpoint& b) {
    return a.address == b.address;
  };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  DropSharedPods(all);
  return all;
}

std::string SliceSet::WhyNone(const std::string& port) const {
  constexpr size_t kMaxPortsShown = 5;
  if (slices_.empty()) return "it has no EndpointSlice: is there a Service of that name?";
  std::set<std::string> others;
  for (const auto& [name, slice] : slices_) {
    if (!NumbersOf(slice, port).empty()) return "none of its pods is ready";
    for (const Slice::Port& one : slice.ports)
      if (others.size() < kMaxPortsShown) others.insert(Describe(one));
  }
  // Where the selector finds no pod, a slice has no port either.
  if (others.empty()) return "no pod of it is ready, or it has no TCP port";
  return absl::StrCat("its pods listen on other ports: ", absl::StrJoin(others, ", "));
}

}  // namespace lb::controlplane
