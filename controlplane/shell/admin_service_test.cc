#include "controlplane/shell/admin_service.h"

#include <grpcpp/create_channel_posix.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/client_unary_call.h>
#include <sys/socket.h>

#include <thread>
#include <vector>

#include "base/log.h"
#include "controlplane/shell/call_shares.h"
#include "controlplane/shell/grpc_server.h"
#include "controlplane/shell/test_loop.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "lb/admin/v1/admin.grpc.pb.h"
#include "lb/admin/v1/event.grpc.pb.h"

namespace lb::controlplane {
namespace {

namespace v1 = admin::v1;

class AdminServiceTest : public testing::Test {
 protected:
  // Runs a blocking call in another thread while this one is the loop.
  template <typename Call>
  auto WhileRunning(Call call) {
    decltype(call()) result{};
    bool done = false;
    std::thread caller([&] {
      result = call();
      boost::asio::post(loop_.io(), [&] { done = true; });
    });
    EXPECT_TRUE(loop_.RunUntil([&] { return done; }));
    caller.join();
    return result;
  }

  AdminServiceTest() {
    GrpcServer::Options options;
    options.services = service_.services();
    options.helpers = true;
    server_ = GrpcServer::Start(std::move(options)).value();
    channel_ = ChannelOf({Role::kViewer, "uid/1000"});
  }

  std::shared_ptr<grpc::Channel> ChannelOf(const Caller& caller) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    server_->TakeLocal(UniqueFd(ends[0]), {caller});
    // Without probes a client's window stays as it is: what it does not read waits at the server.
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    return grpc::CreateCustomInsecureChannelFromFd("admin", ends[1], arguments);
  }

  // A drain whose caller leaves while the loop is at it.
  void DrainAndLeave() {
    silent_ = true;
    const auto channel = ChannelOf({Role::kOperator, "uid/7"});
    std::thread caller([&] {
      v1::Operation operation;
      const grpc::Status status =
          v1::WorkerService::NewStub(channel)->DrainWorker(&context_, {}, &operation);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
    });
    EXPECT_TRUE(loop_.RunUntil([&] { return last_.request != 0; }));
    context_.TryCancel();
    caller.join();
    EXPECT_TRUE(loop_.RunUntil([&] { return service_.abandoned() == 1; }));
  }

  // Starts a watch that the loop takes and nobody reads.
  std::unique_ptr<grpc::ClientReader<v1::Event>> Watch(grpc::ClientContext& context) {
    silent_ = true;
    const RequestId before = last_.request;
    auto reader = WhileRunning(
        [&] { return v1::EventService::NewStub(channel_)->WatchEvents(&context, {}); });
    EXPECT_TRUE(loop_.RunUntil([&] { return last_.request != before; }));
    return reader;
  }

  // Sends an event to the newest watch.
  void SendEvent(uint64_t number, size_t bytes = kEventBytes) {
    auto event = std::make_shared<v1::Event>();
    event->set_resume_token(std::to_string(number));
    event->set_message(std::string(bytes, 'x'));
    service_.Stream({last_.request, event});
    loop_.io().restart();
    loop_.io().poll();
  }

  // Sends events to the newest watch until it ends; how many. The first one is more than gRPC's
  // windows and buffers take, so the others wait.
  uint64_t SendUntilItEnds() {
    constexpr uint64_t kFarTooMany = 100'000;
    uint64_t sent = 1;
    SendEvent(sent, kFirstEventBytes);
    while (ended_ != last_.request && sent < kFarTooMany) SendEvent(++sent);
    EXPECT_EQ(ended_, last_.request);
    return sent;
  }

  // Reads what is left.
  grpc::Status EndOf(grpc::ClientReader<v1::Event>& reader) {
    return WhileRunning([&] {
      v1::Event event;
      while (reader.Read(&event)) continue;
      return reader.Finish();
    });
  }

  // One that is not refused is ended at once.
  bool OneMoreWatchIsRefused() {
    const RequestId before = last_.request;
    grpc::ClientContext context;
    grpc::Status status;
    bool done = false;
    std::thread caller([&] {
      auto reader = v1::EventService::NewStub(channel_)->WatchEvents(&context, {});
      v1::Event event;
      while (reader->Read(&event)) continue;
      status = reader->Finish();
      boost::asio::post(loop_.io(), [&] { done = true; });
    });
    EXPECT_TRUE(loop_.RunUntil([&] { return done || last_.request != before; }));
    context.TryCancel();
    EXPECT_TRUE(loop_.RunUntil([&] { return done; }));
    caller.join();
    return Has(status.error_message(), "under way");
  }

  static bool Has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  ~AdminServiceTest() override {
    service_.Stop();
    WhileRunning([&] {
      server_->Shutdown();
      return true;
    });
  }

