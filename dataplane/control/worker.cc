#include "dataplane/control/worker.h"

#include <malloc.h>

#include <boost/asio/steady_timer.hpp>
#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/prng.h"
#include "base/service_reports.h"
#include "base/status_macros.h"
#include "dataplane/control/backoff.h"
#include "dataplane/control/config_lane.h"
#include "dataplane/control/connection_lane.h"
#include "dataplane/control/descriptor_store.h"
#include "dataplane/control/drainer.h"
#include "dataplane/control/forwarder_traffic.h"
#include "dataplane/control/heap_trim.h"
#include "dataplane/control/keepsake.h"
#include "dataplane/control/log_lane.h"
#include "dataplane/control/paced_drains.h"
#include "dataplane/control/replacement.h"
#include "dataplane/control/session.h"
#include "dataplane/control/snapshot_file.h"
#include "dataplane/control/stream_client.h"
#include "dataplane/control/watchdog.h"
#include "dataplane/control/worker_pages.h"
#include "dataplane/outlier/ejection.h"
#include "dataplane/snapshot/state_registry.h"

namespace lb::dataplane {
namespace {

constexpr std::chrono::milliseconds kTick{100};  // Half of the shortest interval of a session.
// An I/O thread answers between two events, far below this even on a busy machine; the control loop
// stands still meanwhile.
constexpr std::chrono::milliseconds kAnswersWithin{500};
// A stream that lasted this long was a good one. Shorter ones, welcomed or not, leave the backoff
// growing, so that a broken control plane is not asked ten times a second.
constexpr Duration kGoodStream = std::chrono::seconds(5);

Instant Now() { return ReadClocks().steady; }

std::string Text(const absl::Status& status) {
  if (status.ok()) return "ended by the control plane";
  // gRPC leaves some messages empty, such as for a socket that does not serve this API.
  const std::string code = absl::StatusCodeToString(status.code());
  return status.message().empty() ? code : absl::StrCat(code, ": ", status.message());
}

SipKey KeyFrom(uint64_t seed) {
  Prng prng(seed);
  const uint64_t first = prng.Next();
  return {first, prng.Next()};
}

}  // namespace

class Worker::Impl final {
 public:
  Impl(boost::asio::io_context& io, Options options)
      : options_(std::move(options)),
        forwarder_({.threads = options_.threads,
                    .max_connections = options_.max_connections,
                    .seed = options_.seed,
                    .worker = options_.identity.id()}),
        traffic_(forwarder_),
        registry_(options_.threads, KeyFrom(options_.seed)),
        config_(traffic_, registry_, Now),
        drainer_(traffic_),
        connections_(traffic_, options_.threads),
        paced_drains_(traffic_, options_.threads),
        backoff_(options_.seed),
        tick_(io),
        reconnect_(io),
        reports_(options_.service_manager),
        store_(options_.service_manager, options_.stored),
        keepsake_(config_, registry_),
        snapshot_file_(SnapshotPath(options_.control, options_.identity.id()), keepsake_, Now()),
        pages_(forwarder_, registry_, config_, drainer_),
        replacement_(io, forwarder_, keepsake_,
                     {options_.control, options_.identity.id(), options_.identity.incarnation(),
                      std::exchange(options_.sockets, {})},
                     {.replaced = [this] { HandleReplaced(); },
                      .alone_again = [this] { return HandleAlone(); },
                      .headless = [this] { return !session_ || !session_->welcomed(); }}),
        client_(io, {options_.control.ToString(), options_.tls, options_.tls_server_name},
                {.on_message = [this](const auto& message) { HandleMessage(message); },
                 .on_ended = [this](const absl::Status& status) { HandleEnded(status); }}) {}

  absl::Status Start() {
    LB_RETURN_IF_ERROR(forwarder_.Start());
    Connect();
    Tick();
    return absl::OkStatus();
  }

  bool AnnounceDrain(bool comes_back) {
    ending_ = true;
    if (!comes_back) EmptyStore();
    Report(Now());
    return !drainer_.aside();
  }

  void DrainToExit(Duration timeout, std::function<void()> drained) {
    drained_ = std::move(drained);
    ending_ = true;
    replacement_.GiveAway();
    drainer_.DrainToExit(timeout, Now());
    Report(Now());
    // Said at once: with nothing open the process ends within a tick.
    if (!session_ || !session_->welcomed()) return;
    if (auto goodbye = drainer_.Status(Now())) client_.Send(std::move(*goodbye));
  }

  void TakeOver() { replacement_.TakeOver(); }
  bool replaces() const { return replacement_.has_predecessor(); }

  void ReopenAccessLog() { forwarder_.ReopenAccessLog(); }

