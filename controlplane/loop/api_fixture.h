// A control loop with two backends and a worker, for tests of what the API asks of it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "controlplane/loop/control_loop.h"
#include "controlplane/loop/test_messages.h"
#include "controlplane/loop/test_node.h"
#include "gtest/gtest.h"

namespace lb::controlplane {

class ApiFixture : public testing::Test {
 protected:
  static constexpr char kA[] = "rules/web/backends/a";
  static constexpr char kB[] = "rules/web/backends/b";

  ApiFixture() { Restart(); }

  // A new life of the control plane, with what the last one stored.
  void Restart() {
    std::vector<Action> actions;
    loop_ = NodeOf(stored_, now_, actions);
  }

  static Config Web(const std::vector<std::string>& backends) {
    RuleConfig rule;
    rule.name = "web";
    rule.listen = Endpoint::FromIp("127.0.0.1", 8080).value();
    uint16_t port = 80;
    for (const std::string& name : backends)
      rule.backends.push_back({.name = name,
                               .address = Endpoint::FromIp("10.0.0.1", port++).value(),
                               .weight = 10,
                               .max_connections = std::nullopt});
    Config config;
    config.rules.push_back(std::move(rule));
    return config;
  }

  void Handle(const Event& event) {
    std::vector<Action> actions;
    loop_->Handle(event, now_, actions);
    for (Action& action : actions) {
      if (auto* save = std::get_if<SaveState>(&action)) stored_ = std::move(save->bytes);
      if (auto* reply = std::get_if<Reply>(&action)) replies_.push_back(std::move(*reply));
      if (auto* item = std::get_if<StreamItem>(&action)) items_.push_back(std::move(*item));
      if (auto* send = std::get_if<SendToWorker>(&action))
        sent_.push_back(std::move(send->message));
    }
  }

  void Load(const std::vector<std::string>& backends) {
    Handle(ConfigRead{"lb.yaml", Web(backends), {}, 0});
  }

  void Connect(SessionId session, const std::string& id,
               const std::vector<std::string>& features = {"connections", "cancel_kill"}) {
    Handle(WorkerMessage{session, HelloOf(id, "i", static_cast<uint32_t>(40 + session), features)});
  }

  template <typename Request>
  void Call(const Request& request) {
    replies_.clear();
    Handle(AdminRequest{
        next_++, request, {now_, WallTime(std::chrono::seconds(5'000))}, {Role::kAdmin, "alice"}});
  }

  template <typename Answer, typename Request>
  Answer Ask(const Request& request) {
    Call(request);
    if (replies_.size() == 1 && !replies_[0].failure) return std::get<Answer>(replies_[0].answer);
    ADD_FAILURE() << (replies_.empty() ? absl::OkStatus() : replies_[0].failure->status);
    return {};
  }

  template <typename Request>
  std::string ReasonOf(const Request& request) {
    Call(request);
    return replies_.size() == 1 && replies_[0].failure ? replies_[0].failure->reason : "";
  }

  template <typename Request>
  static Request Named(const std::string& name) {
    Request request;
    request.set_name(name);
    return request;
  }

  std::vector<admin::v1::Event> Events(const std::string& kind) {
    admin::v1::ListEventsRequest request;
    request.add_kinds(kind);
    const auto list = Ask<admin::v1::ListEventsResponse>(request);
    return {list.events().begin(), list.events().end()};
  }

  admin::v1::Backend Backend(const std::string& name) {
    return Ask<admin::v1::Backend>(Named<admin::v1::GetBackendRequest>(name));
  }
  admin::v1::Worker Worker(const std::string& name) {
    return Ask<admin::v1::Worker>(Named<admin::v1::GetWorkerRequest>(name));
  }
  admin::v1::Operation Operation(const std::string& name) {
    return Ask<admin::v1::Operation>(Named<admin::v1::GetOperationRequest>(name));
  }

  Instant now_ = Instant(std::chrono::hours(9));
  RequestId next_ = 1;
  std::string stored_;
  std::vector<Reply> replies_;
  std::vector<StreamItem> items_;
  std::vector<worker::v1::ConnectResponse> sent_;
  std::unique_ptr<ControlLoop> loop_;
};

}  // namespace lb::controlplane
