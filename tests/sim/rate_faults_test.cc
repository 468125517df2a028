// Rate limits that several workers share, when streams and control planes come and go: who stays
// below the limit notices nothing, who does not gets it and no more.
#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "dataplane/limit/hot_clients.h"
#include "tests/sim/rate_host.h"

namespace lb {
namespace {

using dataplane::ClientPrefix;
using sim::RateHost;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A handful: what chance may cost clients that are near their limit.
constexpr double kHandful = 5;

struct Limit {
  size_t workers;
  double burst;
};

class RateFaults : public testing::TestWithParam<Limit> {
 protected:
  // Each client asks for this much in all.
  RateHost::Rates Steady(std::vector<double> per_s) const {
    for (double& rate : per_s) rate /= static_cast<double>(GetParam().workers);
    return [per_s](size_t) { return per_s; };
  }
  RateHost Start(uint64_t seed) const { return {GetParam().workers, 100, GetParam().burst, seed}; }

  // Runs a client below the limit and one above it.
  void ExpectLimits(RateHost& host, Duration time) const {
    const double arrived = host.arrived(1);
    const double below = host.admitted(1);
    const double above = host.admitted(2);
    host.RunFor(time, Steady({80, 1'000}));
    const double came = host.arrived(1) - arrived;
    EXPECT_LE(came - (host.admitted(1) - below), 0.001 * came + kHandful);
    const double expected = 100 * std::chrono::duration<double>(time).count();
    EXPECT_GE(host.admitted(2) - above, 0.95 * expected - kHandful);
    // The parts of quiet clients, once, before it is known again.
    EXPECT_LE(host.admitted(2) - above, 1.05 * expected + GetParam().burst);
  }
};

INSTANTIATE_TEST_SUITE_P(Workers, RateFaults,
                         testing::Values(Limit{2, 50}, Limit{2, 500}, Limit{4, 50}, Limit{8, 100}));

TEST_P(RateFaults, ARestartOfTheControlPlaneIsNoDebt) {
  for (const Duration away :
       {Duration(milliseconds(500)), Duration(seconds(5)), Duration(seconds(30))}) {
    RateHost host = Start(21);
    host.RunFor(seconds(20), Steady({80, 1'000}));
    host.LoseControlPlane();
    ExpectLimits(host, away);
    host.StartControlPlane();
    ExpectLimits(host, seconds(10));
  }
}

TEST_P(RateFaults, AStreamThatComesBackIsNoDebt) {
  for (const Duration away : {Duration(milliseconds(500)), Duration(seconds(10))}) {
    RateHost host = Start(23);
    host.RunFor(seconds(20), Steady({80, 1'000}));
    for (size_t worker = 0; worker < GetParam().workers; ++worker) {
      host.LoseStream(worker);
      ExpectLimits(host, away);
      host.Reconnect(worker);
      ExpectLimits(host, seconds(5));
    }
  }
}

TEST_P(RateFaults, APauseOfTheClientIsNoDebt) {
  for (const seconds pause : {seconds(3), seconds(9), seconds(12), seconds(20)}) {
    RateHost host = Start(25);
    host.RunFor(seconds(20), Steady({80, 0}));
    host.RunFor(pause, Steady({0, 0}));
    const double arrived = host.arrived(1);
    const double admitted = host.admitted(1);
    host.RunFor(seconds(10), Steady({80, 0}));
    const double came = host.arrived(1) - arrived;
    EXPECT_LE(came - (host.admitted(1) - admitted), 0.001 * came + kHandful) << pause.count();
  }
}

TEST_P(RateFaults, ALimitThatIsSetAgainIsNoDebt) {
  RateHost host = Start(27);
  host.RunFor(seconds(20), Steady({80, 1'000}));
  host.RemoveLimit();
  host.SetLimit();
  ExpectLimits(host, seconds(10));
}

TEST_P(RateFaults, AHungControlPlaneFreesNobody) {
  RateHost host = Start(29);
  host.RunFor(seconds(10), Steady({80, 1'000, 0}));
  host.StopControlPlane();
  host.RunFor(seconds(3), Steady({80, 1'000, 1'000}));  // Until budgets have ended.
  const double before = host.admitted(2);
  const double known_to_nobody = host.admitted(3);
  host.RunFor(seconds(20), Steady({80, 1'000, 1'000}));
  EXPECT_LE(host.admitted(2) - before, 1.03 * 2'000);
  EXPECT_LE(host.admitted(3) - known_to_nobody, 1.03 * 2'000);
  EXPECT_GE(host.admitted(2) - before, 0.97 * 2'000);
  host.ContinueControlPlane();
  ExpectLimits(host, seconds(10));
}

// The part a worker was told for the time without a stream is its own until it is back or gone.
TEST(RateFaultParts, AWorkerWithoutAStreamKeepsWhatItWasTold) {
  RateHost host(1, 100, 50, 31);
  const auto flood = [](size_t) { return std::vector<double>{500}; };
  host.RunFor(seconds(5), flood);
  host.LoseStream(0);
  const double before = host.admitted(1);
  host.AddWorker();
  host.RunFor(seconds(20), flood);
  EXPECT_LE(host.admitted(1) - before, 1.1 * 2'000);
  EXPECT_GE(host.admitted(1) - before, 0.97 * 2'000);
}

TEST(RateFaultParts, AWorkerThatDrainsHasNoPart) {
  RateHost host(2, 100, 50, 33);
  const auto flood = [](size_t worker) { return std::vector<double>{worker == 0 ? 0.0 : 500.0}; };
  host.ledger().SetDraining({"w0", "1"}, true);
  host.RunFor(seconds(5), flood);
  host.LoseStream(0);
  const double before = host.admitted(1);
  host.RunFor(seconds(20), flood);
  EXPECT_NEAR(host.admitted(1) - before, 2'000, 0.03 * 2'000);
}

// As the comments of both say.
static_assert(controlplane::RateLedger::kMaxClients == 4 * dataplane::HotClients::kMaxClients);

}  // namespace
}  // namespace lb
