#include "cli/member_views.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "cli/resource.h"
#include "cli/views.h"

namespace lb::cli {
namespace {

using lb::admin::v1::Member;

Cell StateCell(Member::State state) {
  switch (state) {
    case Member::STATE_ALIVE:
      return {"ALIVE", Tone::kGood};
    case Member::STATE_SUSPECT:
      return {"SUSPECT", Tone::kWarning};
    case Member::STATE_FAILED:
      return {"FAILED", Tone::kBad};
    case Member::STATE_LEFT:
      return {"LEFT", Tone::kPlain};
    default:
      return {"UNKNOWN", Tone::kWarning};
  }
}

}  // namespace

std::vector<Column> MemberColumns(bool wide) {
  std::vector<Column> columns = {
      {"NAME"}, {"ADDRESS"}, {"STATE"}, {"VERSION"}, {"LAST-CHANGE", false, true}};
  if (wide) columns.insert(columns.end(), {{"INCARNATION", true}, {"SELF"}});
  return columns;
}

Row MemberRow(const Member& member, bool wide, WallTime now) {
  Row row = {{Leaf(member.name())},
             {member.address()},
             StateCell(member.state()),
             {member.version()},
             {AgeOf(member.state_change_time(), now)}};
  if (!wide) return row;
  row.push_back({absl::StrCat(member.incarnation())});
  row.push_back({member.self() ? "yes" : ""});
  return row;
}

std::string MembersText(const lb::admin::v1::Cluster& cluster, bool color) {
  struct Part {
    uint32_t count;
    const char* word;
    Tone tone;
  };
  const std::array<Part, 4> parts = {{{cluster.members_alive(), "alive", Tone::kGood},
                                      {cluster.members_suspect(), "suspect", Tone::kWarning},
                                      {cluster.members_failed(), "failed", Tone::kBad},
                                      {cluster.members_left(), "left", Tone::kPlain}}};
  std::string out;
  for (const Part& part : parts)
    if (part.count > 0)
      absl::StrAppend(&out, out.empty() ? "" : ", ",
                      Paint(absl::StrCat(part.count, " ", part.word), part.tone, color));
  return out.empty() ? "none" : out;
}

}  // namespace lb::cli
