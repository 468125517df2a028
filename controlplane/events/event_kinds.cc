#include "controlplane/events/event_kinds.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace lb::controlplane {
namespace {

// Each stands in docs/api.md too, and each that is emitted stands here: tests/lint compares.
constexpr std::array kKinds = {
    "api.change",         "backend.down",          "backend.drained",
    "backend.ejected",    "backend.override",      "backend.returned",
    "backend.up",         "certificate.expired",   "certificate.expiring",
    "certificate.loaded", "certificate.mended",    "certificate.refused",
    "cluster.key",        "cluster.keys_dropped",  "cluster.left",
    "cluster.stranger",   "config.accepted",       "config.confirmed",
    "config.fallback",    "config.refused",        "config.rollback_failed",
    "config.rolled_back", "config.rules_left_out", "config.version",
    "connections.killed", "limits.frozen",         "log.level",
    "member.conflict",    "member.failed",         "member.joined",
    "member.left",        "name.failed",           "operation.cancelled",
    "service.empty",      "service.lost",          "service.refused",
    "service.synced",     "ticket_key.rotated",    "worker.closed",
    "worker.connected",   "worker.disconnected",   "worker.drain",
    "worker.duplicate",   "worker.ending",         "worker.gone",
    "worker.last_good",   "worker.refused",        "worker.replaced",
    "worker.silent",      "worker.speaks",         "worker.undrain",
};

bool IsKnown(std::string_view kind) {
  return std::any_of(kKinds.begin(), kKinds.end(), [&](std::string_view known) {
    return known == kind || known.substr(0, known.find('.')) == kind;
  });
}

}  // namespace

std::optional<Failure> CheckKinds(const std::vector<std::string>& kinds) {
  constexpr size_t kMaxShown = 64;
  for (const std::string& kind : kinds) {
    if (IsKnown(kind)) continue;
    const std::string what =
        absl::StrCat("'", kind.substr(0, kMaxShown), "' is none of ", absl::StrJoin(kKinds, ", "));
    Failure failure = FieldFailure("kinds", what);
    failure.reason = "KIND_UNKNOWN";
    return failure;
  }
  return std::nullopt;
}

}  // namespace lb::controlplane
