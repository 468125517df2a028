// Log levels of workers, over the ends of their streams.
#include <chrono>
#include <utility>
#include <vector>

#include "controlplane/loop/api_fixture.h"
#include "controlplane/snapshot/features.h"

namespace lb::controlplane {
namespace {

class LogLevelTest : public ApiFixture {};

// Goal: what is shown is so. Method: a worker that was told by an earlier control plane to log more
// comes to one that knows nothing of that.
TEST_F(LogLevelTest, AWorkerThatComesBackLogsAsIsShown) {
  const auto levels = [&] {
    std::vector<std::pair<type::v1::LogLevel, int64_t>> told;
    for (const auto& message : sent_)
      if (message.command().has_set_log_level())
        told.emplace_back(message.command().set_log_level().level(),
                          message.command().set_log_level().duration().seconds());
    sent_.clear();
    return told;
  };
  using Told = std::vector<std::pair<type::v1::LogLevel, int64_t>>;
  Connect(1, "w", {kFeatureLogLevel});
  EXPECT_EQ(levels(), (Told{{type::v1::LOG_LEVEL_UNSPECIFIED, 0}}));
  admin::v1::SetLogLevelRequest request;
  request.set_component("workers/w");
  request.set_level(type::v1::LOG_LEVEL_DEBUG);
  request.mutable_duration()->set_seconds(60);
  Ask<admin::v1::GetLogLevelsResponse>(request);
  EXPECT_EQ(levels(), (Told{{type::v1::LOG_LEVEL_DEBUG, 60}}));
  Handle(WorkerStreamEnded{1});
  now_ += std::chrono::seconds(10);
  Connect(2, "w", {kFeatureLogLevel});
  EXPECT_EQ(levels(), (Told{{type::v1::LOG_LEVEL_DEBUG, 50}}));
}

TEST_F(LogLevelTest, WhatAProcessWasStartedWithIsShown) {
  Connect(1, "older");
  auto hello = HelloOf("w", "i", 42);
  hello.mutable_hello()->set_log_level(type::v1::LOG_LEVEL_WARN);
  Handle(WorkerMessage{2, hello});
  std::vector<std::pair<std::string, type::v1::LogLevel>> shown;
  const auto levels = Ask<admin::v1::GetLogLevelsResponse>(admin::v1::GetLogLevelsRequest());
  for (const admin::v1::LogSetting& setting : levels.settings()) {
    EXPECT_EQ(setting.level(), type::v1::LOG_LEVEL_UNSPECIFIED);
    shown.emplace_back(setting.component(), setting.default_level());
  }
  EXPECT_EQ(shown, (std::vector<std::pair<std::string, type::v1::LogLevel>>{
                       {"controlplane", type::v1::LOG_LEVEL_INFO},
                       {"controlplane/grpc", type::v1::LOG_LEVEL_ERROR},
                       {"workers/older", type::v1::LOG_LEVEL_UNSPECIFIED},
                       {"workers/older/grpc", type::v1::LOG_LEVEL_ERROR},
                       {"workers/w", type::v1::LOG_LEVEL_WARN},
                       {"workers/w/grpc", type::v1::LOG_LEVEL_ERROR}}));
}

}  // namespace
}  // namespace lb::controlplane
