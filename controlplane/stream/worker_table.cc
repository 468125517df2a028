#include "controlplane/stream/worker_table.h"

#include <algorithm>

#include "base/check.h"
#include "controlplane/snapshot/features.h"

namespace lb::controlplane {
namespace {

std::vector<std::string> MissingIn(const worker::v1::Hello& hello) {
  std::vector<std::string> missing;
  for (const char* feature : kFeatures)
    if (std::find(hello.features().begin(), hello.features().end(), feature) ==
        hello.features().end())
      missing.emplace_back(feature);
  return missing;
}

}  // namespace

void WorkerTable::Restore(const WorkerKey& key, uint32_t pid, uint64_t start_ticks, Instant now) {
  if (workers_.size() >= kMaxWorkers) return;
  WorkerRecord& record = workers_[key];
  record.identity.set_id(key.id);
  record.identity.set_incarnation(key.incarnation);
  record.identity.set_pid(pid);
  record.start_ticks = start_ticks;
  record.last_seen = now;
}

WorkerRecord* WorkerTable::Connect(SessionId session, const worker::v1::Hello& hello, Instant now,
                                   std::optional<SessionId>& replaced) {
  const WorkerKey key{hello.worker().id(), hello.worker().incarnation()};
  if (!workers_.contains(key) && workers_.size() >= kMaxWorkers) return nullptr;
  WorkerRecord& record = workers_[key];
  replaced = record.session;
  if (replaced) sessions_.erase(*replaced);
  std::optional<type::v1::ConfigVersion> running;
  if (hello.has_running()) running = hello.running();
  record = {.identity = hello.worker(),
            .session = session,
            .lane = ConfigLane(running),
            .start_ticks = 0,
            .process_gone = false,
            .hello_order = next_hello_++,
            .last_seen = now,
            .silent = false,
            .await_slots_until = std::nullopt,
            .draining = hello.draining(),
            .ending = false,
            .drain_begun = hello.draining(),
            .drained = false,
            .counted = std::nullopt,
            .threads = hello.threads(),
            .log_level = type::v1::LogLevel_IsValid(hello.log_level())
                             ? hello.log_level()
                             : type::v1::LOG_LEVEL_UNSPECIFIED,
            .missing_features = MissingIn(hello)};
  record.identity.DiscardUnknownFields();
  if (!hello.has_running()) record.await_slots_until = now + kAwaitSlots;
  sessions_.emplace(session, key);
  lost_.erase(key.id);
  return &record;
}

WorkerRecord* WorkerTable::FindSession(SessionId session) {
  const auto it = sessions_.find(session);
  return it == sessions_.end() ? nullptr : &workers_.at(it->second);
}

const WorkerRecord* WorkerTable::Find(const WorkerKey& key) const {
  const auto it = workers_.find(key);
  return it == workers_.end() ? nullptr : &it->second;
}

const WorkerRecord* WorkerTable::FindNewest(const std::string& id) const {
  const WorkerRecord* newest = nullptr;
  for (auto it = workers_.lower_bound({id, ""}); it != workers_.end() && it->first.id == id; ++it)
    if (newest == nullptr || it->second.hello_order > newest->hello_order) newest = &it->second;
  return newest;
}

std::optional<WorkerKey> WorkerTable::Disconnect(SessionId session) {
  const auto it = sessions_.find(session);
  if (it == sessions_.end()) return std::nullopt;
  const WorkerKey key = it->second;
  sessions_.erase(it);
  WorkerRecord& record = workers_.at(key);
  LB_CHECK(record.session == session);
  record.session.reset();
  if (!record.process_gone) return std::nullopt;
  workers_.erase(key);
  return key;
}

void WorkerTable::NoteLost(const std::string& id, Instant now) {
  const WorkerRecord* other = FindNewest(id);
  if (other != nullptr && other->session) return;
  if (lost_.size() < kMaxWorkers || lost_.contains(id)) lost_[id] = now;
}

std::vector<WorkerKey> WorkerTable::ProcessGone(uint32_t pid, uint64_t start_ticks) {
  return End([&](const WorkerKey&, const WorkerRecord& record) {
    return record.identity.pid() == pid && record.start_ticks == start_ticks;
  });
}

std::vector<WorkerKey> WorkerTable::PidTaken(const WorkerKey& by) {
  const WorkerRecord& owner = workers_.at(by);
  return End([&](const WorkerKey& key, const WorkerRecord& record) {
    if (key == by || record.identity.pid() != owner.identity.pid()) return false;
    // Of another host nothing is known but the names, each of which one process has.
    if (owner.identity.pid() == 0) return key.id == by.id && !record.session;
    // The same start time: the same process, which lives.
    const bool same = owner.start_ticks != 0 && record.start_ticks == owner.start_ticks;
    return !same;
  });
}

template <typename Predicate>
std::vector<WorkerKey> WorkerTable::End(Predicate ended) {
  std::vector<WorkerKey> dropped;
  for (auto& [key, record] : workers_) {
    if (!ended(key, record)) continue;
    record.process_gone = true;
    if (!record.session) dropped.push_back(key);
  }
  for (const WorkerKey& key : dropped) workers_.erase(key);
  return dropped;
}

}  // namespace lb::controlplane
