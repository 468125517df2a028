#include "controlplane/shell/worker_service.h"

#include <grpcpp/create_channel_posix.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <sys/socket.h>

#include <thread>

#include "controlplane/shell/grpc_server.h"
#include "controlplane/shell/test_loop.h"
#include "gtest/gtest.h"
#include "lb/worker/v1/worker.grpc.pb.h"

namespace lb::controlplane {
namespace {

using worker::v1::ConnectRequest;
using worker::v1::ConnectResponse;
using worker::v1::WorkerControlService;

// Of the process at the other end of a connection, where nothing else is said; and of another one.
constexpr pid_t kPid = 100;
constexpr pid_t kOtherPid = 4711;

// A worker's end of the API, with blocking calls.
struct Client {
  explicit Client(const std::shared_ptr<grpc::Channel>& channel)
      : stub(WorkerControlService::NewStub(channel)), stream(stub->Connect(&context)) {}

  bool Say(const std::string& id, pid_t pid = kPid) {
    ConnectRequest request;
    request.mutable_hello()->mutable_worker()->set_id(id);
    request.mutable_hello()->mutable_worker()->set_pid(static_cast<uint32_t>(pid));
    return stream->Write(request);
  }

  grpc::ClientContext context;
  std::unique_ptr<WorkerControlService::Stub> stub;
  std::unique_ptr<grpc::ClientReaderWriter<ConnectRequest, ConnectResponse>> stream;
};

class WorkerServiceTest : public testing::Test {
 protected:
  WorkerServiceTest() {
    GrpcServer::Options options;
    options.services = {service_.service()};
    server_ = GrpcServer::Start(std::move(options)).value();
  }

  ~WorkerServiceTest() override {
    service_.Stop();
    bool down = false;
    std::thread waiter([&] {
      server_->Shutdown();
      boost::asio::post(loop_.io(), [&] { down = true; });
    });
    EXPECT_TRUE(loop_.RunUntil([&] { return down; }));
    waiter.join();
  }

  // Both ends of a fresh connection: one to the server, the other returned.
  int Connect(pid_t pid = kPid) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    server_->TakeLocal(UniqueFd(ends[0]), {{}, "", pid});
    return ends[1];
  }

  std::shared_ptr<grpc::Channel> Channel(pid_t pid = kPid) {
    return grpc::CreateInsecureChannelFromFd("worker", Connect(pid));
  }

  bool MessagesAre(size_t count) {
    return loop_.RunUntil([&] { return loop_.Of<WorkerMessage>().size() >= count; });
  }

  // Waits for a blocking call in another thread while the loop runs.
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

