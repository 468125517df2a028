#include "controlplane/shell/runner.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "base/check.h"

namespace lb::controlplane {

namespace asio = boost::asio;
using boost::system::error_code;

class Runner::Impl final : public std::enable_shared_from_this<Runner::Impl> {
 public:
  Impl(asio::io_context& io, CarryOut carry_out)
      : io_(io), carry_out_(std::move(carry_out)), timer_(io) {}

  void Start(ControlLoop::Options options) {
    LB_CHECK(loop_ == nullptr);
    std::vector<Action> actions;
    loop_ = std::make_unique<ControlLoop>(std::move(options), ReadClocks().steady, actions);
    CarryOutAll(std::move(actions));
    SetTimer();
    TellWhenReady();
  }

  void WhenReady(std::function<void()> when_ready) { when_ready_ = std::move(when_ready); }

  void Post(Event event) {
    asio::post(io_, [weak = weak_from_this(), event = std::move(event)] {
      if (auto self = weak.lock()) self->Handle(event);
    });
  }

  void Stop() {
    stopped_ = true;
    timer_.cancel();
  }

  bool ready() const { return loop_ != nullptr && loop_->ready(); }

  std::string Summary() const { return loop_ == nullptr ? "" : loop_->Summary(); }

  std::vector<MetricFamily> Metrics(const ClockReading& clock) const {
    std::vector<MetricFamily> families;
    if (loop_ != nullptr) families = loop_->Metrics(clock);
    MetricFamily events{"lb_loop_events_total",
                        "Events the control loop has handled.",
                        MetricFamily::Type::kCounter,
                        {}};
    events.Add({}, static_cast<double>(events_));
    MetricFamily busy{"lb_loop_busy_seconds_total",
                      "Time spent in handling them.",
                      MetricFamily::Type::kCounter,
                      {}};
    busy.Add({}, std::chrono::duration<double>(busy_).count());
    families.push_back(std::move(events));
    families.push_back(std::move(busy));
    return families;
  }

 private:
  void Handle(const Event& event) {
    if (stopped_ || loop_ == nullptr) return;
    const Instant now = ReadClocks().steady;
    std::vector<Action> actions;
    loop_->Handle(event, now, actions);
    CarryOutAll(std::move(actions));
    SetTimer();
    TellWhenReady();
    ++events_;
    busy_ += ReadClocks().steady - now;
  }

  void TellWhenReady() {
    if (when_ready_ && ready()) std::exchange(when_ready_, nullptr)();
  }

  void CarryOutAll(std::vector<Action> actions) {
    for (Action& action : actions) carry_out_(std::move(action));
  }

  void SetTimer() {
    const Instant deadline = loop_->NextDeadline();
    if (deadline == armed_for_) return;
    armed_for_ = deadline;
    if (deadline == Instant::max()) {
      timer_.cancel();
      return;
    }
    timer_.expires_at(deadline);
    timer_.async_wait([weak = weak_from_this(), deadline](const error_code& error) {
      auto self = weak.lock();
      if (error || self == nullptr || self->armed_for_ != deadline) return;
      self->armed_for_ = Instant::max();
      self->Handle(TimerFired{});
    });
  }

  asio::io_context& io_;
  CarryOut carry_out_;
  std::function<void()> when_ready_;
  std::unique_ptr<ControlLoop> loop_;
  asio::steady_timer timer_;
  Instant armed_for_ = Instant::max();  // Max: not armed.
  uint64_t events_ = 0;
  Duration busy_{};
  bool stopped_ = false;
};

Runner::Runner(asio::io_context& io, CarryOut carry_out)
    : impl_(std::make_shared<Impl>(io, std::move(carry_out))) {}

Runner::~Runner() { impl_->Stop(); }

void Runner::Start(ControlLoop::Options options) { impl_->Start(std::move(options)); }

void Runner::WhenReady(std::function<void()> when_ready) {
  impl_->WhenReady(std::move(when_ready));
}

void Runner::Post(Event event) { impl_->Post(std::move(event)); }

void Runner::Stop() { impl_->Stop(); }

bool Runner::ready() const { return impl_->ready(); }

std::string Runner::Summary() const { return impl_->Summary(); }

std::vector<MetricFamily> Runner::Metrics(const ClockReading& clock) const {
  return impl_->Metrics(clock);
}

}  // namespace lb::controlplane
