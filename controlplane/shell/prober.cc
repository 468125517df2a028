#include "controlplane/shell/prober.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <utility>

#include "controlplane/shell/probe.h"
#include "controlplane/shell/probe_tls.h"

namespace lb::controlplane {

namespace asio = boost::asio;
using boost::system::error_code;

class Prober::Impl final : public std::enable_shared_from_this<Prober::Impl> {
 public:
  Impl(asio::io_context& io, size_t max_in_flight, EventSink sink)
      : io_(io),
        max_in_flight_(std::max<size_t>(max_in_flight, 1)),
        sink_(std::move(sink)),
        retry_(io) {}

  void Start(StartProbe request) {
    waiting_.push_back(std::move(request));
    StartWaiting();
  }

  size_t in_flight() const { return in_flight_; }
  size_t waiting() const { return waiting_.size(); }
  uint64_t shortages() const { return shortages_; }

 private:
  void StartWaiting() {
    while (!paused_ && !waiting_.empty() && in_flight_ < max_in_flight_) {
      StartProbe request = std::move(waiting_.front());
      waiting_.pop_front();
      Run(std::move(request));
    }
  }

  void Run(StartProbe request) {
    ++in_flight_;
    const Instant started = ReadClocks().steady;
    // A probe may outlive the prober; it then finds nobody to tell.
    std::weak_ptr<Impl> weak = weak_from_this();
    ProbeCallbacks callbacks;
    callbacks.on_result = [weak, request, started](ProbeResult result) {
      if (auto self = weak.lock()) self->ResultIs(request, started, std::move(result));
    };
    callbacks.on_closed = [weak] {
      auto self = weak.lock();
      if (self == nullptr) return;
      --self->in_flight_;
      self->StartWaiting();
    };
    RunProbe(io_, contexts_, request, std::move(callbacks));
  }

  void ResultIs(const StartProbe& request, Instant started, ProbeResult result) {
    if (result.outcome == ProbeResult::Outcome::kNoResources) {
      ++shortages_;
      waiting_.push_back(request);
      return Pause();
    }
    sink_(ProbeDone{request.probe, result.outcome == ProbeResult::Outcome::kPassed,
                    std::move(result.detail), ReadClocks().steady - started});
  }

  void Pause() {
    if (paused_) return;
    paused_ = true;
    retry_.expires_after(kRetryPause);
    retry_.async_wait([weak = weak_from_this()](const error_code& error) {
      auto self = weak.lock();
      if (error || self == nullptr) return;
      self->paused_ = false;
      self->StartWaiting();
    });
  }

  asio::io_context& io_;
  const size_t max_in_flight_;
  EventSink sink_;
  ProbeTlsContexts contexts_;
  asio::steady_timer retry_;
  // Bounded by the loop, which has at most one check in flight for each backend.
  std::deque<StartProbe> waiting_;
  size_t in_flight_ = 0;
  uint64_t shortages_ = 0;
  bool paused_ = false;
};

size_t Prober::MaxInFlight(size_t descriptors) {
  return std::max(kMinInFlight,
                  descriptors > kReservedDescriptors ? descriptors - kReservedDescriptors : 0);
}

Prober::Prober(asio::io_context& io, size_t max_in_flight, EventSink sink)
    : impl_(std::make_shared<Impl>(io, max_in_flight, std::move(sink))) {}

Prober::~Prober() = default;

void Prober::Start(StartProbe request) { impl_->Start(std::move(request)); }

size_t Prober::in_flight() const { return impl_->in_flight(); }

size_t Prober::waiting() const { return impl_->waiting(); }

void Prober::AppendMetrics(std::vector<MetricFamily>& families) const {
  MetricFamily open{"lb_health_probes_in_flight",
                    "Health checks with an open socket.",
                    MetricFamily::Type::kGauge,
                    {}};
  open.Add({}, static_cast<double>(impl_->in_flight()));
  MetricFamily queued{"lb_health_probes_waiting",
                      "Health checks that wait for a descriptor; more than 0 means that the limit "
                      "of open files is too low for the number of backends.",
                      MetricFamily::Type::kGauge,
                      {}};
  queued.Add({}, static_cast<double>(impl_->waiting()));
  MetricFamily short_of{"lb_health_probe_shortages_total",
                        "Health checks put off for want of a descriptor.",
                        MetricFamily::Type::kCounter,
                        {}};
  short_of.Add({}, static_cast<double>(impl_->shortages()));
  families.push_back(std::move(open));
  families.push_back(std::move(queued));
  families.push_back(std::move(short_of));
}

}  // namespace lb::controlplane
