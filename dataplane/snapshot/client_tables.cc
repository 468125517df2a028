#include "dataplane/snapshot/client_tables.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace lb::dataplane {
namespace {

namespace type = lb::type::v1;

std::vector<std::string> List(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

absl::StatusOr<proxy::Version> VersionOf(type::ProxyProtocol::Version version) {
  switch (version) {
    case type::ProxyProtocol::VERSION_UNSPECIFIED:
      return proxy::Version::kNone;
    case type::ProxyProtocol::VERSION_1:
      return proxy::Version::k1;
    case type::ProxyProtocol::VERSION_2:
      return proxy::Version::k2;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("this worker does not know version ", static_cast<int>(version)));
  }
}

}  // namespace

absl::StatusOr<std::shared_ptr<const AccessList>> MakeAccessList(const type::Rule& rule) {
  if (rule.allow().empty() && rule.deny().empty()) return nullptr;
  LB_ASSIGN_OR_RETURN(AccessList list,
                      AccessList::Make({.allow = List(rule.allow()), .deny = List(rule.deny())}));
  return std::make_shared<const AccessList>(std::move(list));
}

absl::StatusOr<std::shared_ptr<const ProxyTable>> MakeProxyTable(const type::Rule& rule) {
  if (!rule.has_proxy_protocol()) return nullptr;
  const type::ProxyProtocol& settings = rule.proxy_protocol();
  auto table = std::make_shared<ProxyTable>();
  if (!settings.accept_from().empty()) {
    LB_ASSIGN_OR_RETURN(table->accept_from,
                        AccessList::Make({.allow = List(settings.accept_from()), .deny = {}}));
  }
  const bool has_others = table->accept_from && !table->accept_from->AllowsEverybody();
  table->refuse_others = settings.refuse_others() && has_others;
  table->header_timeout_ms = settings.header_timeout_ms();
  LB_ASSIGN_OR_RETURN(table->send, VersionOf(settings.send()));
  return table;
}

}  // namespace lb::dataplane
