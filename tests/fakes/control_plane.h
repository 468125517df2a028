// A control plane that does what a test says: a real gRPC server on a unix socket whose every
// message is written by the test.
//
// Waits are bounded by kPatience. Thread-safe; meant to be driven by the test's thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lb/type/v1/snapshot.pb.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::tests {

class FakeControlPlane final {
 public:
  // Far above what any step takes, also under a sanitizer on a busy machine.
  static constexpr std::chrono::seconds kPatience{60};

  using Message = lb::worker::v1::ConnectRequest;

  // Serves on a unix socket at `path`.
  explicit FakeControlPlane(std::string path);
  // Ends all streams and the server, as a killed control plane does.
  ~FakeControlPlane();

  // Waits for the next stream's Hello, which becomes the current one; nullopt when none came.
  std::optional<lb::worker::v1::Hello> AwaitHello();

  // Sends on the current stream. Requires one; false when it is over.
  bool Send(const lb::worker::v1::ConnectResponse& message);
  // The Welcome every conversation starts with.
  bool SendWelcome();
  // A snapshot under (epoch, revision), its digest computed, in parts of `part_bytes`.
  bool SendSnapshot(const lb::type::v1::Snapshot& snapshot, uint64_t epoch, uint64_t revision,
                    size_t part_bytes = 1u << 20);

  // Waits until a message of the current stream fulfils `wanted` and returns it; those before it
  // are dropped. nullopt when none came or the stream ended.
  std::optional<Message> Await(const std::function<bool(const Message&)>& wanted);
  // The common cases of it: an answer to a version; a status of a drain.
  std::optional<Message> AwaitAnswer();

  // Waits until the worker has ended the current stream; false when it did not.
  bool AwaitEnd();

 private:
  class Service;
  class Server;

  std::unique_ptr<Server> server_;
};

// The version a snapshot gets: its digest computed.
lb::type::v1::ConfigVersion VersionOf(const std::string& bytes, uint64_t epoch, uint64_t revision);

}  // namespace lb::tests
