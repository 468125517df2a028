// One EndpointSlice of Kubernetes (discovery.k8s.io/v1): its JSON to what is used of it.
//
// Source: the API reference of Kubernetes, "EndpointSlice v1". What the API server has checked is
// believed in meaning, not in form. Pure; threading: none.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "controlplane/discovery/service_endpoint.h"

namespace lb::controlplane {

// Longest text of one slice; an object of etcd has 1.5 MiB at most.
inline constexpr size_t kMaxSliceBytes = 2u << 20;
// Most endpoints of one slice: what the API server allows.
inline constexpr size_t kMaxSliceEndpoints = 1'000;
inline constexpr size_t kMaxSlicePorts = 20'000;

struct Slice {
  struct Port {
    std::string name;
    std::optional<uint16_t> number;  // Absent: all ports.
  };
  struct Place {
    std::string host;  // An IP address, in the canonical form.
    std::string pod;   // Empty: none, or none that could be a name.
    EndpointState state = EndpointState::kReady;
  };

  std::string name;
  std::string version;        // "resourceVersion"
  std::vector<Port> ports;    // TCP only.
  std::vector<Place> places;  // Those that are of use.
};

// Reads a slice. One of host names has no places. InvalidArgument says what is wrong with the text
// and where.
absl::StatusOr<Slice> ReadSlice(std::string_view json);
absl::StatusOr<Slice> ReadSlice(const boost::json::object& object);

// A list's or a bookmark's "metadata".
struct ListMetadata {
  std::string version;       // "resourceVersion"
  std::string continue_key;  // Empty: the list is over.
};

// Reads the metadata of an object without its items. InvalidArgument as above.
absl::StatusOr<ListMetadata> ReadListMetadata(std::string_view json);
absl::StatusOr<ListMetadata> ReadListMetadata(const boost::json::object& object);

// What a Status object says, bounded and printable.
struct ApiStatus {
  int code = 0;  // As HTTP's.
  std::string message;
};

// Reads a Status object; what is none has code 0 and no message.
ApiStatus ReadApiStatus(std::string_view json);
ApiStatus ReadApiStatus(const boost::json::object& object);

}  // namespace lb::controlplane
