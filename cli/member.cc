#include "cli/member.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "cli/client.h"
#include "cli/operation.h"
#include "cli/resource.h"
#include "cli/several.h"
#include "cli/suggest.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

// Adds the closest existing member to a NotFound.
absl::Status Explain(AdminClient& client, const std::string& name, absl::Status error) {
  if (error.code() != absl::StatusCode::kNotFound || SuggestsAlready(std::string(error.message())))
    return error;
  const auto members = client.ListMembers();
  if (!members.ok()) return error;
  std::vector<std::string> names;
  for (const api::Member& member : *members) names.push_back(Leaf(member.name()));
  const std::string hint = DidYouMean(Leaf(name), names);
  SetHint(error, hint.empty() ? "see: lbctl get members" : hint);
  return error;
}

absl::Status AskForConsent(const std::string& what) {
  WriteErr(absl::StrCat(what,
                        ", and goes on alone until it joins again or is restarted. Leave? [y/N] "));
  const std::string answer = absl::AsciiStrToLower(ReadLine());
  if (answer == "y" || answer == "yes") return absl::OkStatus();
  return UsageError("nothing was changed: the answer was not yes");
}

}  // namespace

absl::StatusOr<ExitCode> RunMemberJoin(const Globals& globals,
                                       const std::vector<std::string>& addresses, bool dry_run) {
  if (addresses.empty())
    return UsageError("an address is missing", "as: lbctl member join 10.0.0.2:7946");
  if (globals.output == Output::kName) return UsageError("-o name is not for member join");
  LB_ASSIGN_OR_RETURN(auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  api::JoinMembersRequest request;
  for (const std::string& address : addresses) request.add_addresses(address);
  request.set_validate_only(dry_run);
  LB_ASSIGN_OR_RETURN(const api::JoinMembersResponse response, client->JoinMembers(request));
  PrintMessage(globals, response, "",
               absl::StrCat(dry_run ? "dry run: would call " : "calling ",
                            Escape(absl::StrJoin(response.addresses(), ", "))));
  if (!globals.quiet && !dry_run) WriteErr("See who joined: lbctl get members\n");
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunMemberLeave(const Globals& globals, bool yes, bool dry_run) {
  if (!yes && !dry_run && !StdinIsTty())
    return UsageError("leaving the cluster needs consent, and there is no terminal to ask on",
                      "add --yes");
  LB_ASSIGN_OR_RETURN(auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  api::LeaveClusterRequest request;
  request.set_validate_only(true);
  LB_ASSIGN_OR_RETURN(api::LeaveClusterResponse response, client->LeaveCluster(request));
  const std::string what = absl::StrCat(Escape(Leaf(response.name())), " leaves ",
                                        response.members_alive(), " other members");
  if (!dry_run && !yes) LB_RETURN_IF_ERROR(AskForConsent(what));
  if (!dry_run) {
    request.set_validate_only(false);
    LB_ASSIGN_OR_RETURN(response, client->LeaveCluster(request));
  }
  PrintMessage(globals, response, response.name(), dry_run ? "dry run: " + what : what);
  if (!globals.quiet && !dry_run) WriteErr("Take back: lbctl member join ADDRESS\n");
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> RunMemberForget(const Globals& globals,
                                         const std::vector<std::string>& names, bool dry_run) {
  LB_ASSIGN_OR_RETURN(auto client,
                      AdminClient::Connect({globals.endpoints, globals.timeout, globals.verbose}));
  const auto forget = [&](const std::string& name,
                          const PrintOne& print) -> absl::StatusOr<ExitCode> {
    api::ForgetMemberRequest request;
    request.set_name(name);
    request.set_validate_only(dry_run);
    const absl::StatusOr<api::Member> member = client->ForgetMember(request);
    if (!member.ok()) return Explain(*client, name, member.status());
    print(*member, member->name(),
          absl::StrCat(dry_run ? "dry run: would forget " : "forgotten: ", Escape(Leaf(name)), " (",
                       Escape(member->address()), ")"));
    return ExitCode::kDone;
  };
  return RunForEach(globals, "MemberList", names, forget);
}

}  // namespace lb::cli
