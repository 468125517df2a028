// Live rules as the bytes that workers run: one serialised lb.type.v1.Snapshot and its digest.
//
// The same rules give the same bytes, in every process of a release. Pure; threading: none.
#pragma once

#include <string>

#include "controlplane/snapshot/live_rules.h"

namespace lb::controlplane {

struct EncodedSnapshot {
  std::string bytes;
  std::string digest;  // SHA-256 of `bytes`, raw.
};

EncodedSnapshot Encode(const LiveRules& rules);

}  // namespace lb::controlplane
