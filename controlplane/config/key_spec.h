// What is known of one key of the configuration. Plain values; threading: none.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace lb::controlplane {

enum class ValueType {
  kMap,
  kSection,  // A map that `enabled: false` turns off; without `enabled` it is on.
  kList,
  kBool,
  kCount,      // A whole number.
  kDuration,   // "250ms", "5s", "10m", "1h"; counted in milliseconds.
  kSize,       // "64KiB", "64KB"; counted in bytes.
  kEventRate,  // "500/s"; counted per second.
  kByteRate,   // "10MB/s", "100Mbit/s"; counted in bytes per second.
  kPercent,    // "50%"
  kRatio,      // "2.0"; counted in thousandths.
  kChoice,     // One of `choices`.
  kText,
  kName,         // Of a rule and the like: letters, digits, '.', '_', '-'.
  kBackendName,  // kName, and what an address has besides.
  kListen,       // An IP address and port.
  kAddress,      // Whatever Endpoint::Parse reads.
  kServer,       // An IP address with or without a port.
  kIp,           // An IP address alone, which a socket can be bound to.
  kCidr,         // "10.0.0.0/8"
  kHostName,     // A DNS name or an IP address, without a port.
  kServiceName,  // "NAMESPACE/NAME" of a Service of Kubernetes.
  kServicePort,  // The name or the number of a port.
  kApiServer,    // "https://HOST:PORT"
  kSniName,      // A DNS name that clients ask for; its first label may be "*".
  kUrlPath,      // "/health"
  kFile,         // Absolute path of a file that must be there.
  kLogFile,      // Absolute path of a file to write, stdout, stderr; off or false.
  kSecret,
};

// Whether a number may stand without a unit: the product's original keys, for ever; no new one.
enum class BareNumber { kRefused, kAccepted };

// Whether this release does what the key says. Keys of later releases are known and checked, and
// using one is an error: silence would be taken for a promise.
enum class Built { kYes, kNotYet };

struct Choice {
  std::string_view name;
  Built built = Built::kYes;
};

// A key without an upper bound of its own.
inline constexpr uint64_t kNoMax = std::numeric_limits<uint64_t>::max();

struct KeySpec {
  // "rules[].timeouts.connect"; "[]" stands for every item of a list.
  std::string_view path;
  ValueType type = ValueType::kMap;
  bool required = false;
  Built built = Built::kYes;
  BareNumber bare = BareNumber::kRefused;
  std::string_view default_value = {};  // As one would write it.
  uint64_t min = 0;                     // In the unit that the type counts in.
  uint64_t max = kNoMax;                // Of a list: most items.
  std::vector<Choice> choices = {};
  // The path whose members this map or list has too.
  std::string_view same_as = {};
  // Of a map: the member that a single value in its place stands for.
  std::string_view shorthand = {};
  // Of a list of maps: a map in its place is its only item.
  bool may_be_one = false;
  std::string_view description = {};
};

}  // namespace lb::controlplane