  HttpReply Page(const std::string& path) { return pages_.Page(path, PageState(), Now()); }

 private:
  void Connect() {
    session_.emplace(Session::Lent{registry_, traffic_, config_, drainer_, connections_, log_},
                     Now());
    client_.Connect();
    client_.Send(session_->Hello(
        {options_.identity, static_cast<uint32_t>(options_.threads), replacement_.ancestors()}));
  }

  void HandleMessage(const lb::worker::v1::ConnectResponse& message) {
    const bool welcomed = session_->welcomed();
    if (message.command().has_drain()) DropSockets();
    Session::Messages out;
    const absl::Status status = session_->Take(message, Now(), out);
    SendAll(std::move(out));
    if (!status.ok()) return client_.End(status);
    keepsake_.Note(message);
    if (config_.running()) Serve();
    if (welcomed || !session_->welcomed()) return;
    unreachable_logged_ = false;
    restored_ = false;
    welcomed_at_ = Now();
    LogInfo("connected to the control plane",
            {{"address", options_.control.ToString()},
             {"session", message.welcome().session_id()},
             {"control_plane", message.welcome().control_plane().version()}});
  }

  void HandleEnded(const absl::Status& status) {
    const bool was_welcomed = session_->welcomed();
    session_.reset();
    registry_.rate_limiters().StreamEnded(Now());
    registry_.client_limits().StreamEnded();
    connections_.ForgetLists();
    if (was_welcomed) ++reconnects_total_;
    if (was_welcomed && Now() - welcomed_at_ >= kGoodStream) backoff_.Reset();
    const std::chrono::milliseconds delay = backoff_.Next();
    // Once per absence: a control plane that is away for a day is not worth a line every 5 seconds.
    if (!unreachable_logged_) {
      unreachable_logged_ = true;
      LogWarn("no stream to the control plane; trying again",
              {{"address", options_.control.ToString()},
               {"reason", Text(status)},
               {"serving", config_.running() ? "goes on" : "nothing yet"}});
    }
    if (!config_.running()) Restore(Now());
    reconnect_.expires_after(delay);
    reconnect_.async_wait([this, alive = Alive()](const boost::system::error_code& error) {
      if (!error && !alive.expired()) Reconnect();
    });
  }

  // A control plane goes on believing that this process has the rights that it gave to another one,
  // until that one says hello. This one must not be first to say that it has fewer: they would be
  // given to a third (SlotLedger::Inherit).
  void Reconnect() {
    if (!replacement_.gave_rights()) return Connect();
    reconnect_.expires_after(kTick);
    reconnect_.async_wait([this, alive = Alive()](const boost::system::error_code& error) {
      if (!error && !alive.expired()) Reconnect();
    });
  }

  // The control plane is not reached, and nothing runs yet.
  void Restore(Instant now) {
    replacement_.Restore(now);
    // One that still serves is not pushed aside with the same.
    if (!config_.running() && !replacement_.has_predecessor()) snapshot_file_.Restore(now);
    if (!config_.running()) return;
    restored_ = true;
    Serve();
  }

  void Serve() {
    replacement_.Serve();
    if (options_.on_serving) std::exchange(options_.on_serving, nullptr)();
  }

  void HandleReplaced() {
    EmptyStore();  // They are another process's now.
    drainer_.StandAside(options_.replaced_timeout, Now());
    if (options_.replaced_timeout.has_value() && !drained_) drained_ = options_.on_done;
    // What it said in its hello may not be true for long (Reconnect).
    if (session_ && !session_->welcomed())
      client_.End(absl::UnavailableError("another process serves"));
    if (options_.on_replaced) options_.on_replaced();
  }

  // Not when a signal has ended this process meanwhile.
  bool HandleAlone() {
    if (!drainer_.aside() || ending_) return false;
    drained_ = nullptr;
    empties_store_ = false;
    kept_ = {};
    drainer_.StandIn(Now());
    if (options_.on_alone_again) options_.on_alone_again();
    // The control plane was told that this process ends.
    if (session_) client_.End(absl::UnavailableError("serving again"));
    return true;
  }