  grpc::Status GetRule(v1::Rule& rule) {
    return WhileRunning([&] {
      v1::GetRuleRequest request;
      request.set_name("rules/web");
      return v1::RuleService::NewStub(channel_)->GetRule(&context_, request, &rule);
    });
  }

  static constexpr size_t kFirstEventBytes = 1 << 18;
  static constexpr size_t kEventBytes = 1'000;

  TestLoop loop_;
  // Answers as `reply` says, and keeps the last request.
  Reply reply_;
  AdminRequest last_;
  RequestId ended_ = 0;
  bool silent_ = false;
  AdminService service_{loop_.io(), [this](Event event) {
                          boost::asio::post(loop_.io(), [this, event] {
                            if (const auto* ended = std::get_if<AdminCallEnded>(&event)) {
                              ended_ = ended->request;
                              return;
                            }
                            last_ = std::get<AdminRequest>(event);
                            if (silent_) return;
                            Reply reply = reply_;
                            reply.request = last_.request;
                            service_.Answer(std::move(reply));
                          });
                        }};
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  grpc::ClientContext context_;
};

TEST_F(AdminServiceTest, ACallIsARequestAndItsReplyTheResponse) {
  v1::Rule answer;
  answer.set_name("rules/web");
  reply_.answer = answer;
  v1::Rule rule;
  const grpc::Status status = GetRule(rule);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(rule.name(), "rules/web");
  EXPECT_EQ(std::get<v1::GetRuleRequest>(last_.call).name(), "rules/web");
  EXPECT_EQ(last_.caller.role, Role::kViewer);
  EXPECT_EQ(last_.caller.name, "uid/1000");
}

TEST_F(AdminServiceTest, ACallThatNeedsMoreNeverReachesTheLoop) {
  v1::Operation operation;
  const grpc::Status status = WhileRunning(
      [&] { return v1::WorkerService::NewStub(channel_)->DrainWorker(&context_, {}, &operation); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(last_.request, 0u);
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "ROLE_MISSING");
  EXPECT_EQ(info.metadata().at("needs"), "operator");
}

TEST_F(AdminServiceTest, AnErrorCarriesItsCodeItsMessageAndItsDetails) {
  reply_.failure = Failure{absl::NotFoundError("no rule 'web'; did you mean 'web2'?"),
                           "RULE_NOT_FOUND",
                           {{"closest", "web2"}},
                           {{"name", "is not there"}}};
  v1::Rule rule;
  const grpc::Status status = GetRule(rule);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no rule 'web'; did you mean 'web2'?");
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  ASSERT_EQ(details.details_size(), 2);
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "RULE_NOT_FOUND");
  EXPECT_EQ(info.domain(), "lb");
  EXPECT_EQ(info.metadata().at("closest"), "web2");
  google::rpc::BadRequest bad;
  ASSERT_TRUE(details.details(1).UnpackTo(&bad));
  EXPECT_EQ(bad.field_violations(0).field(), "name");
}

// Each byte of such text is three on the wire, and too much trailing metadata has a code of its
// own.
TEST_F(AdminServiceTest, TheLongestErrorKeepsItsCode) {
  std::string text;
  while (text.size() < 9'000) text += "\xC3\xA9";
  Failure failure{absl::NotFoundError(text), "RULE_NOT_FOUND"};
  for (const char* key : {"name", "closest", "rule", "backend"}) failure.metadata[key] = text;
  for (size_t i = 0; i < 2 * Failure::kMaxViolations; ++i)
    failure.violations.push_back({text, text});
  reply_.failure = failure;
  v1::Rule rule;
  const grpc::Status status = GetRule(rule);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND) << status.error_message();
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.details_size(), 2);
}

