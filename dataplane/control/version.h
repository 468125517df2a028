// Order of configuration versions (architecture: epoch and revision only grow). Pure.
#pragma once

#include <tuple>

#include "lb/type/v1/type.pb.h"

namespace lb::dataplane {

// True when `a` comes after `b`, whatever their digests.
inline bool IsNewer(const lb::type::v1::ConfigVersion& a, const lb::type::v1::ConfigVersion& b) {
  return std::tuple(a.epoch(), a.revision()) > std::tuple(b.epoch(), b.revision());
}

// True when both name the same content under the same number.
inline bool SameVersion(const lb::type::v1::ConfigVersion& a,
                        const lb::type::v1::ConfigVersion& b) {
  return a.epoch() == b.epoch() && a.revision() == b.revision() && a.digest() == b.digest();
}

}  // namespace lb::dataplane