  TestLoop loop_;
  WorkerService service_{loop_.io(), loop_.sink()};
  std::unique_ptr<GrpcServer> server_;
};

TEST_F(WorkerServiceTest, AHelloOfAnotherProcessThanThePeerIsTurnedAway) {
  Client stranger(Channel());
  ASSERT_TRUE(stranger.Say("w1", kOtherPid));
  const grpc::Status status = WhileRunning([&] { return stranger.stream->Finish(); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << status.error_message();
  EXPECT_NE(status.error_message().find("pid 4711"), std::string::npos);
  EXPECT_TRUE(loop_.Of<WorkerMessage>().empty());
}

// Goal: nobody speaks for a worker that is there. Method: a process of the same user, on a
// connection of its own, says the very hello of one that is connected.
TEST_F(WorkerServiceTest, AProcessCannotPoseAsAWorkerThatIsConnected) {
  Client worker(Channel(kOtherPid));
  ASSERT_TRUE(worker.Say("w1", kOtherPid));
  ASSERT_TRUE(MessagesAre(1));
  Client poser(Channel(kPid));
  ASSERT_TRUE(poser.Say("w1", kOtherPid));
  const grpc::Status status = WhileRunning([&] { return poser.stream->Finish(); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << status.error_message();
  EXPECT_EQ(loop_.Of<WorkerMessage>().size(), 1u);
  ASSERT_TRUE(worker.Say("w1 again", kOtherPid));
  EXPECT_TRUE(MessagesAre(2));
  EXPECT_TRUE(loop_.Of<WorkerStreamEnded>().empty());
}

TEST_F(WorkerServiceTest, AStreamIsASessionWithItsMessagesAndItsEnd) {
  Client client(Channel());
  ASSERT_TRUE(client.Say("w1"));
  ASSERT_TRUE(client.Say("w1 again"));
  ASSERT_TRUE(MessagesAre(2));
  const auto messages = loop_.Of<WorkerMessage>();
  EXPECT_EQ(messages[0].message.hello().worker().id(), "w1");
  EXPECT_EQ(messages[1].message.hello().worker().id(), "w1 again");
  EXPECT_EQ(messages[0].session, messages[1].session);

  SendToWorker welcome;
  welcome.session = messages[0].session;
  for (const char* id : {"a", "b", "c"}) {
    welcome.message.mutable_welcome()->set_session_id(id);
    service_.Send(welcome);
  }
  for (const char* id : {"a", "b", "c"}) {
    const ConnectResponse response = WhileRunning([&] {
      ConnectResponse next;
      client.stream->Read(&next);
      return next;
    });
    EXPECT_EQ(response.welcome().session_id(), id);
  }

  service_.Close({welcome.session, absl::FailedPreconditionError("protocol 9 is not spoken")});
  const grpc::Status status = WhileRunning([&] { return client.stream->Finish(); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(status.error_message(), "protocol 9 is not spoken");
  ASSERT_TRUE(loop_.RunUntil([&] { return loop_.Of<WorkerStreamEnded>().size() == 1; }));
  EXPECT_EQ(loop_.Of<WorkerStreamEnded>()[0].session, welcome.session);
  service_.Send(welcome);  // To a session that is over: nothing happens.
}

TEST_F(WorkerServiceTest, AWorkerThatGoesEndsItsSessionOnly) {
  Client staying(Channel());
  ASSERT_TRUE(staying.Say("staying"));
  ASSERT_TRUE(MessagesAre(1));
  {
    Client leaving(Channel());
    ASSERT_TRUE(leaving.Say("leaving"));
    ASSERT_TRUE(MessagesAre(2));
    leaving.context.TryCancel();
    ASSERT_TRUE(loop_.RunUntil([&] { return loop_.Of<WorkerStreamEnded>().size() == 1; }));
  }
  EXPECT_NE(loop_.Of<WorkerStreamEnded>()[0].session, loop_.Of<WorkerMessage>()[0].session);
  ASSERT_TRUE(staying.Say("still here"));
  EXPECT_TRUE(MessagesAre(3));
  EXPECT_EQ(service_.sessions(), 1u);
}

TEST_F(WorkerServiceTest, GarbageOnTheSocketOrInAStreamIsNotNoticedByOthers) {
  Client good(Channel());
  ASSERT_TRUE(good.Say("good"));
  ASSERT_TRUE(MessagesAre(1));

  const UniqueFd raw(Connect());
  const std::string garbage(4096, '\xa5');
  ASSERT_EQ(::send(raw.get(), garbage.data(), garbage.size(), MSG_NOSIGNAL), 4096);
  const auto closed = [&] {
    char bytes[256];
    return ::recv(raw.get(), bytes, sizeof(bytes), MSG_DONTWAIT) == 0 ||
           (errno != EAGAIN && errno != EWOULDBLOCK);
  };
  ASSERT_TRUE(loop_.RunUntil(closed));

  // A proper stream whose first message is no ConnectRequest.
  const auto channel = Channel();
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  auto call = stub.PrepareCall(&context, "/lb.worker.v1.WorkerControlService/Connect", &queue);
  const auto next = [&] {
    return WhileRunning([&] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    });
  };
  call->StartCall(nullptr);
  ASSERT_TRUE(next());
  const grpc::Slice slice(garbage);
  call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
  ASSERT_TRUE(next());
  grpc::Status status;
  call->Finish(&status, nullptr);
  ASSERT_TRUE(next());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);

  ASSERT_TRUE(good.Say("still good"));
  ASSERT_TRUE(MessagesAre(2));
  EXPECT_EQ(loop_.Of<WorkerMessage>().size(), 2u);
  EXPECT_TRUE(loop_.Of<WorkerStreamEnded>().empty());
}

TEST_F(WorkerServiceTest, AMessageOverTheLimitEndsTheStream) {
  Client client(Channel());
  const std::string large(GrpcServer::kMaxReceiveBytes + 1, 'x');
  WhileRunning([&] { return client.Say(large); });
  const grpc::Status status = WhileRunning([&] { return client.stream->Finish(); });
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(loop_.Of<WorkerMessage>().empty());
}

TEST_F(WorkerServiceTest, AWorkerThatDoesNotReadIsCut) {
  Client client(Channel());
  ASSERT_TRUE(client.Say("deaf"));
  ASSERT_TRUE(MessagesAre(1));
  SendToWorker part;
  part.session = loop_.Of<WorkerMessage>()[0].session;
  part.message.mutable_snapshot()->set_data(std::string(1 << 20, 'x'));
  for (size_t sent = 0; sent <= WorkerService::kMaxQueuedBytes + (8u << 20); sent += 1 << 20) {
    service_.Send(part);
    loop_.io().restart();
    loop_.io().poll();
  }
  EXPECT_TRUE(loop_.RunUntil([&] { return loop_.Of<WorkerStreamEnded>().size() == 1; }));
  EXPECT_EQ(service_.sessions(), 0u);
}

TEST_F(WorkerServiceTest, SessionsHaveALimit) {
  std::vector<std::unique_ptr<Client>> clients;
  std::shared_ptr<grpc::Channel> channel;
  constexpr size_t kPerConnection = 64;
  for (size_t i = 0; i < WorkerService::kMaxSessions; ++i) {
    if (i % kPerConnection == 0) channel = Channel();
    clients.push_back(std::make_unique<Client>(channel));
    ASSERT_TRUE(clients.back()->Say("w"));
  }
  ASSERT_TRUE(MessagesAre(WorkerService::kMaxSessions));
  Client late(Channel());
  const grpc::Status status = WhileRunning([&] { return late.stream->Finish(); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(WorkerServiceTest, StoppingTellsTheWorkers) {
  Client client(Channel());
  ASSERT_TRUE(client.Say("w1"));
  ASSERT_TRUE(MessagesAre(1));
  service_.Stop();
  const grpc::Status status = WhileRunning([&] { return client.stream->Finish(); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace lb::controlplane
