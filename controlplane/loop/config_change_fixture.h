// A control loop whose configuration file is a variable, for tests of what changes it.
#pragma once

#include <algorithm>
#include <random>

#include "base/sha256.h"
#include "controlplane/loop/control_loop.h"
#include "controlplane/loop/test_messages.h"
#include "controlplane/revision/confirmation.h"
#include "controlplane/revision/history.h"
#include "gtest/gtest.h"

namespace lb::controlplane {

using admin::v1::ApplyConfigRequest;
using admin::v1::ApplyConfigResponse;
using std::chrono::seconds;

constexpr char kPath[] = "lb.yaml";

// A control plane, a file, and a disk that keeps state and revisions. A content is one rule, named
// like the content; one that begins with "bad" has an error.
class ConfigChangeTest : public testing::Test {
 protected:
  ConfigChangeTest() {
    file_ = "first";
    Start();
  }

  // A process that starts: what is on disk, then the file; before a bad one the last good one.
  void Start(const std::optional<ConfigRead>& last_good = std::nullopt) {
    ControlLoop::Options options;
    options.node_id = "node";
    options.incarnation = "life" + std::to_string(++lives_);
    options.start_time = WallTime(now_.time_since_epoch());
    options.stored_state = state_;
    options.revisions = kept_;
    std::vector<Action> actions;
    loop_ = std::make_unique<ControlLoop>(options, now_, actions);
    tries_.clear();
    Carry(std::move(actions));
    if (last_good) Handle(*last_good);
    Handle(Read(file_));
  }

  ConfigRead Read(const std::string& content) const {
    ConfigRead read;
    read.path = kPath;
    read.content = content;
    read.digest = Sha256(content);
    if (content.rfind("bad", 0) == 0 || content == broken_) {
      read.findings = {
          {Finding::Severity::kError, "LB0102", "unknown key", "rules[0].x", 7, 3, 1, ""}};
      read.findings_total = 1;
      return read;
    }
    Config config;
    RuleConfig& rule = config.rules.emplace_back();
    rule.name = content;
    rule.listen = Endpoint::Parse("127.0.0.1:80").value();
    rule.backends = {{"a", Endpoint::Parse("127.0.0.1:81").value(), 1, {}}};
    read.config = config;
    return read;
  }

  void Handle(const Event& event) {
    std::vector<Action> actions;
    loop_->Handle(event, now_, actions);
    Carry(std::move(actions));
  }

  virtual void Carry(std::vector<Action> actions) {
    for (Action& action : actions) {
      if (auto* save = std::get_if<SaveState>(&action)) state_ = save->bytes;
      if (auto* keep = std::get_if<KeepRevision>(&action)) kept_[keep->number] = keep->content;
      if (auto* drop = std::get_if<DropRevision>(&action)) kept_.erase(drop->number);
      if (auto* reply = std::get_if<Reply>(&action)) replies_[reply->request] = *reply;
      if (auto* attempt = std::get_if<TryConfig>(&action)) tries_.push_back(*attempt);
    }
  }

  // Does what the shell does with what it was told to check or write.
  void RunTries() {
    while (!tries_.empty()) {
      const TryConfig attempt = tries_.front();
      tries_.erase(tries_.begin());
      ConfigTried tried{attempt.token, absl::OkStatus(), "", Read(attempt.content)};
      if (!tried.read.config) {
        tried.status = absl::InvalidArgumentError("errors");
        tried.reason = kConfigInvalid;
      } else if (attempt.write && Sha256(file_) != attempt.expected_digest) {
        tried.status = absl::AbortedError("moved");
        tried.reason = "CONFIG_MOVED";
      } else if (attempt.after_save && state_lost_) {
        tried.status = absl::UnavailableError("no space left");
        tried.reason = kStateNotSaved;
      } else if (attempt.write && read_only_) {
        tried.status = absl::FailedPreconditionError("read-only");
        tried.reason = "CONFIG_READ_ONLY";
      } else if (attempt.write) {
        if (attempt.keep_old) beside_ = file_;
        file_ = attempt.content;
      }
      Handle(tried);
    }
  }

  RequestId Send(AdminCall call) {
    const RequestId id = ++last_request_;
    AdminRequest request;
    request.request = id;
    request.call = std::move(call);
    request.clock = {now_, WallTime(now_.time_since_epoch())};
    request.caller = {Role::kAdmin, "admin/ann"};
    Handle(request);
    return id;
  }

  // The answer, or the reason of the failure.
  template <typename Answer>
  Answer Get(AdminCall call) {
    const RequestId id = Send(std::move(call));
    RunTries();
    const Reply& reply = replies_.at(id);
    reason_ = reply.failure ? reply.failure->reason : "";
    failure_ = reply.failure;
    return reply.failure ? Answer() : std::get<Answer>(reply.answer);
  }

  ApplyConfigResponse Apply(const std::string& content, uint64_t if_revision = 0) {
    ApplyConfigRequest call;
    call.set_content(content);
    call.set_if_revision(if_revision);
    return Get<ApplyConfigResponse>(call);
  }
  ApplyConfigResponse ApplyWithConfirm(const std::string& content, int64_t timeout_s,
                                       double ratio = 0) {
    ApplyConfigRequest call;
    call.set_content(content);
    call.mutable_confirm_timeout()->set_seconds(timeout_s);
    call.set_max_connect_failure_ratio(ratio);
    return Get<ApplyConfigResponse>(call);
  }
  admin::v1::Config Running() {
    admin::v1::GetConfigRequest call;
    call.set_name("configs/-");
    return Get<admin::v1::Config>(call);
  }
  std::vector<admin::v1::Event> Events(const std::string& kind) {
    admin::v1::ListEventsRequest call;
    call.add_kinds(kind);
    const auto list = Get<admin::v1::ListEventsResponse>(call);
    return {list.events().begin(), list.events().end()};
  }
  void Pass(Duration time) {
    now_ += time;
    Handle(TimerFired{});
    RunTries();
  }

  Instant now_{seconds(1'000'000)};
  std::string file_;
  std::string beside_;  // The file of what was refused.
  std::string broken_;  // A content that does not load any more.
  bool read_only_ = false;
  bool state_lost_ = false;  // The disk refuses what must be stored first.
  std::string state_;
  std::map<uint64_t, std::string> kept_;
  std::unique_ptr<ControlLoop> loop_;
  std::vector<TryConfig> tries_;
  std::map<RequestId, Reply> replies_;
  RequestId last_request_ = 0;
  int lives_ = 0;
  std::string reason_;
  std::optional<Failure> failure_;
};

}  // namespace lb::controlplane
