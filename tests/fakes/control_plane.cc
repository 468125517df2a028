#include "tests/fakes/control_plane.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "base/sha256.h"
#include "lb/worker/v1/worker.grpc.pb.h"

namespace lb::tests {

using lb::worker::v1::ConnectRequest;
using lb::worker::v1::ConnectResponse;
using lb::worker::v1::Hello;

namespace {

using GrpcStream = grpc::ServerReaderWriter<ConnectResponse, ConnectRequest>;

// One worker's stream: filled by the server's thread, emptied by the test's.
struct Stream {
  GrpcStream* grpc = nullptr;
  grpc::ServerContext* context = nullptr;
  std::deque<ConnectRequest> received;
  bool ended = false;
};

}  // namespace

// The synchronous service: one of gRPC's threads per stream reads until it ends.
class FakeControlPlane::Service final : public lb::worker::v1::WorkerControlService::Service {
 public:
  grpc::Status Connect(grpc::ServerContext* context, GrpcStream* grpc) override {
    const auto stream = std::make_shared<Stream>();
    stream->grpc = grpc;
    stream->context = context;
    {
      const std::lock_guard lock(mutex_);
      streams_.push_back(stream);
    }
    ConnectRequest message;
    while (grpc->Read(&message)) {
      const std::lock_guard lock(mutex_);
      stream->received.push_back(message);
      changed_.notify_all();
    }
    const std::lock_guard lock(mutex_);
    stream->ended = true;
    changed_.notify_all();
    return grpc::Status::OK;
  }

  std::optional<Hello> AwaitHello() {
    std::unique_lock lock(mutex_);
    std::shared_ptr<Stream> next;
    changed_.wait_for(lock, kPatience, [&] {
      const auto found = std::find_if(streams_.begin(), streams_.end(),
                                      [](const auto& stream) { return !stream->received.empty(); });
      if (found == streams_.end()) return false;
      next = *found;
      streams_.erase(found);
      return true;
    });
    if (next == nullptr || !next->received.front().has_hello()) return std::nullopt;
    current_ = std::move(next);
    Hello hello = current_->received.front().hello();
    current_->received.pop_front();
    return hello;
  }

  bool Send(const ConnectResponse& message) {
    // Under the lock: the stream's pointer is good until Connect returns, which needs the lock.
    const std::lock_guard lock(mutex_);
    LB_CHECK(current_ != nullptr);
    return !current_->ended && current_->grpc->Write(message);
  }

  std::optional<Message> Await(const std::function<bool(const Message&)>& wanted) {
    std::unique_lock lock(mutex_);
    LB_CHECK(current_ != nullptr);
    std::optional<Message> found;
    changed_.wait_for(lock, kPatience, [&] {
      while (!found && !current_->received.empty()) {
        if (wanted(current_->received.front())) found = current_->received.front();
        current_->received.pop_front();
      }
      return found.has_value() || current_->ended;
    });
    return found;
  }

  bool AwaitEnd() {
    std::unique_lock lock(mutex_);
    LB_CHECK(current_ != nullptr);
    return changed_.wait_for(lock, kPatience, [&] { return current_->ended; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Stream>> streams_;  // Not taken by AwaitHello yet.
  std::shared_ptr<Stream> current_;
};

class FakeControlPlane::Server final {
 public:
  explicit Server(const std::string& path) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials());
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    LB_CHECK(server_ != nullptr);
  }
  // A deadline in the past: streams are cancelled, not waited for.
  ~Server() { server_->Shutdown(std::chrono::system_clock::time_point()); }

  Service& service() { return service_; }

 private:
  Service service_;
  std::unique_ptr<grpc::Server> server_;
};

FakeControlPlane::FakeControlPlane(std::string path) : server_(std::make_unique<Server>(path)) {}

FakeControlPlane::~FakeControlPlane() = default;

std::optional<Hello> FakeControlPlane::AwaitHello() { return server_->service().AwaitHello(); }

bool FakeControlPlane::Send(const ConnectResponse& message) {
  return server_->service().Send(message);
}

bool FakeControlPlane::SendWelcome() {
  ConnectResponse message;
  message.mutable_welcome()->set_session_id("fake");
  message.mutable_welcome()->set_protocol(1);
  return Send(message);
}

bool FakeControlPlane::SendSnapshot(const lb::type::v1::Snapshot& snapshot, uint64_t epoch,
                                    uint64_t revision, size_t part_bytes) {
  const std::string bytes = snapshot.SerializeAsString();
  size_t offset = 0;
  do {
    ConnectResponse message;
    auto& part = *message.mutable_snapshot();
    *part.mutable_version() = VersionOf(bytes, epoch, revision);
    part.set_total_bytes(bytes.size());
    part.set_offset(offset);
    part.set_data(bytes.substr(offset, part_bytes));
    if (!Send(message)) return false;
    offset += part_bytes;
  } while (offset < bytes.size());
  return true;
}

std::optional<FakeControlPlane::Message> FakeControlPlane::Await(
    const std::function<bool(const Message&)>& wanted) {
  return server_->service().Await(wanted);
}

std::optional<FakeControlPlane::Message> FakeControlPlane::AwaitAnswer() {
  return Await([](const Message& message) { return message.has_ack() || message.has_nack(); });
}

bool FakeControlPlane::AwaitEnd() { return server_->service().AwaitEnd(); }

lb::type::v1::ConfigVersion VersionOf(const std::string& bytes, uint64_t epoch, uint64_t revision) {
  lb::type::v1::ConfigVersion version;
  version.set_epoch(epoch);
  version.set_revision(revision);
  version.set_digest(Sha256(bytes));
  return version;
}

}  // namespace lb::tests