  void Tick() {
    const Instant now = Now();
    CheckThreads(now);
    Report(now);
    KeepSockets();
    if (!ending_ && !drainer_.aside()) snapshot_file_.Step(now);
    drainer_.Step(now);
    connections_.Step(now);
    paced_drains_.Step(config_.tables(), now);
    log_.Step(now);
    registry_.rate_limiters().Step(now);
    if (config_.tables() != nullptr) NoteReturns(*config_.tables(), now);
    registry_.bandwidths().Step(now);
    registry_.client_limits().Step(now);
    if (heap_trim_.Due(forwarder_.connections(), now)) malloc_trim(0);
    if (session_) {
      Session::Messages out;
      const absl::Status status = session_->Tick(now, out);
      SendAll(std::move(out));
      if (!status.ok()) client_.End(status);
    }
    if (drained_ && drainer_.drained()) std::exchange(drained_, nullptr)();
    const bool reports = registry_.rate_limiters().reports() || registry_.bandwidths().reports() ||
                         registry_.client_limits().reports();
    tick_.expires_after(reports ? RateLane::kInterval : kTick);
    tick_.async_wait([this, alive = Alive()](const boost::system::error_code& error) {
      if (!error && !alive.expired()) Tick();
    });
  }

  // For handlers of timers: one that expired just before the worker went away is called all the
  // same, without an error (boost::asio::basic_waitable_timer::cancel).
  std::weak_ptr<void> Alive() const { return alive_; }

  void CheckThreads(Instant now) {
    if (!watchdog_.Due(now)) return;
    const bool answered = forwarder_.Alive(kAnswersWithin);
    if (answered) reports_.Alive(now);
    if (!watchdog_.Check(answered, now)) return;
    LogError("an I/O thread hangs; ending the process so that others get its connections");
    std::abort();
  }

  // What the service manager should know: ready means that the first configuration is in force,
  // which it is when every listener is bound.
  void Report(Instant now) {
    if (!reports_.present()) return;
    std::string status = pages_.Status(PageState());
    reports_.Step({config_.running().has_value(), ending_, std::move(status)}, now);
  }

  // The service manager keeps the sockets over a restart of its own.
  void KeepSockets() {
    if (empties_store_) EmptyStore();
    const std::pair now{config_.applies_total(), drainer_.draining()};
    if (ending_ || drainer_.aside() || now == kept_) return;
    if (store_.Keep(forwarder_.sockets())) kept_ = now;
  }

  // Nobody will accept from what is in it.
  void EmptyStore() { empties_store_ = !store_.Drop(); }

  // Nobody will accept from them for a while. First: between this and the next step of KeepSockets
  // clients would wait in what the manager has.
  void DropSockets() {
    static_cast<void>(store_.Drop());  // What the manager did not take KeepSockets says again.
    kept_ = {};
  }

  void SendAll(Session::Messages messages) {
    for (auto& message : messages) {
      if (!client_.Send(std::move(message))) return;
    }
  }

  WorkerPages::State PageState() const {
    return {session_ && session_->welcomed(), ending_, restored_, reconnects_total_};
  }

  Options options_;
  Forwarder forwarder_;
  ForwarderTraffic traffic_;
  StateRegistry registry_;
  ConfigLane config_;
  Drainer drainer_;
  ConnectionLane connections_;
  PacedDrains paced_drains_;
  LogLane log_;
  Backoff backoff_;
  HeapTrim heap_trim_;
  std::optional<Session> session_;  // While a stream is open.
  boost::asio::steady_timer tick_;
  boost::asio::steady_timer reconnect_;
  Watchdog watchdog_;
  ServiceReports reports_;
  DescriptorStore store_;
  Keepsake keepsake_;
  SnapshotFile snapshot_file_;
  WorkerPages pages_;
  Replacement replacement_;
  StreamClient client_;
  std::function<void()> drained_;
  Instant welcomed_at_;
  uint64_t reconnects_total_ = 0;
  std::pair<uint64_t, bool> kept_;  // Applies, and a drain, of which the sockets are kept.
  bool ending_ = false;             // By a signal.
  bool empties_store_ = false;      // The manager did not take all of that yet.
  bool restored_ = false;           // Runs with what a process before left; nobody confirmed it.
  bool unreachable_logged_ = false;
  const std::shared_ptr<void> alive_ = std::make_shared<char>();
};

Worker::Worker(boost::asio::io_context& io, Options options)
    : impl_(std::make_unique<Impl>(io, std::move(options))) {}

Worker::~Worker() = default;

absl::Status Worker::Start() { return impl_->Start(); }

void Worker::DrainToExit(Duration timeout, std::function<void()> drained) {
  impl_->DrainToExit(timeout, std::move(drained));
}

bool Worker::AnnounceDrain(bool comes_back) { return impl_->AnnounceDrain(comes_back); }

void Worker::TakeOver() { impl_->TakeOver(); }

bool Worker::replaces() const { return impl_->replaces(); }

void Worker::ReopenAccessLog() { impl_->ReopenAccessLog(); }

HttpReply Worker::Page(const std::string& path) { return impl_->Page(path); }

}  // namespace lb::dataplane
