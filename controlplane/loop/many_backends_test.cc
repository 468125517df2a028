// 10,000 backends at an interval of 5 s must fit on one core together with the checks themselves.
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <variant>

#include "controlplane/loop/control_loop.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

constexpr int kRules = 20;
constexpr int kBackendsPerRule = 500;
constexpr size_t kBackends = size_t{kRules} * kBackendsPerRule;

Config ManyBackends() {
  Config config;
  for (int r = 0; r < kRules; ++r) {
    RuleConfig rule;
    rule.name = "rule-" + std::to_string(r);
    rule.listen = Endpoint::FromIp("127.0.0.1", static_cast<uint16_t>(10'000 + r)).value();
    rule.health_check.enabled = true;
    for (int b = 0; b < kBackendsPerRule; ++b) {
      const std::string host = "10." + std::to_string(r) + "." + std::to_string(b / 250) + "." +
                               std::to_string(b % 250 + 1);
      rule.backends.push_back({"b" + std::to_string(b), Endpoint::FromIp(host, 80).value(), 1, 50});
    }
    config.rules.push_back(std::move(rule));
  }
  return config;
}

std::vector<Event> Hellos(uint32_t workers) {
  std::vector<Event> out;
  for (uint32_t i = 1; i <= workers; ++i) {
    WorkerMessage event{i, {}};
    worker::v1::Hello& hello = *event.message.mutable_hello();
    hello.mutable_worker()->set_id("worker-" + std::to_string(i));
    hello.mutable_worker()->set_incarnation("one");
    hello.mutable_worker()->set_pid(i);
    hello.set_protocol_min(1);
    hello.set_protocol_max(1);
    out.emplace_back(std::move(event));
  }
  return out;
}

// Measures the processor's time, since other programs of the machine must not count.
class Stopwatch final {
 public:
  double Seconds() const {
    return static_cast<double>(std::clock() - start_) / static_cast<double>(CLOCKS_PER_SEC);
  }

 private:
  std::clock_t start_ = std::clock();
};

struct Interval {
  size_t checks = 0;
  double seconds = 0;  // Spent in Handle().
};

// Runs for `length`, each check answered at once.
Interval RunFor(ControlLoop& loop, Instant& now, Duration length, bool passed) {
  Interval out;
  std::vector<Action> actions;
  const Instant end = now + length;
  const Stopwatch stopwatch;
  while (loop.NextDeadline() <= end) {
    now = std::max(now, loop.NextDeadline());
    actions.clear();
    loop.Handle(TimerFired{}, now, actions);
    std::vector<Action> ignored;
    for (const Action& action : actions)
      if (const auto* probe = std::get_if<StartProbe>(&action)) {
        loop.Handle(ProbeDone{probe->probe, passed, "HTTP 200", {}}, now, ignored);
        ++out.checks;
      }
  }
  now = end;
  out.seconds = stopwatch.Seconds();
  return out;
}

TEST(ManyBackendsTest, AnIntervalOfChecksTakesASmallShareOfItsTime) {
  Instant now(std::chrono::hours(1));
  std::vector<Action> actions;
  ControlLoop loop({.node_id = "n",
                    .incarnation = "one",
                    .pid = 1,
                    .start_time = {},
                    .seed = 1,
                    .boot_id = "",
                    .stored_state = ""},
                   now, actions);
  const Config config = ManyBackends();
  const Stopwatch loading;
  loop.Handle(ConfigRead{"lb.yaml", config, {}, 0}, now, actions);
  const double load = loading.Seconds();
  for (const Event& hello : Hellos(2)) loop.Handle(hello, now, actions);
  const Stopwatch reloading;
  loop.Handle(ConfigRead{"lb.yaml", config, {}, 0}, now, actions);
  const double reload = reloading.Seconds();

  const Duration interval = std::chrono::seconds(5);
  const Interval rising = RunFor(loop, now, interval, true);
  const Interval steady = RunFor(loop, now, interval, true);
  const Interval failing = RunFor(loop, now, 4 * interval, false);
  std::printf("first read %.0f ms, same again %.0f ms\n", load * 1e3, reload * 1e3);
  for (const Interval& one : {rising, steady, failing})
    std::printf("%zu checks in %.0f ms, %.1f us each\n", one.checks, one.seconds * 1e3,
                one.seconds * 1e6 / static_cast<double>(one.checks));

  // Every backend is checked, at most with the jitter more often than once an interval.
  EXPECT_GE(rising.checks, kBackends);
  EXPECT_GE(steady.checks, kBackends * 9 / 10);
  EXPECT_LE(steady.checks, kBackends * 12 / 10);
  // A tenth of one core is 500 ms an interval. Ten times that still shows anything quadratic.
  EXPECT_LT(rising.seconds, 5.0);
  EXPECT_LT(steady.seconds, 5.0);
  EXPECT_LT(failing.seconds, 20.0);
  EXPECT_LT(load, 5.0);
  EXPECT_LT(reload, 5.0);
}

}  // namespace
}  // namespace lb::controlplane
