#include "controlplane/shell/call_shares.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "controlplane/access/identity.h"

namespace lb::controlplane {
namespace {

// How far `caller` may fill what everybody shares.
size_t ReachOf(const Caller& caller, const CallShares::Bounds& bounds) {
  size_t reach = bounds.all;
  if (caller.role != Role::kAdmin) reach -= bounds.reserve;
  if (!absl::StartsWith(caller.name, kUnixCaller)) reach -= bounds.reserve;
  return reach;
}

Failure TooMany(const std::string& text, size_t most) {
  return {absl::ResourceExhaustedError(absl::StrCat(text, "; end some, or try again")),
          "TOO_MANY_CALLS",
          {{"limit", absl::StrCat(most)}}};
}

}  // namespace

std::optional<Failure> CallShares::Begin(const Caller& caller, CallKind kind) {
  const Bounds& bounds = kBounds.at(static_cast<size_t>(kind));
  const MutexLock lock(mutex_);
  Counts& counts = counts_.at(static_cast<size_t>(kind));
  if (const size_t reach = ReachOf(caller, bounds); counts.all >= reach)
    return TooMany(absl::StrCat("too many ", bounds.what, " at once"), reach);
  const auto own = counts.by_caller.find(caller.name);
  const bool has_all = own != counts.by_caller.end() && own->second >= bounds.of_caller;
  if (has_all && caller.role != Role::kAdmin)
    return TooMany(absl::StrCat(caller.name, " has ", own->second, " ", bounds.what, " under way"),
                   bounds.of_caller);
  ++counts.all;
  ++counts.by_caller[caller.name];
  return std::nullopt;
}

void CallShares::End(const Caller& caller, CallKind kind) {
  const MutexLock lock(mutex_);
  Counts& counts = counts_.at(static_cast<size_t>(kind));
  const auto own = counts.by_caller.find(caller.name);
  LB_CHECK(own != counts.by_caller.end() && counts.all > 0);
  --counts.all;
  if (--own->second == 0) counts.by_caller.erase(own);
}

}  // namespace lb::controlplane
