#include "controlplane/admin/service_alerts.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace lb::controlplane {
namespace {

// Empty: nothing.
std::string WhatIsWrong(const ServiceBook::Known& known, size_t endpoints) {
  switch (known.trouble) {
    case ServiceBook::Trouble::kNone:
      if (!known.synced || endpoints > 0) return "";
      if (known.why_none.empty()) return "it has no endpoint";
      return absl::StrCat("it has no endpoint: ", known.why_none);
    case ServiceBook::Trouble::kLost:
      return absl::StrCat("it cannot be watched, and what is known of it may be old (", endpoints,
                          endpoints == 1 ? " endpoint): " : " endpoints): ", known.error.message());
    case ServiceBook::Trouble::kTooMany:
      return absl::StrCat("it is refused, and what was known of it stays (", endpoints,
                          endpoints == 1 ? " endpoint): " : " endpoints): ", known.error.message());
  }
  return "";
}

}  // namespace

std::vector<admin::v1::Alert> ServiceAlerts(const View& view) {
  std::vector<admin::v1::Alert> out;
  for (const auto& [service, known] : view.services.known()) {
    const auto at = view.services.services().find(service);
    if (at == view.services.services().end()) continue;
    std::string text = WhatIsWrong(known, at->second.size());
    if (text.empty()) continue;
    admin::v1::Alert& alert = out.emplace_back();
    alert.set_resource(absl::StrCat("services/", service.ToString()));
    alert.set_message(std::move(text));
  }
  return out;
}

}  // namespace lb::controlplane
