#include "controlplane/admin/config_answers.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "controlplane/admin/list_query.h"
#include "controlplane/admin/proto_time.h"
#include "controlplane/admin/worker_answers.h"
#include "controlplane/config/place.h"
#include "controlplane/config/secrets.h"

namespace lb::controlplane {
namespace {

// Pages sort by name; numbers of equal width sort like numbers, and downwards for newest first.
std::string PageKey(uint64_t revision) {
  return absl::StrCat(absl::Dec(UINT64_MAX - revision, absl::kZeroPad20));
}

void AddWarnings(const FoundIn& found, google::protobuf::RepeatedPtrField<type::v1::Problem>& out) {
  for (const Finding& finding : found.list) *out.Add() = DescribeFinding(found.path, finding);
}

std::optional<uint64_t> NumberOf(const std::string& name) {
  uint64_t number = 0;
  if (!absl::StartsWith(name, kConfigPrefix)) return std::nullopt;
  if (!absl::SimpleAtoi(absl::StripPrefix(name, kConfigPrefix), &number)) return std::nullopt;
  return number;
}

// The problems of a refusal with their places in the file, as far as they are about it.
void AddProblems(const worker::v1::Nack& nack, const View& view,
                 admin::v1::Rollout::WorkerProgress& out) {
  const Revision* running = view.history.newest();
  for (const type::v1::Problem& problem : nack.problems()) {
    type::v1::Problem& placed = *out.add_problems();
    placed = problem;
    if (running == nullptr || problem.line() != 0) continue;
    const std::optional<FilePlace> place = PlaceOf(running->content, problem.field());
    if (!place) continue;
    placed.set_file(view.file.path);
    placed.set_line(place->line);
    placed.set_column(place->column);
  }
}

admin::v1::Rollout::WorkerProgress::State StateOf(const View& view, const WorkerRecord& record) {
  using Progress = admin::v1::Rollout::WorkerProgress;
  // What it refused before is of the past while it has yet to answer to what is newer.
  if (record.session && record.lane.refused() && view.versions.has_content() &&
      record.lane.refused()->rejected().digest() != view.versions.current().digest())
    return Progress::STATE_PENDING;
  switch (SyncOf(view, record)) {
    case admin::v1::Worker::SYNC_SYNCED:
      return Progress::STATE_DONE;
    case admin::v1::Worker::SYNC_ERROR:
      return Progress::STATE_REFUSED;
    case admin::v1::Worker::SYNC_DISCONNECTED:
      return Progress::STATE_DISCONNECTED;
    default:
      return Progress::STATE_PENDING;
  }
}

// "lb.yaml:7:3: error LB0102: unknown key": as `lbctl config validate` prints it.
std::string FindingLine(const std::string& path, const Finding& finding) {
  const bool error = finding.severity == Finding::Severity::kError;
  return absl::StrCat(path, ":", finding.line, ":", finding.column, ": ",
                      error ? "error " : "warning ", finding.code, ": ", finding.message);
}

}  // namespace

std::string ConfigName(uint64_t revision) { return absl::StrCat(kConfigPrefix, revision); }

admin::v1::Config DescribeRevision(const Revision& revision, const History& history,
                                   const std::optional<Confirmation>& confirmation) {
  admin::v1::Config out;
  out.set_name(ConfigName(revision.number));
  out.set_revision(revision.number);
  out.set_etag(EtagOf(revision.digest));
  out.set_source(revision.origin.source);
  out.set_author(revision.origin.author);
  out.set_message(revision.origin.message);
  *out.mutable_create_time() = ToProto(revision.time);
  if (revision.version.epoch() != 0) *out.mutable_version() = revision.version;
  out.set_running(&revision == history.newest());
  if (out.running() && confirmation && confirmation->digest == revision.digest)
    *out.mutable_confirm_deadline_time() = ToProto(confirmation->deadline_wall);
  return out;
}

type::v1::Problem DescribeFinding(const std::string& path, const Finding& finding) {
  type::v1::Problem problem;
  problem.set_severity(finding.severity == Finding::Severity::kError
                           ? type::v1::Problem::SEVERITY_ERROR
                           : type::v1::Problem::SEVERITY_WARNING);
  problem.set_code(finding.code);
  problem.set_message(finding.message);
  problem.set_field(finding.field);
  problem.set_file(path);
  problem.set_line(finding.line);
  problem.set_column(finding.column);
  problem.set_hint(finding.hint);
  return problem;
}

admin::v1::ValidateConfigResponse DescribeFindings(const FoundIn& found, bool valid) {
  admin::v1::ValidateConfigResponse out;
  out.set_valid(valid);
  AddWarnings(found, *out.mutable_problems());
  out.set_problems_total(static_cast<uint32_t>(found.total));
  return out;
}

admin::v1::ApplyConfigResponse DescribePlan(Plan& plan, const FoundIn& found) {
  admin::v1::ApplyConfigResponse out;
  for (admin::v1::Change& change : plan.changes) *out.add_changes() = std::move(change);
  out.set_changes_total(static_cast<uint32_t>(plan.changes_total));
  AddWarnings(found, *out.mutable_problems());
  return out;
}

admin::v1::PlanConfigResponse DescribePlanOnly(Plan& plan, const FoundIn& found) {
  admin::v1::PlanConfigResponse out;
  for (admin::v1::Change& change : plan.changes) *out.add_changes() = std::move(change);
  out.set_changes_total(static_cast<uint32_t>(plan.changes_total));
  out.set_rules_unchanged(plan.rules_unchanged);
  out.set_connections(plan.connections);
  AddWarnings(found, *out.mutable_problems());
  return out;
}

Failure InvalidConfig(const FoundIn& found) {
  Failure failure;
  const auto error = std::find_if(found.list.begin(), found.list.end(), [](const Finding& finding) {
    return finding.severity == Finding::Severity::kError;
  });
  const Finding* first = error != found.list.end() ? &*error
                         : found.list.empty()      ? nullptr
                                                   : &found.list.front();
  failure.status = absl::InvalidArgumentError(absl::StrCat(
      "the configuration has ", found.total, found.total == 1 ? " finding" : " findings",
      first == nullptr ? ""
                       : absl::StrCat("; the first: ", found.path, ":", first->line, ":",
                                      first->column, ": ", first->message)));
  failure.reason = "CONFIG_INVALID";
  failure.metadata["count"] = absl::StrCat(found.total);
  if (first != nullptr) {
    failure.metadata["first_file"] = found.path;
    failure.metadata["first_line"] = absl::StrCat(first->line);
    failure.metadata["first_column"] = absl::StrCat(first->column);
    failure.metadata["first_code"] = first->code;
  }
  for (const Finding& finding : found.list) {
    if (failure.violations.size() == Failure::kMaxViolations) break;
    failure.violations.push_back({finding.field, FindingLine(found.path, finding)});
  }
  return failure;
}

Outcome<admin::v1::Config> GetConfig(const View& view, const admin::v1::GetConfigRequest& request) {
  const Revision* revision = nullptr;
  if (request.name() == "configs/-")
    revision = view.history.newest();
  else if (const auto number = NumberOf(request.name()))
    revision = view.history.Find(*number);
  if (revision == nullptr)
    return Failure{absl::NotFoundError(absl::StrCat("'", request.name(), "' is not kept")),
                   "REVISION_NOT_FOUND",
                   {{"name", request.name()}}};
  admin::v1::Config out = DescribeRevision(*revision, view.history, view.confirmation);
  out.set_content(HideSecrets(revision->content));
  return out;
}

Outcome<admin::v1::ListConfigsResponse> ListConfigs(const View& view,
                                                    const admin::v1::ListConfigsRequest& request) {
  Outcome<ListQuery> query =
      ListQuery::Read(view.page_key, request, *admin::v1::Config::descriptor());
  if (auto* failure = std::get_if<Failure>(&query)) return *failure;
  const std::string& after = std::get<ListQuery>(query).after();
  PageMaker<admin::v1::Config> page(std::get<ListQuery>(query));
  admin::v1::ListConfigsResponse out;
  const auto& all = view.history.all();
  for (auto at = all.rbegin(); at != all.rend(); ++at) {
    if (PageKey(at->first) <= after) continue;
    if (!page.Offer(DescribeRevision(at->second, view.history, view.confirmation),
                    PageKey(at->first)))
      break;
  }
  page.Finish(*out.mutable_configs(), *out.mutable_next_page_token());
  return out;
}

admin::v1::Rollout DescribeRollout(const View& view) {
  using Progress = admin::v1::Rollout::WorkerProgress;
  admin::v1::Rollout out;
  if (const Revision* running = view.history.newest())
    *out.mutable_config() = DescribeRevision(*running, view.history, view.confirmation);
  uint32_t counts[Progress::State_ARRAYSIZE] = {};
  for (const auto& [key, record] : view.workers.workers()) {
    Progress& progress = *out.add_workers();
    progress.set_name(WorkerName(view, key, record));
    progress.set_state(StateOf(view, record));
    ++counts[progress.state()];
    if (progress.state() != Progress::STATE_REFUSED) continue;
    progress.set_reason(NackReasonOf(*record.lane.refused()));
    AddProblems(*record.lane.refused(), view, progress);
  }
  out.set_workers_done(counts[Progress::STATE_DONE]);
  out.set_workers_pending(counts[Progress::STATE_PENDING]);
  out.set_workers_refused(counts[Progress::STATE_REFUSED]);
  out.set_done(out.workers_done() > 0 && out.workers_pending() + out.workers_refused() == 0);
  return out;
}

}  // namespace lb::controlplane
