// Audit lines of calls that are refused before they are read: nobody is known to make them, or one
// without any role.
//
// Bounded like every refusal (Audit), and counted apart from those of other callers, so that
// strangers push none of these out. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "controlplane/access/rules.h"
#include "controlplane/admin/failure.h"
#include "controlplane/shell/audit.h"

namespace lb::controlplane {

class StrangerAudit final {
 public:
  // Writes the line of a refused call, if there is room for one. Of a known caller only calls that
  // would change something leave one.
  void Refused(const std::optional<Identity>& peer, const std::vector<std::string>& uri_sans,
               std::string_view method, const Failure& refusal) {
    if (const AccessRule* rule = FindAccessRule(method); peer && rule != nullptr && !rule->mutates)
      return;
    AuditedCall call = DescribeStranger(uri_sans, method);
    if (peer) {
      call.who = *peer;
      call.certificate.clear();
    }
    LogFields line;
    {
      const MutexLock lock(mutex_);
      line = audit_.Line(call, Reply{0, refusal, {}}, ReadClocks().steady);
    }
    Audit::Write(line);
  }

 private:
  Mutex mutex_;
  Audit audit_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lb::controlplane
