// The workers of a simulated host, and their streams.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/sim/cluster_host.h"

namespace lb::sim {

using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

// Of a message on a unix socket.
constexpr microseconds kLeastDelay{50};
constexpr microseconds kMostDelay{1'000};
constexpr milliseconds kSoon{100};       // Until the end of a process or a stream is seen.
constexpr milliseconds kRestart{1'000};  // Of a worker, by its supervisor.

}  // namespace

Duration ClusterHost::Between(Duration low, Duration high) {
  return low + Duration(prng_.Below(static_cast<uint64_t>((high - low).count()) + 1));
}

SimWorker* ClusterHost::Find(size_t slot, uint64_t process) {
  SimWorker* worker = workers_[slot].get();
  return worker != nullptr && worker->process() == process ? worker : nullptr;
}

void ClusterHost::StartWorker(size_t slot) {
  if (workers_[slot] != nullptr || !machine_up_) return;
  const uint64_t process = next_process_++;
  workers_[slot] = std::make_unique<SimWorker>(absl::StrCat("worker-", slot + 1), process,
                                               prng_.Next(), seams_.queue.now());
  links_[slot] = {};
  processes_.insert(process);
  Connect(slot, process);
  TickWorker(slot, process);
}

void ClusterHost::CrashWorker(size_t slot) {
  if (workers_[slot] == nullptr) return;
  const uint64_t process = workers_[slot]->process();
  const uint64_t session = links_[slot].session;
  processes_.erase(process);
  workers_[slot].reset();
  links_[slot] = {};
  seams_.queue.After(Between(Duration{0}, kSoon), [this, life = life_, session] {
    if (life == life_ && session != 0) Take(controlplane::WorkerStreamEnded{session});
  });
  ReportGone(process);
  seams_.queue.After(kRestart, [this, slot] { StartWorker(slot); });
}

void ClusterHost::ReportGone(uint64_t process) {
  const uint32_t pid = SimWorker::PidOf(process);
  seams_.queue.After(Between(Duration{0}, kSoon), [this, life = life_, pid, process] {
    if (life == life_) Take(controlplane::ProcessGone{pid, process});
  });
}

void ClusterHost::Connect(size_t slot, uint64_t process) {
  SimWorker* worker = Find(slot, process);
  if (worker == nullptr || links_[slot].session != 0) return;
  const Instant now = seams_.queue.now();
  worker::v1::ConnectRequest hello = worker->Connected(now);
  if (plane_ == nullptr) {
    seams_.queue.After(worker->Disconnected(now),
                       [this, slot, process] { Connect(slot, process); });
    return;
  }
  links_[slot].session = next_session_++;
  Up(slot, std::move(hello));
}

// The control plane is gone, or wants it to be.
void ClusterHost::EndStream(size_t slot) {
  const uint64_t session = std::exchange(links_[slot].session, 0);
  if (session == 0) return;
  if (plane_ != nullptr)
    seams_.queue.After(kLeastDelay, [this, life = life_, session] {
      if (life == life_) Take(controlplane::WorkerStreamEnded{session});
    });
  if (workers_[slot] == nullptr) return;
  const uint64_t process = workers_[slot]->process();
  seams_.queue.After(workers_[slot]->Disconnected(seams_.queue.now()),
                     [this, slot, process] { Connect(slot, process); });
}

void ClusterHost::TickWorker(size_t slot, uint64_t process) {
  SimWorker* worker = Find(slot, process);
  if (worker == nullptr) return;
  SimWorker::Messages out;
  const absl::Status status = worker->Tick(seams_.queue.now(), out);
  UpAll(slot, std::move(out));
  if (!status.ok()) EndStream(slot);
  seams_.queue.After(worker->tick_interval(), [this, slot, process] { TickWorker(slot, process); });
}

void ClusterHost::UpAll(size_t slot, SimWorker::Messages messages) {
  for (worker::v1::ConnectRequest& message : messages) Up(slot, std::move(message));
}

void ClusterHost::Up(size_t slot, worker::v1::ConnectRequest message) {
  Link& link = links_[slot];
  if (link.session == 0) return;
  link.last_up = std::max(link.last_up, seams_.queue.now() + Between(kLeastDelay, kMostDelay));
  const uint64_t process = workers_[slot]->process();
  seams_.queue.At(link.last_up, [this, life = life_, session = link.session, process,
                                 message = std::move(message)]() mutable {
    if (life != life_) return;
    const uint64_t ticks = processes_.contains(process) ? process : 0;
    Take(controlplane::WorkerMessage{session, std::move(message), ticks});
  });
}

std::optional<size_t> ClusterHost::SlotOf(uint64_t session) const {
  for (size_t slot = 0; slot < links_.size(); ++slot)
    if (session != 0 && links_[slot].session == session) return slot;
  return std::nullopt;
}

void ClusterHost::Down(uint64_t session, const worker::v1::ConnectResponse& message) {
  seams_.trace(session << 32 ^ message.ByteSizeLong());
  const std::optional<size_t> slot = SlotOf(session);
  if (!slot) return;
  Link& link = links_[*slot];
  link.last_down = std::max(link.last_down, seams_.queue.now() + Between(kLeastDelay, kMostDelay));
  seams_.queue.At(link.last_down, [this, session, message] { TakeDown(session, message); });
}

void ClusterHost::TakeDown(uint64_t session, const worker::v1::ConnectResponse& message) {
  const std::optional<size_t> slot = SlotOf(session);
  if (!slot || workers_[*slot] == nullptr) return;
  SimWorker::Messages out;
  const absl::Status status = workers_[*slot]->Take(message, seams_.queue.now(), out);
  UpAll(*slot, std::move(out));
  if (status.ok()) return;
  seams_.violated(absl::StrCat(name_, "/", workers_[*slot]->id(), " got ", status.ToString()));
  EndStream(*slot);
}

}  // namespace lb::sim
