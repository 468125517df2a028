#include "controlplane/loop/override_event.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "controlplane/admin/rule_answers.h"

namespace lb::controlplane {
namespace {

// "10"; of a backend that left the configuration "as configured".
std::string ConfiguredWeight(const BackendKey& key, const LiveRules& live) {
  std::string out = "as configured";
  const LiveRule* rule = FindRule(live, key.rule);
  if (rule == nullptr) return out;
  const std::string of_name = absl::StrCat(key.backend, "@");
  for (const LiveBackend& backend : rule->backends)
    if (backend.name == key.backend || absl::StartsWith(backend.name, of_name))
      out = absl::StrCat(backend.configured_weight);
  return out;
}

// "ready, weight 10", "drained, weight 50% of 10": what holds with an override.
std::string Words(const Override& override, const std::string& configured) {
  const char* state = override.admin_state == type::v1::ADMIN_STATE_DRAIN   ? "drained"
                      : override.admin_state == type::v1::ADMIN_STATE_MAINT ? "in maintenance"
                                                                            : "ready";
  if (override.weight) return absl::StrCat(state, ", weight ", *override.weight);
  if (override.weight_percent)
    return absl::StrCat(state, ", weight ", *override.weight_percent, "% of ", configured);
  return absl::StrCat(state, ", weight ", configured);
}

}  // namespace

void EmitOverride(const BackendKey& backend, const Override& before, const Override& after,
                  const std::string& author, const Parts& parts, Turn& turn) {
  const std::string configured = ConfiguredWeight(backend, parts.live);
  const std::string was = Words(before, configured);
  const std::string is = Words(after, configured);
  turn.Emit("backend.override", BackendName(backend.rule, backend.backend), LogLevel::kInfo,
            absl::StrCat(was, " -> ", is),
            {{"rule", backend.rule},
             {"backend", backend.backend},
             {"before", was},
             {"after", is},
             {"author", author}});
}

}  // namespace lb::controlplane
