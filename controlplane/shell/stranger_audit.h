// Audit lines of calls that are refused before they are read, since nobody is known to make them.
//
// Bounded like every refusal (Audit), and counted apart from those of known callers, so that
// strangers push none of these out. Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "base/time.h"
#include "controlplane/admin/failure.h"
#include "controlplane/shell/audit.h"

namespace lb::controlplane {

class StrangerAudit final {
 public:
  // Writes the line of a refused call, if there is room for one.
  void Refused(const std::vector<std::string>& uri_sans, std::string_view method,
               const Failure& refusal) {
    LogFields line;
    {
      const MutexLock lock(mutex_);
      line = audit_.Line(DescribeStranger(uri_sans, method), Reply{0, refusal, {}},
                         ReadClocks().steady);
    }
    if (!line.empty()) LogInfo("audit", line);
  }

 private:
  Mutex mutex_;
  Audit audit_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lb::controlplane
