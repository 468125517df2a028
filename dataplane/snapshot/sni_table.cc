#include "dataplane/snapshot/sni_table.h"

#include "absl/strings/string_view.h"

namespace lb::dataplane {

uint32_t SniTable::RouteOf(std::string_view server_name) const {
  const absl::string_view name(server_name.data(), server_name.size());
  const size_t dot = name.find('.');
  if (dot == 0) return 0;  // It would be found as a wildcard's.
  if (const auto exact = names.find(name); exact != names.end()) return exact->second;
  if (dot == absl::string_view::npos) return 0;
  const auto wildcard = names.find(name.substr(dot));
  return wildcard == names.end() ? 0 : wildcard->second;
}

bool SameNames(const SniTable* a, const SniTable* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->first_names == b->first_names && a->names == b->names;
}

}  // namespace lb::dataplane
