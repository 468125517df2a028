// Log levels set at run time, each until its time is over. Plain values; threading: none.
#pragma once

#include <map>
#include <string>

#include "base/time.h"
#include "lb/type/v1/type.pb.h"

namespace lb::controlplane {

struct LogOverride {
  type::v1::LogLevel level = type::v1::LOG_LEVEL_UNSPECIFIED;
  Instant until;
};

// By component: "controlplane", "workers/worker-1".
using LogOverrides = std::map<std::string, LogOverride>;

}  // namespace lb::controlplane
