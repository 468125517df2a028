#include "controlplane/discovery/slice.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "controlplane/discovery/json_fields.h"

namespace lb::controlplane {
namespace {

namespace json = boost::json;

constexpr size_t kMaxMessageBytes = 256;
constexpr size_t kMaxPodNameBytes = 253;  // RFC 1123 as Kubernetes takes it.
// Of versions and keys of pages: the API server's are a tenth of it.
constexpr size_t kMaxTokenBytes = 4'096;

absl::Status TooLong(const char* what) {
  return absl::InvalidArgumentError(absl::StrCat(what, " is too long"));
}

bool CouldBePod(const std::string& name) {
  return !name.empty() && name.size() <= kMaxPodNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return absl::ascii_islower(byte) || absl::ascii_isdigit(byte) || c == '-' || c == '.';
         });
}

// nullopt: no connection goes there. A ready one may end as well: who publishes endpoints that are
// not ready asked for that.
absl::StatusOr<std::optional<EndpointState>> ReadState(const json::object& endpoint) {
  LB_ASSIGN_OR_RETURN(const json::object* conditions, ObjectOf(endpoint, "conditions"));
  if (conditions == nullptr) return std::optional(EndpointState::kReady);
  LB_ASSIGN_OR_RETURN(const std::optional<bool> ready, BoolOf(*conditions, "ready"));
  LB_ASSIGN_OR_RETURN(const std::optional<bool> serving, BoolOf(*conditions, "serving"));
  LB_ASSIGN_OR_RETURN(const std::optional<bool> terminating, BoolOf(*conditions, "terminating"));
  if (ready.value_or(true)) return std::optional(EndpointState::kReady);
  if (serving.value_or(false) && terminating.value_or(false))
    return std::optional(EndpointState::kEnding);
  return std::optional<EndpointState>();
}

absl::StatusOr<std::string> ReadPod(const json::object& endpoint) {
  LB_ASSIGN_OR_RETURN(const json::object* target, ObjectOf(endpoint, "targetRef"));
  if (target == nullptr) return std::string();
  LB_ASSIGN_OR_RETURN(std::string name, TextOf(*target, "name"));
  return CouldBePod(name) ? std::move(name) : std::string();
}

absl::Status ReadPlace(const json::value& value, Slice& slice) {
  if (!value.is_object()) return absl::InvalidArgumentError("an endpoint is no object");
  const json::object& endpoint = value.get_object();
  LB_ASSIGN_OR_RETURN(const std::optional<EndpointState> state, ReadState(endpoint));
  LB_ASSIGN_OR_RETURN(const json::array* addresses, ArrayOf(endpoint, "addresses"));
  if (addresses == nullptr || addresses->empty() || !addresses->front().is_string())
    return absl::InvalidArgumentError("an endpoint has no address");
  // More than one stands for the same; who does not know which to take takes the first.
  const json::string& text = addresses->front().get_string();
  constexpr uint16_t kAnyPort = 1;
  absl::StatusOr<Endpoint> address = Endpoint::FromIp({text.data(), text.size()}, kAnyPort);
  if (!address.ok()) return absl::InvalidArgumentError("an endpoint's address is none of IP");
  LB_ASSIGN_OR_RETURN(std::string pod, ReadPod(endpoint));
  if (state) slice.places.push_back({address->host(), std::move(pod), *state});
  return absl::OkStatus();
}