// Goal: a call that waits in the loop costs nothing once its caller is gone. Method: the loop never
// answers; the caller's deadline is over.
TEST_F(AdminServiceTest, TheLoopHearsOfACallerThatIsGone) {
  silent_ = true;
  context_.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  v1::Rule rule;
  EXPECT_EQ(GetRule(rule).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(loop_.RunUntil([&] { return ended_ == last_.request; }));
}

// Goal: the audit trail tells what became of a change, not that its caller left. Method: the loop
// answers when the caller has left, and only errors are logged.
TEST_F(AdminServiceTest, AChangeGoesOnWithoutItsCallerAndItsAuditLineTellsItsEnd) {
  ASSERT_TRUE(SetUpLog("error", "text").ok());
  testing::internal::CaptureStderr();
  DrainAndLeave();
  EXPECT_EQ(ended_, 0u);
  Reply reply{last_.request, std::nullopt, v1::Operation()};
  reply.before = "accepting";
  reply.after = "draining";
  service_.Answer(std::move(reply));
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(Has(log,
                  "who=uid/7 role=operator method=lb.admin.v1.WorkerService/DrainWorker "
                  "before=accepting after=draining caller_gone=true code=OK"))
      << log;
}

TEST_F(AdminServiceTest, AStopLeavesNoChangeWithoutItsLine) {
  testing::internal::CaptureStderr();
  DrainAndLeave();
  service_.Stop();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(Has(log, "caller_gone=true outcome=unknown code=UNAVAILABLE")) << log;
}

TEST_F(AdminServiceTest, AViewerThatWaitsLocksNobodyOut) {
  silent_ = true;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientAsyncResponseReader<v1::Operation>>> calls;
  grpc::CompletionQueue queue;
  auto stub = v1::OperationService::NewStub(channel_);
  v1::Operation operation;
  std::vector<grpc::Status> ends(100);
  for (grpc::Status& end : ends) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    calls.push_back(stub->AsyncWaitOperation(contexts.back().get(), {}, &queue));
    calls.back()->Finish(&operation, &end, &end);
  }
  const size_t too_many = ends.size() - CallShares::kBounds[1].of_caller;
  const size_t refused = WhileRunning([&] {
    size_t count = 0;
    void* tag = nullptr;
    bool ok = false;
    while (count < too_many && queue.Next(&tag, &ok))
      count +=
          static_cast<grpc::Status*>(tag)->error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
    return count;
  });
  EXPECT_EQ(refused, too_many);
  silent_ = false;
  reply_.answer = v1::Rule();
  v1::Rule rule;
  EXPECT_TRUE(GetRule(rule).ok());
  for (auto& context : contexts) context->TryCancel();
  WhileRunning([&] {
    void* tag = nullptr;
    bool ok = false;
    for (size_t left = ends.size() - too_many; left > 0; --left) queue.Next(&tag, &ok);
    return true;
  });
}

// Goal: who watches and does not read costs a bounded queue, and nothing but what is being written
// once it is over; it is told to go on after what it has. Method: answers come until the call ends,
// more than a queue holds, before the first is read; what comes after that finds no call.
TEST_F(AdminServiceTest, AWatchThatIsNotReadEndsAndTheLoopHearsOfIt) {
  auto reader = Watch(context_);
  const uint64_t sent = SendUntilItEnds();
  // 8 MiB of them.
  EXPECT_GT(sent, 6'000u);
  EXPECT_LT(sent, 12'000u);
  EXPECT_LT(service_.waiting_bytes(), kFirstEventBytes + kEventBytes);
  SendEvent(sent + 1);
  uint64_t seen = 0;
  const grpc::Status status = WhileRunning([&] {
    v1::Event event;
    while (reader->Read(&event))
      if (event.resume_token() == std::to_string(seen + 1)) ++seen;
    return reader->Finish();
  });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(seen, 1u);
  EXPECT_EQ(service_.waiting_bytes(), 0u);
}

// Goal: a caller has no more streams than its share, those included that it was told are over and
// does not read. Method: all of them end so, and one more is refused until one is read to its end.
TEST_F(AdminServiceTest, AWatchThatIsNotReadKeepsItsShare) {
  constexpr size_t kShare = CallShares::kBounds[2].of_caller;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::Event>>> readers;
  for (size_t i = 0; i < kShare; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    readers.push_back(Watch(*contexts.back()));
    SendUntilItEnds();
  }
  EXPECT_TRUE(OneMoreWatchIsRefused());
  EXPECT_EQ(EndOf(*readers.front()).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(loop_.RunUntil([&] { return !OneMoreWatchIsRefused(); }));
  for (auto& context : contexts) context->TryCancel();
  for (size_t i = 1; i < readers.size(); ++i) EndOf(*readers[i]);
}

TEST_F(AdminServiceTest, AfterStopCallsAreUnavailable) {
  service_.Stop();
  v1::Rule rule;
  EXPECT_EQ(GetRule(rule).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(AdminServiceTest, AnUnknownMethodIsUnimplementedAndHealthIsServed) {
  server_->SetServing(true);
  const auto call = [&](const char* method) {
    return WhileRunning([&] {
      grpc::ClientContext context;
      const grpc::internal::RpcMethod rpc(method, grpc::internal::RpcMethod::NORMAL_RPC);
      v1::GetStatusRequest request;  // Empty, like a health request for the whole server.
      v1::GetOperationRequest response;
      return grpc::internal::BlockingUnaryCall<v1::GetStatusRequest, v1::GetOperationRequest,
                                               grpc::protobuf::MessageLite,
                                               grpc::protobuf::MessageLite>(
                 channel_.get(), rpc, &context, request, &response)
          .error_code();
    });
  };
  EXPECT_EQ(call("/lb.admin.v1.RuleService/Explode"), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(call("/grpc.health.v1.Health/Check"), grpc::StatusCode::OK);
}

}  // namespace
}  // namespace lb::controlplane
