#include "dataplane/forward/forwarder.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/prng.h"
#include "dataplane/access_log/access_log.h"
#include "dataplane/forward/connection.h"
#include "dataplane/forward/connection_walk.h"
#include "dataplane/forward/io_thread.h"
#include "dataplane/forward/listen_plan.h"

namespace lb::dataplane {
namespace {

// Descriptors kept for all but connections and listening sockets: the control stream, logs, the
// sockets of refused clients.
constexpr uint64_t kReservedDescriptors = 256;

// Pipes for bulk transfers, all threads together: far more than transfers that move, so that slow
// readers that each keep one do not take it from the others; at most this part of the descriptors.
// A non-root user's soft limit (pipe(7), fs.pipe-user-pages-soft) is half of it.
constexpr uint64_t kMaxPipes = 512;
constexpr uint64_t kDescriptorsPerPipe = 32;

// Returns how many pipes one thread may have; at least 1.
uint64_t PipesPerThread(uint64_t descriptors, uint64_t threads) {
  return std::max<uint64_t>(std::min(kMaxPipes, descriptors / kDescriptorsPerPipe) / threads, 1);
}

// Returns RLIMIT_NOFILE.
absl::StatusOr<uint64_t> DescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return absl::InternalError(absl::StrCat("RLIMIT_NOFILE: ", std::strerror(errno)));
  return static_cast<uint64_t>(limit.rlim_cur);
}

// The client connections that `descriptors` allow beside the listening sockets and pipes, two
// descriptors each; at least 1.
uint64_t AllowedConnections(uint64_t descriptors, uint64_t listening_sockets, uint64_t pipes) {
  const uint64_t taken = kReservedDescriptors + listening_sockets + 2 * pipes;
  return descriptors < taken + 2 ? 1 : (descriptors - taken) / 2;
}

// A thread that does not take its tables for this long hangs: the process ends, so that its
// listening sockets leave the SO_REUSEPORT groups. Longer than any turn of a thread that works.
constexpr std::chrono::seconds kHungAfter{30};

// Answers that all threads owe; shared, because one may come after the asker has left.
class Answers final {
 public:
  explicit Answers(size_t missing) : missing_(missing) {}

  // Any thread: one answer is here.
  void Arrive() {
    const std::lock_guard lock(mutex_);
    --missing_;
    arrived_.notify_one();
  }

