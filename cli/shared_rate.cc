#include "cli/shared_rate.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/age.h"
#include "cli/resource.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

using admin::v1::SharedRate;

constexpr double kExactBelowS = 10;
constexpr double kNear = 0.9995;  // A ratio that is shown as the whole.

std::string Decimal(double value) { return absl::StrFormat("%.1f", value); }

std::string Note(const SharedRate::Host& host) {
  if (!host.has_age()) return "was never heard";
  if (!host.heard()) return absl::StrCat("not heard for ", SharedAge(host.age()));
  if (!host.has_told_age())
    return host.leaves_out() ? "has more busy clients than it tells of" : "";
  return "";
}

std::string HostTable(const Globals& globals, const SharedRate& shared) {
  Table table({{"HOST"},
               {"DEMAND/S", true},
               {"ADMITTED/S", true},
               {"TOLD", true},
               {"HEARD", true},
               {"NOTE"}});
  table.Add({{"this one"},
             {Decimal(shared.demand_per_s())},
             {Decimal(shared.admitted_per_s())},
             {""},
             {""},
             {""}});
  for (const SharedRate::Host& host : shared.hosts()) {
    const bool told = host.has_told_age();
    table.Add({{Leaf(host.member())},
               {told ? Decimal(host.demand_per_s()) : "-"},
               {told ? Decimal(host.admitted_per_s()) : "-"},
               {told ? SharedAge(host.told_age()) : "-"},
               {host.has_age() ? SharedAge(host.age()) : "-",
                host.heard() ? Tone::kPlain : Tone::kWarning},
               {Note(host), host.heard() ? Tone::kPlain : Tone::kWarning}});
  }
  table.Add({{"all"},
             {Decimal(shared.cluster_demand_per_s())},
             {Decimal(shared.cluster_admitted_per_s())},
             {""},
             {""},
             {""}});
  return table.Render({globals.headers, globals.color, StdoutSize().columns});
}

const char* Why(SharedRate::Basis basis) {
  switch (basis) {
    case SharedRate::BASIS_QUIET:
      return "what every quiet client has here: no worker says that this one is busy";
    case SharedRate::BASIS_NEW:
      return "no more than a quiet client has here: it is busy since just now, and the other hosts "
             "could not answer yet";
    case SharedRate::BASIS_ROOM:
      return "what it asks for here, and some of the rest: all hosts together are asked for less "
             "than the limit";
    case SharedRate::BASIS_DEMAND:
      return "this host's part of what the client asks for on all hosts";
    default:
      return "for a reason that this lbctl does not know";
  }
}

std::string Heard(const SharedRate& shared) {
  const bool one = shared.hosts_heard() == 1;
  const bool all = shared.hosts_heard() >= shared.hosts_expected();
  std::string text = absl::StrCat(all ? "" : "Only ", shared.hosts_heard(), " of ",
                                  shared.hosts_expected(), " hosts ", one ? "is" : "are", " heard");
  if (shared.has_age())
    absl::StrAppend(&text, ", the oldest word is ", SharedAge(shared.age()), " old");
  const char* they_have = one ? "it has" : "they have";
  if (shared.side_ratio() >= kNear)
    return all ? absl::StrCat(text, ".\n")
               : absl::StrCat(text, ": ", they_have, " the whole limit.\n");
  return absl::StrCat(text, ": until the others are heard, ", they_have,
                      absl::StrFormat(" %.1f%% of the limit.\n", 100 * shared.side_ratio()));
}

}  // namespace

std::string SharedAge(const google::protobuf::Duration& age) {
  const double seconds = static_cast<double>(age.seconds()) + 1e-9 * age.nanos();
  if (seconds < kExactBelowS) return absl::StrFormat("%.1fs", seconds);
  return FormatAge(std::chrono::seconds(age.seconds()));
}

std::string DescribeShared(const Globals& globals, const SharedRate& shared) {
  std::string text = HostTable(globals, shared);
  absl::StrAppend(&text, absl::StrFormat("\nThis host gives out %.1f/s, %.1f%% of the limit: %s.\n",
                                         shared.share_per_s(), 100 * shared.share_ratio(),
                                         Why(shared.basis())));
  absl::StrAppend(&text, Heard(shared));
  if (shared.limit_ratio() < kNear * shared.side_ratio())
    absl::StrAppend(&text, absl::StrFormat("%.1f%% of that are kept for workers without a "
                                           "control plane.\n",
                                           100 * (1 - shared.limit_ratio() / shared.side_ratio())));
  if (shared.tokens() < 0)
    absl::StrAppend(&text, absl::StrFormat("%.1f connections were admitted too early; that is made "
                                           "up for within seconds.\n",
                                           -shared.tokens()));
  else
    absl::StrAppend(&text, absl::StrFormat("Over all hosts %.1f of %g tokens are left.\n",
                                           shared.tokens(), shared.burst()));
  return text;
}

}  // namespace lb::cli