absl::Status ReadPort(const json::value& value, Slice& slice) {
  if (!value.is_object()) return absl::InvalidArgumentError("a port is no object");
  const json::object& port = value.get_object();
  LB_ASSIGN_OR_RETURN(const std::string protocol, TextOf(port, "protocol"));
  LB_ASSIGN_OR_RETURN(std::string name, TextOf(port, "name"));
  const json::value* number = MemberOf(port, "port");
  std::optional<uint16_t> checked;
  if (number != nullptr) {
    const int64_t* plain = number->if_int64();
    if (plain == nullptr || *plain < 1 || *plain > UINT16_MAX)
      return absl::InvalidArgumentError("a port is not 1 to 65535");
    checked = static_cast<uint16_t>(*plain);
  }
  if (protocol.empty() || protocol == "TCP") slice.ports.push_back({std::move(name), checked});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Slice> ReadSlice(std::string_view text) {
  LB_ASSIGN_OR_RETURN(const json::object object, ReadObject(text));
  return ReadSlice(object);
}

absl::StatusOr<Slice> ReadSlice(const json::object& object) {
  LB_ASSIGN_OR_RETURN(const json::object* metadata, ObjectOf(object, "metadata"));
  if (metadata == nullptr) return absl::InvalidArgumentError("a slice has no metadata");
  Slice slice;
  LB_ASSIGN_OR_RETURN(slice.name, TextOf(*metadata, "name"));
  LB_ASSIGN_OR_RETURN(slice.version, TextOf(*metadata, "resourceVersion"));
  if (slice.name.empty()) return absl::InvalidArgumentError("a slice has no name");
  if (slice.name.size() > kMaxPodNameBytes) return TooLong("a slice's name");
  if (slice.version.size() > kMaxTokenBytes) return TooLong("a version");
  LB_ASSIGN_OR_RETURN(const json::array* endpoints, ArrayOf(object, "endpoints"));
  LB_ASSIGN_OR_RETURN(const json::array* ports, ArrayOf(object, "ports"));
  LB_ASSIGN_OR_RETURN(const std::string type, TextOf(object, "addressType"));
  if (endpoints != nullptr && endpoints->size() > kMaxSliceEndpoints)
    return absl::InvalidArgumentError(absl::StrCat("a slice has ", endpoints->size(),
                                                   " endpoints; at most ", kMaxSliceEndpoints));
  if (ports != nullptr && ports->size() > kMaxSlicePorts)
    return absl::InvalidArgumentError("a slice has too many ports");
  if (type != "IPv4" && type != "IPv6") return slice;
  if (ports != nullptr)
    for (const json::value& port : *ports) LB_RETURN_IF_ERROR(ReadPort(port, slice));
  if (endpoints != nullptr) {
    slice.places.reserve(endpoints->size());
    for (const json::value& endpoint : *endpoints) LB_RETURN_IF_ERROR(ReadPlace(endpoint, slice));
  }
  return slice;
}

absl::StatusOr<ListMetadata> ReadListMetadata(std::string_view text) {
  LB_ASSIGN_OR_RETURN(const json::object object, ReadObject(text));
  return ReadListMetadata(object);
}

absl::StatusOr<ListMetadata> ReadListMetadata(const json::object& object) {
  LB_ASSIGN_OR_RETURN(const json::object* metadata, ObjectOf(object, "metadata"));
  if (metadata == nullptr) return absl::InvalidArgumentError("there is no metadata");
  ListMetadata list;
  LB_ASSIGN_OR_RETURN(list.version, TextOf(*metadata, "resourceVersion"));
  LB_ASSIGN_OR_RETURN(list.continue_key, TextOf(*metadata, "continue"));
  if (list.version.empty()) return absl::InvalidArgumentError("there is no resourceVersion");
  if (list.version.size() > kMaxTokenBytes || list.continue_key.size() > kMaxTokenBytes)
    return TooLong("a version or the key of the next page");
  return list;
}

ApiStatus ReadApiStatus(std::string_view text) {
  const absl::StatusOr<json::object> object = ReadObject(text);
  return object.ok() ? ReadApiStatus(*object) : ApiStatus();
}

ApiStatus ReadApiStatus(const json::object& object) {
  ApiStatus status;
  if (const json::value* code = MemberOf(object, "code"); code != nullptr && code->is_int64())
    status.code = static_cast<int>(std::clamp<int64_t>(code->get_int64(), 0, 999));
  if (const absl::StatusOr<std::string> message = TextOf(object, "message"); message.ok())
    status.message = CutUtf8(*message, kMaxMessageBytes);
  std::replace_if(
      status.message.begin(), status.message.end(),
      [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); }, ' ');
  return status;
}

}  // namespace lb::controlplane
