// Events, watches, waits, and changes asked for twice.
#include <algorithm>
#include <random>

#include "base/sha256.h"
#include "controlplane/events/event_log.h"
#include "controlplane/loop/control_loop.h"
#include "controlplane/loop/test_messages.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using admin::v1::Event;
using std::chrono::seconds;

class WatchTest : public testing::Test {
 protected:
  WatchTest() {
    std::vector<Action> actions;
    ControlLoop::Options options;
    options.node_id = "node";
    options.incarnation = "life";
    options.start_time = WallTime(seconds(5'000));
    loop_ = std::make_unique<ControlLoop>(options, now_, actions);
    Edit();
  }

  void Handle(const lb::controlplane::Event& event) {
    std::vector<Action> actions;
    loop_->Handle(event, now_, actions);
    for (Action& action : actions) {
      if (auto* reply = std::get_if<Reply>(&action)) replies_.push_back(std::move(*reply));
      if (auto* item = std::get_if<StreamItem>(&action))
        items_.emplace_back(item->request, dynamic_cast<const Event&>(*item->answer));
      if (auto* attempt = std::get_if<TryConfig>(&action)) tries_.push_back(std::move(*attempt));
      if (auto* send = std::get_if<SendToWorker>(&action))
        if (send->message.has_command()) command_ = send->message.command().id();
    }
  }

  static ConfigRead Read(const std::string& content) {
    Config config;
    RuleConfig& rule = config.rules.emplace_back();
    rule.name = content;
    rule.listen = Endpoint::Parse("127.0.0.1:80").value();
    ConfigRead read;
    read.path = "lb.yaml";
    read.config = config;
    read.content = content;
    read.digest = Sha256(content);
    return read;
  }
  // The file says something new: one "config.accepted", one "config.version".
  void Edit() { Handle(Read("edit" + std::to_string(++edits_))); }

  RequestId Send(AdminCall call) {
    AdminRequest request;
    request.request = ++last_request_;
    request.call = std::move(call);
    request.clock = {now_, WallTime(seconds(5'000)) + (now_ - start_)};
    request.caller = {Role::kAdmin, "admin/ann"};
    Handle(request);
    return last_request_;
  }
  // The reply to a call, or nullptr.
  const Reply* ReplyTo(RequestId request) const {
    const auto found = std::find_if(replies_.begin(), replies_.end(),
                                    [&](const Reply& reply) { return reply.request == request; });
    return found == replies_.end() ? nullptr : &*found;
  }
  std::vector<Event> Seen(RequestId request) const {
    std::vector<Event> seen;
    for (const auto& [watch, event] : items_)
      if (watch == request) seen.push_back(event);
    return seen;
  }
  void ConnectWorker() { Handle(WorkerMessage{1, HelloOf("worker-1", "i", 42)}); }
  admin::v1::Operation Drain() {
    admin::v1::DrainWorkerRequest drain;
    drain.set_name("workers/worker-1");
    drain.set_force(true);
    return std::get<admin::v1::Operation>(ReplyTo(Send(drain))->answer);
  }
  void Drained() {
    WorkerMessage done;
    done.session = 1;
    done.message.mutable_drain()->set_command_id(command_);
    done.message.mutable_drain()->set_done(true);
    Handle(done);
  }

  const Instant start_{seconds(100)};
  Instant now_ = start_;
  std::unique_ptr<ControlLoop> loop_;
  std::vector<Reply> replies_;
  std::vector<std::pair<RequestId, Event>> items_;
  std::vector<TryConfig> tries_;
  std::string command_;
  RequestId last_request_ = 0;
  int edits_ = 0;
};

TEST_F(WatchTest, EventsSayWhatHappenedWhenAndToWhat) {
  now_ += seconds(7);
  ConnectWorker();
  admin::v1::ListEventsRequest call;
  call.add_kinds("worker");
  const auto list = std::get<admin::v1::ListEventsResponse>(ReplyTo(Send(call))->answer);
  ASSERT_EQ(list.events_size(), 1);
  EXPECT_EQ(list.events(0).kind(), "worker.connected");
  EXPECT_EQ(list.events(0).resource(), "workers/worker-1");
  EXPECT_EQ(list.events(0).time().seconds(), 5'007);
  EXPECT_EQ(list.events(0).attributes().at("incarnation"), "i");
}

TEST_F(WatchTest, ChangesAreEventsWithWhoAskedAlsoWhenRefused) {
  ConnectWorker();
  admin::v1::WatchEventsRequest call;
  call.add_kinds("api.change");
  const RequestId watch = Send(call);
  Drain();
  admin::v1::DrainWorkerRequest unknown;
  unknown.set_name("workers/nobody");
  Send(unknown);
  const std::vector<Event> seen = Seen(watch);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].attributes().at("call"), "DrainWorker");
  EXPECT_EQ(seen[0].attributes().at("caller"), "admin/ann");
  EXPECT_EQ(seen[0].resource(), "workers/worker-1");
  EXPECT_EQ(seen[1].attributes().at("reason"), "WORKER_NOT_FOUND");
}

// Goal: a watch that is cut again and again sees every event exactly once. Method: it is cut at 100
// random moments, and goes on each time with the token of the last event it saw.
TEST_F(WatchTest, AWatchThatIsCutSeesEveryEventOnce) {
  std::mt19937 random(3);
  const auto list = std::get<admin::v1::ListEventsResponse>(
      ReplyTo(Send(admin::v1::ListEventsRequest()))->answer);
  admin::v1::WatchEventsRequest call;
  call.set_resume_token(list.events().rbegin()->resume_token());
  const RequestId reference = Send(call);
  RequestId watch = Send(call);
  std::vector<std::string> seen;
  const auto read = [&] {
    for (const Event& event : Seen(watch)) seen.push_back(event.resume_token());
    if (!seen.empty()) call.set_resume_token(seen.back());
  };
  for (int cuts = 0; cuts < 100; ++cuts) {
    for (unsigned i = random() % 4; i > 0; --i) Edit();
    read();
    Handle(AdminCallEnded{watch});
    for (unsigned i = random() % 4; i > 0; --i) Edit();
    watch = Send(call);
  }
  read();
  std::vector<std::string> all;
  for (const Event& event : Seen(reference)) all.push_back(event.resume_token());
  EXPECT_GT(all.size(), 300u);
  EXPECT_EQ(seen, all);
}

TEST_F(WatchTest, AWatchWithoutATokenBeginsNowOrSomeTimeAgo) {
  const RequestId fresh = Send(admin::v1::WatchEventsRequest());
  EXPECT_TRUE(Seen(fresh).empty());
  now_ += seconds(100);
  Edit();
  now_ += seconds(10);
  admin::v1::WatchEventsRequest since;
  since.mutable_since()->set_seconds(60);
  EXPECT_EQ(Seen(Send(since)).size(), 2u);
}

TEST_F(WatchTest, SinceIsExactAndNoTimeToCome) {
  now_ += seconds(100);
  Edit();
  now_ += std::chrono::milliseconds(700);
  Edit();
  admin::v1::WatchEventsRequest since;
  since.mutable_since()->set_nanos(500'000'000);
  EXPECT_EQ(Seen(Send(since)).size(), 2u);
  since.mutable_since()->set_nanos(700'000'000);
  EXPECT_EQ(Seen(Send(since)).size(), 4u);
  since.mutable_since()->set_nanos(0);
  since.mutable_since()->set_seconds(int64_t{1} << 40);  // All that there is.
  EXPECT_EQ(Seen(Send(since)).size(), 6u);
  since.mutable_since()->set_seconds(-1);
  const Reply* refused = ReplyTo(Send(since));
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->failure->reason, "FIELD_INVALID");
  EXPECT_EQ(refused->failure->violations.at(0).field, "since");
}

TEST_F(WatchTest, WatchesAreBoundedAndEndWithTheirCaller) {
  std::vector<RequestId> watches;
  for (size_t i = 0; i < EventLog::kMaxWatches; ++i)
    watches.push_back(Send(admin::v1::WatchEventsRequest()));
  const RequestId refused = Send(admin::v1::WatchEventsRequest());
  EXPECT_EQ(ReplyTo(refused)->failure->reason, "TOO_MANY_WATCHES");
  Handle(AdminCallEnded{watches[0]});
  EXPECT_EQ(ReplyTo(Send(admin::v1::WatchEventsRequest())), nullptr);
}

// Goal: a change whose answer was lost is made once, whenever it is asked for again. Method: the
// first caller is cut while the file is being written; a second asks meanwhile, a third later.
TEST_F(WatchTest, ARetriedRequestIdHasOneEffectAndOneAnswer) {
  admin::v1::ApplyConfigRequest call;
  call.set_content("applied");
  call.set_request_id("8d1f");
  const RequestId first = Send(call);
  Handle(AdminCallEnded{first});
  const RequestId second = Send(call);
  EXPECT_EQ(ReplyTo(second), nullptr);
  ASSERT_EQ(tries_.size(), 1u);
  Handle(ConfigTried{tries_[0].token, absl::OkStatus(), "", Read("applied")});
  const RequestId third = Send(call);
  EXPECT_EQ(tries_.size(), 1u);
  for (const RequestId request : {second, third}) {
    ASSERT_NE(ReplyTo(request), nullptr);
    const auto& answer = std::get<admin::v1::ApplyConfigResponse>(ReplyTo(request)->answer);
    EXPECT_EQ(answer.config().name(), "configs/2");
  }
  call.set_content("another");
  const Failure reused = *ReplyTo(Send(call))->failure;
  EXPECT_EQ(reused.reason, "REQUEST_ID_REUSED");
  EXPECT_EQ(reused.violations.at(0).field, "request_id");
}

TEST_F(WatchTest, AWaitEndsWithTheOperationOrItsTime) {
  ConnectWorker();
  const admin::v1::Operation operation = Drain();
  admin::v1::WaitOperationRequest wait;
  wait.set_name(operation.name());
  wait.mutable_timeout()->set_seconds(3);
  const RequestId in_time = Send(wait);
  now_ += seconds(3);
  Handle(TimerFired{});
  ASSERT_NE(ReplyTo(in_time), nullptr);
  EXPECT_FALSE(std::get<admin::v1::Operation>(ReplyTo(in_time)->answer).done());
  const RequestId done = Send(wait);
  EXPECT_EQ(ReplyTo(done), nullptr);
  EXPECT_LE(loop_->NextDeadline(), now_ + seconds(3));
  Drained();
  ASSERT_NE(ReplyTo(done), nullptr);
  EXPECT_TRUE(std::get<admin::v1::Operation>(ReplyTo(done)->answer).done());
}

TEST_F(WatchTest, OperationsAreListedNewestFirst) {
  ConnectWorker();
  const std::string first = Drain().name();
  Drained();
  const std::string second = Drain().name();
  admin::v1::ListOperationsRequest call;
  call.set_page_size(1);
  auto page = std::get<admin::v1::ListOperationsResponse>(ReplyTo(Send(call))->answer);
  ASSERT_EQ(page.operations_size(), 1);
  EXPECT_EQ(page.operations(0).name(), second);
  call.set_page_token(page.next_page_token());
  page = std::get<admin::v1::ListOperationsResponse>(ReplyTo(Send(call))->answer);
  ASSERT_EQ(page.operations_size(), 1);
  EXPECT_EQ(page.operations(0).name(), first);
  EXPECT_EQ(page.next_page_token(), "");
}

}  // namespace
}  // namespace lb::controlplane
