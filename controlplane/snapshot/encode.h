// Live rules as the bytes that workers run: one serialised lb.type.v1.Snapshot and its digest.
//
// The same rules give the same bytes, in every process of a release. They hold private keys: they
// are for workers only, and are never logged or stored. Pure; threading: none.
#pragma once

#include <string>

#include "controlplane/snapshot/live_rules.h"
#include "controlplane/tls/material.h"

namespace lb::controlplane {

struct EncodedSnapshot {
  std::string bytes;
  std::string digest;  // SHA-256 of `bytes`, raw.
};

// `material` has what the rules name of TLS. Without it (nullptr) the names of files stand for
// their content: good for comparing, not for workers.
EncodedSnapshot Encode(const LiveRules& rules, const TlsMaterial* material = nullptr);

}  // namespace lb::controlplane
