#include "tests/bench/load/measurement.h"

#include <utility>

namespace lb::bench {

Measurement::Measurement(Options options, Meter& meter, Instant now)
    : options_(std::move(options)), meter_(meter), next_(now + options_.warm_up) {}

Measurement::Sample Measurement::Take(Instant now) const {
  return {.at = now,
          .balancer = ReadCpuTime(options_.balancer),
          .beside = ReadCpuTime(options_.beside),
          .generator_ns = ReadOwnCpuNs()};
}

bool Measurement::BalancerRanEnough() const {
  if (options_.balancer.empty()) return true;
  const uint64_t ran_ns = ReadCpuTime(options_.balancer).run_ns - begin_.balancer.run_ns;
  return ran_ns >= static_cast<uint64_t>(options_.balancer_run_min.count());
}

bool Measurement::IsOver(Instant now) {
  if (now < next_) return false;
  if (!meter_.measuring) {
    meter_.measuring = true;
    begin_ = Take(now);
    next_ = now + options_.interval;
    latest_end_ = next_ + kOvertime;
    return false;
  }
  if (now < latest_end_ && !BalancerRanEnough()) {
    next_ = now + kExtension;
    return false;
  }
  end_ = Take(now);
  meter_.measuring = false;
  return true;
}

boost::json::object Measurement::Result() const {
  const auto latency_us = [this](double quantile) {
    return static_cast<double>(meter_.latency_ns.Quantile(quantile)) / 1e3;
  };
  return {{"seconds", std::chrono::duration<double>(end_.at - begin_.at).count()},
          {"operations", meter_.operations},
          {"bytes_to_clients", meter_.bytes_to_clients},
          {"bytes_to_servers", meter_.bytes_to_servers},
          {"errors", meter_.errors},
          {"balancer_run_ns", end_.balancer.run_ns - begin_.balancer.run_ns},
          {"balancer_wait_ns", end_.balancer.wait_ns - begin_.balancer.wait_ns},
          {"beside_run_ns", end_.beside.run_ns - begin_.beside.run_ns},
          {"generator_run_ns", end_.generator_ns - begin_.generator_ns},
          {"p50_us", latency_us(0.5)},
          {"p99_us", latency_us(0.99)},
          {"p999_us", latency_us(0.999)}};
}

}  // namespace lb::bench
