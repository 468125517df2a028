#include "controlplane/loop/discovery_turn.h"

#include "absl/strings/str_cat.h"

namespace lb::controlplane {
namespace {

// Once for each trouble, not for each try.
void TellTrouble(const ServiceRef& service, const Parts& parts, Turn& turn) {
  const ServiceBook::Known& known = *parts.services.Find(service);
  const auto at = parts.services.services().find(service);
  const bool has_some = at != parts.services.services().end();
  LogFields fields{{"service", service.ToString()},
                   {"endpoints", absl::StrCat(has_some ? at->second.size() : 0)}};
  if (known.trouble != ServiceBook::Trouble::kNone)
    fields.emplace_back("error", std::string(known.error.message()));
  switch (known.trouble) {
    case ServiceBook::Trouble::kNone:
      return turn.Emit("service.synced", "", LogLevel::kInfo, "a Service is watched again",
                       std::move(fields));
    case ServiceBook::Trouble::kLost:
      return turn.Emit("service.lost", "", LogLevel::kWarn,
                       has_some ? "a Service cannot be watched; the endpoints known of it stay"
                                : "a Service cannot be watched; no endpoint of it is known",
                       std::move(fields));
    case ServiceBook::Trouble::kTooMany:
      return turn.Emit("service.refused", "", LogLevel::kError,
                       "a Service has too many endpoints; those known of it before stay",
                       std::move(fields));
  }
}

void Follow(const ServiceRef& service, const ServiceBook::News& news, Parts& parts, Turn& turn) {
  turn.refresh |= news.endpoints;
  turn.dirty |= news.endpoints;
  if (news.trouble) TellTrouble(service, parts, turn);
  if (news.emptied)
    turn.Emit(
        "service.empty", "", LogLevel::kWarn,
        "a Service has no endpoint: no new connection goes there",
        {{"service", service.ToString()}, {"reason", parts.services.Find(service)->why_none}});
}

}  // namespace

void OnServiceFound(const ServiceFound& event, Parts& parts, Turn& turn) {
  Follow(event.service, parts.services.Found(event), parts, turn);
}

void OnServiceLost(const ServiceLost& event, Parts& parts, Turn& turn) {
  Follow(event.service, parts.services.Lost(event), parts, turn);
}

}  // namespace lb::controlplane
