// Answers about rules and their backends. Pure; threading: none.
#pragma once

#include <string>

#include "controlplane/admin/failure.h"
#include "controlplane/admin/view.h"
#include "lb/admin/v1/admin.pb.h"

namespace lb::controlplane {

// True for a backend that connections are sent to: healthy, or not checked.
bool IsUp(type::v1::HealthState state);

// Why a name has no address: what the last query said, or that none was answered.
std::string WhyUnresolved(const View& view, const UnresolvedBackend& backend);

// "rules/web/backends/web-1"
std::string BackendName(const std::string& rule, const std::string& backend);

// That there is no "rules/RULE" of this name: left out, for its files, or none at all.
Failure RuleNotFound(const View& view, const std::string& name);

// The rule and backend of "rules/RULE/backends/BACKEND", which exist; the backend may be a DNS name
// with addresses. NotFound with the closest name otherwise.
Outcome<BackendKey> ParseBackendName(const View& view, const std::string& name);

// The rule of "rules/RULE", which exists.
Outcome<std::string> ParseRuleName(const View& view, const std::string& name);

// What is set for a backend, as answers show it.
admin::v1::BackendOverride ToProto(const Override& override);

Outcome<admin::v1::Rule> GetRule(const View& view, const admin::v1::GetRuleRequest& request);
Outcome<admin::v1::ListRulesResponse> ListRules(const View& view,
                                                const admin::v1::ListRulesRequest& request);
Outcome<admin::v1::Backend> GetBackend(const View& view,
                                       const admin::v1::GetBackendRequest& request);
Outcome<admin::v1::ListBackendsResponse> ListBackends(
    const View& view, const admin::v1::ListBackendsRequest& request);

}  // namespace lb::controlplane
