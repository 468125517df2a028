#include "controlplane/admin/operations.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/utf8.h"

namespace lb::controlplane {
namespace {

constexpr size_t kMaxReasonBytes = 256;  // Kept of what a worker says.

void Fail(admin::v1::Operation& operation, absl::StatusCode code, const std::string& message) {
  operation.set_done(true);
  operation.set_status(message);
  operation.set_error_code(static_cast<int32_t>(code));
  operation.set_error_message(message);
}

std::string StatusText(const worker::v1::DrainStatus& status) {
  if (!status.done()) return absl::StrCat(status.connections_left(), " connections left");
  if (status.connections_closed() == 0) return "done";
  return absl::StrCat("done; ", status.connections_closed(), " connections closed at the timeout");
}

}  // namespace

admin::v1::Operation WithState(admin::v1::Operation operation) {
  using admin::v1::Operation;
  const auto code = static_cast<absl::StatusCode>(operation.error_code());
  operation.set_state(!operation.done()                      ? Operation::STATE_RUNNING
                      : code == absl::StatusCode::kOk        ? Operation::STATE_SUCCEEDED
                      : code == absl::StatusCode::kCancelled ? Operation::STATE_CANCELLED
                                                             : Operation::STATE_FAILED);
  return operation;
}

std::optional<Failure> Operations::CheckRoom() const {
  const auto is_done = [](const auto& entry) { return entry.second.operation.done(); };
  if (entries_.size() < kMaxOperations || std::any_of(entries_.begin(), entries_.end(), is_done))
    return std::nullopt;
  return Failure{absl::ResourceExhaustedError(absl::StrCat(
                     kMaxOperations, " operations are under way; wait for one, or cancel it")),
                 "TOO_MANY_OPERATIONS"};
}

// What is under way is never dropped: what the loop itself begins, to end a drain, may pass the
// bound by as much again.
void Operations::MakeRoom() {
  if (entries_.size() <= kMaxOperations) return;
  const auto is_done = [](const auto& entry) { return entry.second.operation.done(); };
  const auto oldest = std::find_if(entries_.begin(), entries_.end(), is_done);
  if (oldest != entries_.end()) entries_.erase(oldest);
}

worker::v1::Command Operations::Start(const WorkerKey& worker, worker::v1::Command order,
                                      uint64_t connections) {
  const uint64_t number = next_++;
  order.set_id(absl::StrCat(life_, "/", number));
  const bool undrain = order.has_undrain();
  for (auto& [old_number, old] : entries_)
    if (old.worker == worker && !old.operation.done())
      Fail(old.operation, absl::StatusCode::kAborted,
           undrain ? "the worker was undrained" : "the worker was drained");
  changed_ = true;
  Entry& entry = entries_[number];
  entry.worker = worker;
  entry.order = order;
  entry.operation.set_name(absl::StrCat("operations/", number));
  entry.operation.set_kind(undrain ? "UndrainWorker" : "DrainWorker");
  entry.operation.set_target(absl::StrCat("workers/", worker.id));
  if (!undrain) entry.operation.set_connections_left(connections);
  entry.operation.set_status("sent to the worker");
  MakeRoom();
  return order;
}

uint64_t Operations::Open(const std::string& kind, const std::string& target, uint64_t connections,
                          const std::string& status) {
  const uint64_t number = next_++;
  admin::v1::Operation& operation = entries_[number].operation;
  operation.set_name(absl::StrCat("operations/", number));
  operation.set_kind(kind);
  operation.set_target(target);
  operation.set_connections_left(connections);
  operation.set_status(status);
  MakeRoom();
  changed_ = true;
  return number;
}

admin::v1::Operation* Operations::Edit(uint64_t number) {
  const auto it = entries_.find(number);
  return it == entries_.end() ? nullptr : &it->second.operation;
}

void Operations::Cancel(uint64_t number, const std::string& status) {
  const auto it = entries_.find(number);
  if (it == entries_.end() || it->second.operation.done()) return;
  Fail(it->second.operation, absl::StatusCode::kCancelled, status);
  changed_ = true;
}

const WorkerKey* Operations::WorkerOf(uint64_t number) const {
  const auto it = entries_.find(number);
  return it == entries_.end() || it->second.worker.id.empty() ? nullptr : &it->second.worker;
}

std::optional<uint64_t> Operations::NumberOf(const std::string& name) const {
  absl::string_view rest = name;
  uint64_t number = 0;
  if (!absl::ConsumePrefix(&rest, "operations/") || !absl::SimpleAtoi(rest, &number) ||
      !entries_.contains(number))
    return std::nullopt;
  return number;
}

void Operations::End(uint64_t number, absl::StatusCode code, const std::string& words) {
  admin::v1::Operation* operation = Edit(number);
  if (operation == nullptr || operation->done()) return;
  changed_ = true;
  if (code != absl::StatusCode::kOk) return Fail(*operation, code, words);
  operation->set_done(true);
  operation->set_status(words);
}

void Operations::Store(state::v1::StoredState& state) const {
  const auto is_done = [](const auto& entry) { return entry.second.operation.done(); };
  auto skip = static_cast<size_t>(std::count_if(entries_.begin(), entries_.end(), is_done));
  skip -= std::min(skip, kMaxStoredDone);
  for (const auto& [number, entry] : entries_) {
    if (entry.operation.done() && skip > 0) {
      --skip;
      continue;
    }
    state::v1::StoredState::Operation& stored = *state.add_operations();
    stored.set_number(number);
    *stored.mutable_operation() = entry.operation;
    if (entry.operation.done()) continue;
    stored.mutable_operation()->clear_status();
    stored.mutable_operation()->clear_connections_left();
    stored.mutable_operation()->clear_connections_closed();
    stored.set_worker_id(entry.worker.id);
    stored.set_worker_incarnation(entry.worker.incarnation);
    stored.set_order(entry.order.SerializeAsString());
  }
  state.set_last_operation(next_ - 1);
}

void Operations::Restore(const state::v1::StoredState::Operation& stored) {
  Entry& entry = entries_[stored.number()];
  entry.operation = stored.operation();
  entry.worker = {stored.worker_id(), stored.worker_incarnation()};
  if (!entry.order.ParseFromString(stored.order())) entry.order.Clear();
  if (!entry.operation.done()) entry.operation.set_status("the control plane was restarted");
  RestoreLast(stored.number());
  MakeRoom();
}

bool Operations::Progress(const worker::v1::DrainStatus& status) {
  // The life in front of the number may be an earlier one.
  const absl::string_view id = status.command_id();
  uint64_t number = 0;
  if (!absl::SimpleAtoi(id.substr(id.rfind('/') + 1), &number)) return false;
  const auto it = entries_.find(number);
  if (it == entries_.end() || it->second.operation.done()) return false;
  if (it->second.order.id() != status.command_id()) return false;
  admin::v1::Operation& operation = it->second.operation;
  changed_ |= status.done();
  if (!status.refused().empty()) {
    changed_ = true;
    Fail(operation, absl::StatusCode::kFailedPrecondition,
         CutUtf8(status.refused(), kMaxReasonBytes));
    return true;
  }
  operation.set_connections_left(status.connections_left());
  operation.set_connections_closed(status.connections_closed());
  operation.set_done(status.done());
  operation.set_status(StatusText(status));
  return true;
}

void Operations::Forget(const WorkerKey& worker) {
  for (auto& [number, entry] : entries_)
    if (entry.worker == worker && !entry.operation.done()) {
      Fail(entry.operation, absl::StatusCode::kAborted, "the worker's process ended");
      changed_ = true;
    }
}

std::vector<worker::v1::Command> Operations::Unfinished(const WorkerKey& worker) const {
  std::vector<worker::v1::Command> out;
  for (const auto& [number, entry] : entries_)
    if (entry.worker == worker && !entry.operation.done()) out.push_back(entry.order);
  return out;
}

const admin::v1::Operation* Operations::RunningDrain(const WorkerKey& worker) const {
  for (const auto& [number, entry] : entries_)
    if (entry.worker == worker && entry.order.has_drain() && !entry.operation.done())
      return &entry.operation;
  return nullptr;
}

const admin::v1::Operation* Operations::Find(const std::string& name) const {
  const std::optional<uint64_t> number = NumberOf(name);
  return number ? &entries_.at(*number).operation : nullptr;
}

std::vector<std::pair<uint64_t, const admin::v1::Operation*>> Operations::Newest(
    uint64_t before, size_t most) const {
  std::vector<std::pair<uint64_t, const admin::v1::Operation*>> found;
  for (auto at = std::make_reverse_iterator(entries_.lower_bound(before));
       at != entries_.rend() && found.size() < most; ++at)
    found.emplace_back(at->first, &at->second.operation);
  return found;
}

}  // namespace lb::controlplane
