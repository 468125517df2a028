#include "controlplane/loop/resource_turn.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/admin/rule_answers.h"
#include "controlplane/admin/worker_answers.h"
#include "controlplane/loop/admin_turn.h"
#include "controlplane/loop/event_turn.h"

namespace lb::controlplane {
namespace {

using admin::v1::ResourceChange;
using admin::v1::ResourceType;

// Between two looks: what a person takes for at once, and more with many resources, so that looking
// takes a small part of the loop's time.
constexpr std::chrono::milliseconds kLookInterval{200};
constexpr std::chrono::microseconds kLookIntervalEach{100};

// What alone is no change.
void ClearCounters(admin::v1::Rule& rule) {
  rule.clear_connections();
  rule.clear_connections_total();
  rule.clear_received_bytes_total();
  rule.clear_sent_bytes_total();
  rule.clear_refused_total();
  rule.clear_retries_total();
  rule.clear_queued();
  rule.clear_queued_total();
  rule.clear_handshakes_total();
  rule.clear_resumed_handshakes_total();
  rule.clear_handshake_failures_total();
}

void ClearCounters(admin::v1::Backend& backend) {
  backend.clear_connections();
  backend.clear_connects_total();
  backend.clear_connect_failures_total();
  backend.clear_handshakes_total();
  backend.clear_resumed_handshakes_total();
  backend.clear_check_time();
  backend.clear_last_change_time();  // Shown by the wall clock, which may be set.
  if (backend.has_ejection()) backend.mutable_ejection()->clear_return_time();
}

void ClearCounters(admin::v1::Worker& worker) {
  worker.clear_connections();
  worker.clear_connections_total();
  worker.clear_last_seen_time();
}

template <typename Resource>
void Note(ResourceType type, Resource resource, ResourceBook& book) {
  ClearCounters(resource);
  book.Note(type, resource.name(), std::hash<std::string>()(resource.SerializeAsString()));
}

template <typename Request>
Request Named(const std::string& name) {
  Request request;
  request.set_name(name);
  return request;
}

void NoteBackend(const View& view, const std::string& rule, const std::string& backend,
                 ResourceBook& book) {
  auto found = GetBackend(view, Named<admin::v1::GetBackendRequest>(BackendName(rule, backend)));
  if (auto* described = std::get_if<0>(&found))
    Note(admin::v1::RESOURCE_TYPE_BACKEND, std::move(*described), book);
}

void LookAt(ResourceType type, const View& view, ResourceBook& book) {
  book.BeginLook();
  if (type == admin::v1::RESOURCE_TYPE_WORKER) {
    for (admin::v1::Worker& worker : DescribeWorkers(view)) Note(type, std::move(worker), book);
  } else {
    for (const LiveRule& rule : view.live) {
      if (type == admin::v1::RESOURCE_TYPE_BACKEND) {
        for (const LiveBackend& backend : rule.backends)
          NoteBackend(view, rule.name, backend.name, book);
        for (const UnresolvedBackend& backend : rule.unresolved)
          NoteBackend(view, rule.name, backend.name, book);
        continue;
      }
      auto found =
          GetRule(view, Named<admin::v1::GetRuleRequest>(absl::StrCat("rules/", rule.name)));
      if (auto* described = std::get_if<0>(&found)) Note(type, std::move(*described), book);
    }
  }
  book.EndLook(type);
}

// Workers by name, described once for all who are sent one.
using WorkersByName = std::map<std::string, admin::v1::Worker>;

WorkersByName AllWorkers(const View& view) {
  WorkersByName out;
  for (admin::v1::Worker& worker : DescribeWorkers(view)) {
    std::string name = worker.name();
    out.emplace(std::move(name), std::move(worker));
  }
  return out;
}

// The resource as it is now.
void Fill(const ResourceBook::Change& change, const View& view, WorkersByName& workers,
          ResourceChange& out) {
  if (change.type == admin::v1::RESOURCE_TYPE_RULE) {
    auto found = GetRule(view, Named<admin::v1::GetRuleRequest>(change.name));
    if (auto* rule = std::get_if<0>(&found)) *out.mutable_rule() = std::move(*rule);
  } else if (change.type == admin::v1::RESOURCE_TYPE_BACKEND) {
    auto found = GetBackend(view, Named<admin::v1::GetBackendRequest>(change.name));
    if (auto* backend = std::get_if<0>(&found)) *out.mutable_backend() = std::move(*backend);
  } else {
    if (workers.empty()) workers = AllWorkers(view);
    *out.mutable_worker() = workers[change.name];
  }
}

size_t Send(RequestId request, ResourceChange change, Turn& turn) {
  auto shared = std::make_shared<const ResourceChange>(std::move(change));
  turn.actions.push_back(StreamItem{request, shared});
  return shared->ByteSizeLong();
}

// Sends what is news to one watch. False when more is left to be sent.
bool SendTo(RequestId request, ResourceWatch& watch, const View& view, WorkersByName& workers,
            const ResourceBook& book, Turn& turn) {
  std::vector<ResourceBook::Change> changes;
  const uint64_t upto =
      book.After(watch.said, watch.begin, watch.scope, kMaxResourceChanges, changes);
  size_t bytes = 0;
  for (const ResourceBook::Change& change : changes) {
    if (bytes >= kMaxResourceBytes) return false;
    ResourceChange out;
    out.set_resume_token(book.TokenOf(change.number, watch.scope));
    out.set_kind(change.kind);
    out.set_name(change.name);
    if (change.kind != ResourceChange::KIND_DELETED) Fill(change, view, workers, out);
    bytes += Send(request, std::move(out), turn);
    watch.said = change.number;
  }
  watch.said = upto;
  if (watch.said < book.newest()) return false;
  if (!std::exchange(watch.synced, true)) {
    ResourceChange out;
    out.set_resume_token(book.TokenOf(watch.said, watch.scope));
    out.set_kind(ResourceChange::KIND_SYNCED);
    Send(request, std::move(out), turn);
  }
  return true;
}

}  // namespace

std::optional<Failure> WatchResources(const admin::v1::WatchResourcesRequest& request,
                                      const AdminRequest& event, Parts& parts, Turn& turn) {
  if (parts.resource_watches.size() >= kMaxResourceWatches)
    return Failure{absl::ResourceExhaustedError("too many watches; end one, or try again"),
                   "TOO_MANY_WATCHES"};
  std::set<ResourceType> types;
  for (const int type : request.types()) {
    if (!admin::v1::ResourceType_IsValid(type) || type == admin::v1::RESOURCE_TYPE_UNSPECIFIED)
      return FieldFailure("types", absl::StrCat(type, " is not a type of resource"));
    types.insert(static_cast<ResourceType>(type));
  }
  if (types.empty())
    types = {admin::v1::RESOURCE_TYPE_RULE, admin::v1::RESOURCE_TYPE_BACKEND,
             admin::v1::RESOURCE_TYPE_WORKER};
  ResourceWatch watch{.scope = {{types.begin(), types.end()}, request.parent()},
                      .begin = parts.resources.newest()};
  if (!request.resume_token().empty()) {
    const Outcome<uint64_t> resumed = parts.resources.Resume(request.resume_token(), watch.scope);
    if (const auto* failure = std::get_if<Failure>(&resumed)) return *failure;
    watch.said = std::get<uint64_t>(resumed);
    watch.begin = watch.said;
  }
  parts.resource_watches.emplace(event.request, std::move(watch));
  parts.resource_looks.next = turn.now;
  return std::nullopt;
}

void SendResourceChanges(Parts& parts, Turn& turn) {
  ResourceLooks& looks = parts.resource_looks;
  looks.wanted = true;
  if (parts.resource_watches.empty() || turn.now < looks.next) return;
  const View view = ViewOf(parts, {turn.now, WallOf(turn.now, parts)});
  std::set<ResourceType> types;
  for (const auto& [request, watch] : parts.resource_watches)
    types.insert(watch.scope.types.begin(), watch.scope.types.end());
  for (const ResourceType type : types) LookAt(type, view, parts.resources);
  WorkersByName workers;
  looks.wanted = false;
  for (auto& [request, watch] : parts.resource_watches)
    looks.wanted |= !SendTo(request, watch, view, workers, parts.resources, turn);
  looks.next = turn.now + kLookInterval + kLookIntervalEach * parts.resources.size();
}

Instant NextResourceLook(const Parts& parts) {
  const bool due = parts.resource_looks.wanted && !parts.resource_watches.empty();
  return due ? parts.resource_looks.next : Instant::max();
}

}  // namespace lb::controlplane
