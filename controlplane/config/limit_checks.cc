#include "controlplane/config/limit_checks.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "controlplane/config/checker.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/rate_precision.h"

namespace lb::controlplane {
namespace {

using Severity = Finding::Severity;

constexpr const char* kParts[] = {"client", "backend"};

// The section, or nullptr where it is not there or no map.
const YamlNode* Section(const YamlNode& parent, std::string_view name) {
  const YamlNode* section = parent.Find(name);
  return section != nullptr && section->kind == YamlNode::Kind::kMap ? section : nullptr;
}

bool IsOn(const YamlNode* section) { return section != nullptr && SectionIsOn(*section); }

// A limit that is on needs its rate: its own, or that of `base`, which may be off.
void CheckRate(const YamlNode* section, const YamlNode* base,
               const std::optional<RateLimitConfig>& limit, const std::string& prefix,
               FindingList& findings) {
  constexpr std::string_view kRate = "requests_per_second";
  if (!IsOn(section)) return;
  if (limit) CheckRatePrecision(*section, *limit, absl::StrCat(prefix, "rate_limit"), findings);
  if (section->Find(kRate) != nullptr) return;
  if (base != nullptr && base->Find(kRate) != nullptr) return;
  findings.Add({.code = codes::kMissingKey,
                .span = section->Place(),
                .field = absl::StrCat(prefix, "rate_limit.requests_per_second"),
                .message = "a rate limit needs requests_per_second"});
}

// Whether a bandwidth limit says how fast `part`, "client" or "backend", may be.
bool HasRate(const YamlNode* section, const char* part) {
  const YamlNode* rates = section == nullptr ? nullptr : section->Find(part);
  return rates != nullptr &&
         (rates->Find("upload_per_sec") != nullptr || rates->Find("download_per_sec") != nullptr);
}

// Likewise any of its four rates. False where it has none.
bool CheckBandwidth(const YamlNode* section, const YamlNode* base, const std::string& prefix,
                    FindingList& findings) {
  if (!IsOn(section)) return false;
  const bool any = std::any_of(std::begin(kParts), std::end(kParts), [&](const char* part) {
    return HasRate(section, part) || HasRate(base, part);
  });
  if (any) return true;
  findings.Add({.code = codes::kMissingKey,
                .span = section->Place(),
                .field = absl::StrCat(prefix, "bandwidth_limit.client"),
                .message = "a bandwidth limit needs upload_per_sec or download_per_sec, of client "
                           "or backend"});
  return false;
}

// A burst of a part that no rate bounds. What the top level says is used by any of its rules.
void CheckBursts(const YamlNode* section, const std::vector<const YamlNode*>& others,
                 const std::string& prefix, FindingList& findings) {
  for (const char* part : kParts) {
    const YamlNode* rates = section->Find(part);
    const YamlNode* burst = rates == nullptr ? nullptr : rates->Find("burst");
    if (burst == nullptr || HasRate(section, part)) continue;
    if (std::any_of(others.begin(), others.end(),
                    [&](const YamlNode* other) { return HasRate(other, part); }))
      continue;
    findings.Add({.severity = Severity::kWarning,
                  .code = codes::kIdleBurst,
                  .span = burst->span,
                  .field = absl::StrCat(prefix, "bandwidth_limit.", part, ".burst"),
                  .message = absl::StrCat("no rate of a ", part, " is limited: it bounds nothing"),
                  .hint = "set upload_per_sec or download_per_sec"});
  }
}

void CheckConnectTime(const YamlNode& node, const RuleConfig& rule, const std::string& field,
                      FindingList& findings) {
  const YamlNode* section = Section(node, "outlier_detection");
  const YamlNode* longest = IsOn(section) ? section->Find("max_connect_time") : nullptr;
  if (longest == nullptr || !longest->valid || !rule.outlier_detection ||
      rule.outlier_detection->max_connect_time < rule.timeouts.connect)
    return;
  findings.Add({.code = codes::kContradiction,
                .span = longest->span,
                .field = absl::StrCat(field, ".outlier_detection.max_connect_time"),
                .message = absl::StrCat("no connect takes that long: timeouts.connect is ",
                                        rule.timeouts.connect.count(), " ms")});
}

}  // namespace

void CheckTopLimits(const YamlNode& root, const Config& config, FindingList& findings) {
  CheckRate(Section(root, "rate_limit"), nullptr, config.rate_limit, "", findings);
  const YamlNode* bandwidth = Section(root, "bandwidth_limit");
  if (!CheckBandwidth(bandwidth, nullptr, "", findings)) return;
  std::vector<const YamlNode*> own;  // Of rules.
  if (const YamlNode* rules = root.Find("rules"))
    for (const YamlNode& rule : rules->children) own.push_back(Section(rule, "bandwidth_limit"));
  CheckBursts(bandwidth, own, "", findings);
}

void CheckRuleLimits(const YamlNode& root, const YamlNode& node, const RuleConfig& rule,
                     const std::string& field, FindingList& findings) {
  const std::string prefix = absl::StrCat(field, ".");
  CheckRate(Section(node, "rate_limit"), Section(root, "rate_limit"), rule.rate_limit, prefix,
            findings);
  const YamlNode* bandwidth = Section(node, "bandwidth_limit");
  const YamlNode* base = Section(root, "bandwidth_limit");
  if (CheckBandwidth(bandwidth, base, prefix, findings))
    CheckBursts(bandwidth, {base}, prefix, findings);
  CheckConnectTime(node, rule, field, findings);
}

}  // namespace lb::controlplane