  // The asker: false when some are still missing after `within`.
  [[nodiscard]] bool Wait(std::chrono::milliseconds within) {
    std::unique_lock lock(mutex_);
    return arrived_.wait_for(lock, within, [this] { return missing_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  size_t missing_;
};

}  // namespace

class Forwarder::Impl final {
 public:
  explicit Impl(const Options& options)
      : options_(options),
        access_log_({.worker = options.worker, .threads = options.threads, .seed = options.seed}) {
    LB_CHECK(options.threads >= 1 && options.threads <= kMaxThreads);
  }

  absl::Status Start() {
    LB_CHECK(threads_.empty());
    const absl::StatusOr<uint64_t> descriptors = DescriptorLimit();
    if (!descriptors.ok()) return descriptors.status();
    descriptors_ = *descriptors;
    auto group = ThreadGroup::Make(options_.threads);
    if (!group.ok()) return group.status();
    group_ = *std::move(group);
    SetMaxConnections();
    Prng seeds(options_.seed);
    for (size_t i = 0; i < options_.threads; ++i) {
      auto thread = IoThread::Start({.index = i,
                                     .seed = seeds.Next(),
                                     .group = group_,
                                     .access_ring = &access_log_.ring(i),
                                     .max_pipes = PipesPerThread(descriptors_, options_.threads)});
      if (!thread.ok()) {
        threads_.clear();
        return thread.status();
      }
      threads_.push_back(*std::move(thread));
    }
    return absl::OkStatus();
  }

  std::vector<BindFailure> Apply(std::shared_ptr<const Tables> tables) {
    ListenPlan plan;
    if (accepting_) plan = MakeListenPlan(*tables, addresses_, inherited_, threads_.size());
    if (!plan.failures.empty()) return std::move(plan.failures);
    inherited_.clear();
    Distribute(tables, plan.addresses);
    addresses_ = std::move(plan.addresses);
    tables_ = std::move(tables);
    access_log_.SetDestination(tables_->access_log);
    SetMaxConnections();
    return {};
  }

  void Inherit(std::vector<PassedSocket> sockets) { inherited_ = std::move(sockets); }

  std::vector<PassedSocket> sockets() const {
    std::vector<PassedSocket> all;
    for (const auto& [key, address] : addresses_)
      for (const auto& socket : address.sockets) all.push_back({key, socket.fd, socket.home});
    return all;
  }

  std::vector<PassedSocket> Adopt(std::vector<PassedSocket> sockets) {
    std::erase_if(sockets, [this](const auto& socket) { return !addresses_.contains(socket.key); });
    for (const PassedSocket& socket : sockets) {
      auto& there = addresses_.at(socket.key).sockets;
      there.push_back({socket.fd, there.size() % threads_.size(), socket.home});
    }
    Distribute(tables_, addresses_);
    SetMaxConnections();
    return sockets;
  }

  void Release(const std::string& home) {
    for (auto& [key, address] : addresses_)
      std::erase_if(address.sockets, [&](const auto& socket) { return socket.home == home; });
    const bool before = std::exchange(leave_queues_, true);  // They are back where they came from.
    Distribute(tables_, addresses_);
    leave_queues_ = before;
    SetMaxConnections();
  }

  void LeaveQueues() { leave_queues_ = true; }

  void StopAccepting() {
    accepting_ = false;
    LB_CHECK(Apply(tables_).empty());
  }

  std::vector<BindFailure> ResumeAccepting() {
    const bool before = std::exchange(accepting_, true);
    std::vector<BindFailure> failures = Apply(tables_);
    if (failures.empty())
      leave_queues_ = false;
    else
      accepting_ = before;
    return failures;
  }

  void CloseConnections() {
    RunOnAll([](size_t) {
      return [](ThreadParts parts) { Connection::CloseAll(parts.context, CloseReason::kDrain); };
    });
  }

  void ReopenAccessLog() { access_log_.Reopen(); }

  void Run(const std::shared_ptr<ConnectionWalk>& walk) {
    for (const auto& thread : threads_)
      thread->Post([walk](ThreadParts parts) { walk->Run(parts.context); });
  }

  uint64_t connections() const { return group_->connections(); }
  std::string access_log_error() const { return access_log_.error(); }

  std::optional<Endpoint> listening(const std::string& name) const {
    for (const auto& rule : tables_->rules) {
      if (rule->name != name) continue;
      const auto known = addresses_.find(ListenKeyOf(*rule));
      if (known != addresses_.end()) return known->second.bound;
    }
    return std::nullopt;
  }

  ThreadTotals totals() const {
    std::map<std::string, uint64_t> errors;
    ThreadTotals totals;
    for (size_t i = 0; i < threads_.size(); ++i) {
      threads_[i]->accept_errors().AddTo(errors);
      totals.connections.push_back(group_->connections(i));
    }
    totals.accept_errors.assign(errors.begin(), errors.end());
    totals.access_log_lines = access_log_.lines();
    totals.access_log_dropped = access_log_.dropped();
    return totals;
  }

  bool Alive(std::chrono::milliseconds within) const {
    const auto answers = std::make_shared<Answers>(threads_.size());
    for (const auto& thread : threads_) thread->Post([answers](ThreadParts) { answers->Arrive(); });
    return answers->Wait(within);
  }

 private:
  void SetMaxConnections() {
    const uint64_t threads = options_.threads;
    uint64_t sockets = 0;
    for (const auto& [key, address] : addresses_) sockets += address.sockets.size();
    const uint64_t allowed =
        AllowedConnections(descriptors_, sockets, PipesPerThread(descriptors_, threads) * threads);
    const uint64_t wanted = options_.max_connections;
    group_->SetMaxConnections(wanted != 0 ? std::min(wanted, allowed) : allowed);
  }

  // Runs make(thread index)(parts) on every thread and waits for all.
  template <typename Make>
  void RunOnAll(Make make) {
    LB_CHECK(!threads_.empty());
    const auto answers = std::make_shared<Answers>(threads_.size());
    for (size_t i = 0; i < threads_.size(); ++i) {
      threads_[i]->Post([answers, work = make(i)](ThreadParts parts) {
        work(parts);
        answers->Arrive();
      });
    }
    LB_CHECK(answers->Wait(kHungAfter));
  }

  // Hands every thread the tables and its sockets.
  void Distribute(const std::shared_ptr<const Tables>& tables,
                  const ListeningAddresses& addresses) {
    RunOnAll([&](size_t index) {
      auto update = std::make_shared<ListenerSet::Update>();
      update->tables = tables;
      update->leave_queues = leave_queues_;
      for (const auto& [key, address] : addresses) {
        for (const auto& socket : address.sockets)
          if (socket.thread == index) update->sockets[key].push_back(socket.fd);
      }
      return [update](ThreadParts parts) { parts.listeners.Apply(std::move(*update)); };
    });
  }

  const Options options_;
  uint64_t descriptors_ = 0;  // RLIMIT_NOFILE.
  std::shared_ptr<ThreadGroup> group_;
  AccessLog access_log_;  // Outlives the threads, whose last connections it takes.
  std::vector<std::unique_ptr<IoThread>> threads_;
  std::shared_ptr<const Tables> tables_ = std::make_shared<const Tables>();
  ListeningAddresses addresses_;  // Where the threads listen.
  std::vector<PassedSocket> inherited_;
  bool accepting_ = true;
  bool leave_queues_ = false;
};

Forwarder::Forwarder(Options options) : impl_(std::make_unique<Impl>(options)) {}

Forwarder::~Forwarder() = default;

absl::Status Forwarder::Start() { return impl_->Start(); }

std::vector<Forwarder::BindFailure> Forwarder::Apply(std::shared_ptr<const Tables> tables) {
  return impl_->Apply(std::move(tables));
}

void Forwarder::Inherit(std::vector<PassedSocket> sockets) { impl_->Inherit(std::move(sockets)); }

std::vector<PassedSocket> Forwarder::sockets() const { return impl_->sockets(); }

std::vector<PassedSocket> Forwarder::Adopt(std::vector<PassedSocket> sockets) {
  return impl_->Adopt(std::move(sockets));
}

void Forwarder::Release(const std::string& home) { impl_->Release(home); }

void Forwarder::LeaveQueues() { impl_->LeaveQueues(); }

void Forwarder::StopAccepting() { impl_->StopAccepting(); }

std::vector<Forwarder::BindFailure> Forwarder::ResumeAccepting() {
  return impl_->ResumeAccepting();
}

void Forwarder::CloseConnections() { impl_->CloseConnections(); }

void Forwarder::ReopenAccessLog() { impl_->ReopenAccessLog(); }

void Forwarder::Run(const std::shared_ptr<ConnectionWalk>& walk) { impl_->Run(walk); }

uint64_t Forwarder::connections() const { return impl_->connections(); }

std::string Forwarder::access_log_error() const { return impl_->access_log_error(); }

std::optional<Endpoint> Forwarder::listening(const std::string& rule) const {
  return impl_->listening(rule);
}

Forwarder::ThreadTotals Forwarder::totals() const { return impl_->totals(); }

bool Forwarder::Alive(std::chrono::milliseconds within) const { return impl_->Alive(within); }

}  // namespace lb::dataplane
