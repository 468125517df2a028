// The generator against its own backend, without a balancer between them.

#include "tests/bench/load/generator.h"

#include <functional>

#include "base/endpoint.h"
#include "base/time.h"
#include "gtest/gtest.h"
#include "tests/bench/load/limits.h"

namespace lb::bench {
namespace {

class GeneratorTest : public testing::Test {
 protected:
  // Opens the workload's connections to the backend of the same process.
  void Start(const Workload& workload) {
    workload_ = workload;
    const auto any_port = Endpoint::Parse("127.0.0.1:0", Endpoint::PortZero::kAllow);
    const auto backend = connections_.Listen(*any_port);
    ASSERT_TRUE(backend.ok()) << backend.status();
    connections_.set_target(*backend);
    meter_.measuring = true;
    generator_.Open(workload_.connections);
  }

  // Whether the condition comes true while the generator runs.
  bool Reaches(const std::function<bool()>& condition) {
    const Instant deadline = ReadClocks().steady + std::chrono::seconds(20);
    while (!condition() && ReadClocks().steady < deadline) generator_.Turn();
    return condition();
  }

  Workload workload_;
  Connections connections_;
  Meter meter_;
  Generator generator_{workload_, connections_, meter_};
};

TEST_F(GeneratorTest, CountsConnectionsThatTheClientCloses) {
  Start({.mode = Workload::Mode::kConnections, .connections = 8});
  EXPECT_TRUE(Reaches([&] { return meter_.operations >= 200; }));
  EXPECT_EQ(meter_.errors, 0u);
  EXPECT_EQ(meter_.latency_ns.count(), meter_.operations);
  EXPECT_GT(meter_.latency_ns.Quantile(0), 0u);
}

TEST_F(GeneratorTest, CountsConnectionsThatTheServerCloses) {
  Start({.mode = Workload::Mode::kConnections,
         .connections = 8,
         .response_bytes = 1,
         .server_closes = true});
  EXPECT_TRUE(Reaches([&] { return meter_.operations >= 200; }));
  EXPECT_EQ(meter_.errors, 0u);
}

// Messages larger than any socket buffer go in many pieces, both ways.
TEST_F(GeneratorTest, CountsRoundTripsOfAnySize) {
  Start({.mode = Workload::Mode::kRequests,
         .connections = 4,
         .request_bytes = 16 << 20,
         .response_bytes = 24 << 20});
  EXPECT_TRUE(Reaches([&] { return meter_.operations >= 8; }));
  EXPECT_EQ(meter_.errors, 0u);
}

TEST_F(GeneratorTest, StreamsSendOnlyTheWayTheyAreTold) {
  Start({.mode = Workload::Mode::kStreams,
         .connections = 2,
         .to_clients = true,
         .to_servers = false});
  EXPECT_TRUE(Reaches([&] { return meter_.bytes_to_clients > (64u << 20); }));
  EXPECT_EQ(meter_.bytes_to_servers, 0u);
}

TEST_F(GeneratorTest, StreamsSendBothWaysAtOnce) {
  Start(
      {.mode = Workload::Mode::kStreams, .connections = 2, .to_clients = true, .to_servers = true});
  EXPECT_TRUE(Reaches([&] {
    return meter_.bytes_to_clients > (16u << 20) && meter_.bytes_to_servers > (16u << 20);
  }));
}

TEST_F(GeneratorTest, HoldsConnectionsOpen) {
  Start({.mode = Workload::Mode::kIdle, .connections = 100});
  EXPECT_TRUE(Reaches([&] { return generator_.held() == 100; }));
  EXPECT_EQ(meter_.errors, 0u);
}

TEST_F(GeneratorTest, NothingIsCountedWhileItDoesNotMeasure) {
  Start({.mode = Workload::Mode::kConnections, .connections = 8});
  ASSERT_TRUE(Reaches([&] { return meter_.operations > 0; }));
  meter_.measuring = false;
  const uint64_t counted = meter_.operations;
  for (int i = 0; i < 100; ++i) generator_.Turn();
  EXPECT_EQ(meter_.operations, counted);
}

TEST_F(GeneratorTest, ATargetThatRefusesEndsTheRunWithAReason) {
  const auto any_port = Endpoint::Parse("127.0.0.1:0", Endpoint::PortZero::kAllow);
  {
    Connections gone;  // A port that was free a moment ago.
    const auto listened = gone.Listen(*any_port);
    ASSERT_TRUE(listened.ok());
    connections_.set_target(*listened);
  }
  workload_.mode = Workload::Mode::kConnections;
  generator_.Open(500);
  ASSERT_TRUE(Reaches([&] { return !CheckErrors(meter_).ok(); }));
  EXPECT_NE(CheckErrors(meter_).message().find("ECONNREFUSED"), std::string::npos);
}

}  // namespace
}  // namespace lb::bench
