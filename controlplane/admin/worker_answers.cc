#include "controlplane/admin/worker_answers.h"

#include <set>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "controlplane/admin/etags.h"
#include "controlplane/admin/list_query.h"
#include "controlplane/admin/proto_time.h"
#include "controlplane/config/suggest.h"

namespace lb::controlplane {
namespace {

constexpr char kWorkerPrefix[] = "workers/";

std::string Place(const WorkerKey& key) { return absl::StrCat(key.id, "@", key.incarnation); }

admin::v1::Worker Describe(const View& view, const WorkerKey& key, const WorkerRecord& record) {
  admin::v1::Worker out;
  out.set_name(WorkerName(view, key, record));
  *out.mutable_process() = record.identity;
  out.set_sync(SyncOf(view, record));
  if (record.lane.sent()) *out.mutable_sent() = *record.lane.sent();
  if (record.lane.running()) *out.mutable_acked() = *record.lane.running();
  if (record.lane.refused()) {
    const worker::v1::Nack& nack = *record.lane.refused();
    out.set_nack_reason(NackReasonOf(nack));
    *out.mutable_problems() = nack.problems();
  }
  *out.mutable_last_seen_time() = ToProto(view.clock.ToWall(record.last_seen));
  const WorkerTotals totals = view.totals.OfWorker(key);
  out.set_connections(totals.connections);
  out.set_connections_total(totals.connections_total);
  out.set_draining(record.draining);
  out.set_ending(record.ending);
  out.set_drained(record.session && record.drained);
  out.set_threads(record.threads);
  // One that was only restored from the state file has said nothing yet.
  for (const std::string& feature : record.missing_features) out.add_missing_features(feature);
  out.set_etag(EtagOf(out));
  return out;
}

}  // namespace

std::string WorkerName(const View& view, const WorkerKey& key, const WorkerRecord& record) {
  const bool newest = view.workers.FindNewest(key.id) == &record;
  return absl::StrCat(kWorkerPrefix, newest ? key.id : Place(key));
}

std::string NackReasonOf(const worker::v1::Nack& nack) {
  const std::string name = worker::v1::Nack::Reason_Name(nack.reason());
  return std::string(absl::StripPrefix(name, "REASON_"));
}

admin::v1::Worker::Sync SyncOf(const View& view, const WorkerRecord& record) {
  if (!record.session) return admin::v1::Worker::SYNC_DISCONNECTED;
  if (record.silent) return admin::v1::Worker::SYNC_STALE;
  if (record.lane.refused()) return admin::v1::Worker::SYNC_ERROR;
  if (!view.versions.has_content()) return admin::v1::Worker::SYNC_NOT_SENT;
  if (record.lane.Runs(view.versions.current())) return admin::v1::Worker::SYNC_SYNCED;
  return record.lane.in_flight() ? admin::v1::Worker::SYNC_STALE : admin::v1::Worker::SYNC_NOT_SENT;
}

Outcome<WorkerKey> FindWorker(const View& view, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [key, record] : view.workers.workers()) {
    names.push_back(WorkerName(view, key, record));
    if (names.back() == name || absl::StrCat(kWorkerPrefix, Place(key)) == name) return key;
  }
  std::string message = absl::StrCat("'", name, "' does not exist");
  const std::string_view nearest = Nearest(name, {names.begin(), names.end()});
  if (!nearest.empty()) absl::StrAppend(&message, "; did you mean '", std::string(nearest), "'?");
  return Failure{absl::NotFoundError(message), "WORKER_NOT_FOUND"};
}

Outcome<admin::v1::Worker> GetWorker(const View& view, const admin::v1::GetWorkerRequest& request) {
  const Outcome<WorkerKey> key = FindWorker(view, request.name());
  if (const auto* failure = std::get_if<Failure>(&key)) return *failure;
  return Describe(view, std::get<WorkerKey>(key), *view.workers.Find(std::get<WorkerKey>(key)));
}

Outcome<admin::v1::ListWorkersResponse> ListWorkers(const View& view,
                                                    const admin::v1::ListWorkersRequest& request) {
  const Outcome<ListQuery> query =
      ListQuery::Read(view.page_key, request, *admin::v1::Worker::descriptor());
  if (const auto* failure = std::get_if<Failure>(&query)) return *failure;
  const std::string& last = std::get<ListQuery>(query).after();
  const size_t at = last.find('@');
  const WorkerKey after{last.substr(0, at), at == std::string::npos ? "" : last.substr(at + 1)};
  PageMaker<admin::v1::Worker> page(std::get<ListQuery>(query));
  admin::v1::ListWorkersResponse out;
  for (const auto& [key, record] : view.workers.workers()) {
    if (!last.empty() && key <= after) continue;
    if (!page.Offer(Describe(view, key, record), Place(key))) break;
  }
  page.Finish(*out.mutable_workers(), *out.mutable_next_page_token());
  return out;
}

std::vector<admin::v1::Worker> DescribeWorkers(const View& view) {
  std::vector<admin::v1::Worker> out;
  for (const auto& [key, record] : view.workers.workers())
    out.push_back(Describe(view, key, record));
  return out;
}

Outcome<admin::v1::ListOperationsResponse> ListOperations(
    const View& view, const admin::v1::ListOperationsRequest& request) {
  const Outcome<ListQuery> query =
      ListQuery::Read(view.page_key, request, *admin::v1::Operation::descriptor());
  if (const auto* failure = std::get_if<Failure>(&query)) return *failure;
  const std::string& after = std::get<ListQuery>(query).after();
  uint64_t before = UINT64_MAX;
  if (!after.empty() && !absl::SimpleAtoi(after, &before)) before = 0;
  PageMaker<admin::v1::Operation> page(std::get<ListQuery>(query));
  admin::v1::ListOperationsResponse out;
  for (const auto& [number, operation] :
       view.operations.Newest(before, Operations::kMaxOperations)) {
    if (!page.Offer(WithState(*operation), absl::StrCat(number))) break;
  }
  page.Finish(*out.mutable_operations(), *out.mutable_next_page_token());
  return out;
}

}  // namespace lb::controlplane
