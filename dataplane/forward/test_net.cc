#include "dataplane/forward/test_net.h"

#include <dirent.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/check.h"
#include "base/prng.h"
#include "dataplane/forward/dial.h"
#include "dataplane/forward/socket_options.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

void SetPatience(int fd) {
  const timeval wait{.tv_sec = kPatience.count(), .tv_usec = 0};
  LB_CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0);
  LB_CHECK(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) == 0);
}

}  // namespace

bool Eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

size_t OpenDescriptors() {
  DIR* dir = opendir("/proc/self/fd");
  LB_CHECK(dir != nullptr);
  size_t count = 0;
  while (readdir(dir) != nullptr) ++count;
  closedir(dir);
  return count;
}

std::string Pattern(size_t bytes, uint64_t seed) {
  Prng random(seed);
  std::string data;
  data.reserve(bytes + 8);
  while (data.size() < bytes) {
    const uint64_t word = random.Next();
    data.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  data.resize(bytes);
  return data;
}

UniqueFd Dial(const Endpoint& address) {
  const SocketAddress target = address.ToSocketAddress();
  UniqueFd fd(socket(target.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fd;
  SetPatience(fd.get());
  if (connect(fd.get(), target.get(), target.length) != 0) fd.Reset();
  return fd;
}

bool SendAll(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t sent = send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent < 0) return false;
    data.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

ReadResult Read(int fd, size_t bytes) {
  ReadResult result;
  std::string buffer(64 * 1024, '\0');
  while (result.data.size() < bytes) {
    const size_t want = std::min(buffer.size(), bytes - result.data.size());
    const ssize_t got = recv(fd, buffer.data(), want, 0);
    if (got < 0) result.error = errno;
    if (got <= 0) break;
    result.data.append(buffer.data(), static_cast<size_t>(got));
  }
  return result;
}

void SendFin(int fd) { shutdown(fd, SHUT_WR); }

void Reset(UniqueFd fd) { CloseWithReset(fd.get()); }

FakeBackend::FakeBackend(Serve serve, const std::string& listen) : serve_(std::move(serve)) {
  const SocketAddress wanted =
      Endpoint::Parse(listen, Endpoint::PortZero::kAllow).value().ToSocketAddress();
  listener_.Reset(socket(wanted.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  LB_CHECK(bind(listener_.get(), wanted.get(), wanted.length) == 0);
  LB_CHECK(StartListening(listener_.get()) == 0);
  address_ = BoundEndpoint(listener_.get());
  thread_ = std::thread([this] { AcceptLoop(); });
}

FakeBackend::~FakeBackend() {
  stopping_.store(true);
  shutdown(listener_.get(), SHUT_RDWR);  // Wakes accept.
  thread_.join();
  for (std::thread& server : servers_) server.join();
}

void FakeBackend::AcceptLoop() {
  for (;;) {
    UniqueFd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (stopping_.load()) return;
    if (!client.valid()) continue;
    SetPatience(client.get());
    accepted_.fetch_add(1);
    const int now = open_.fetch_add(1) + 1;
    most_open_.store(std::max(most_open_.load(), now));
    servers_.emplace_back([this, fd = client.Release()]() mutable {
      serve_(UniqueFd(fd));
      open_.fetch_sub(1);
    });
  }
}

void Echo(UniqueFd client) {
  std::string buffer(64 * 1024, '\0');
  for (;;) {
    const ssize_t got = recv(client.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return;
    if (!SendAll(client.get(), std::string_view(buffer.data(), static_cast<size_t>(got)))) return;
  }
}

Endpoint UnusedAddress() {
  // The port was free a moment ago, and the kernel gives such ports out in random order.
  SocketResult bound = BindListener(
      Endpoint::Parse("127.0.0.1:0", Endpoint::PortZero::kAllow).value().ToSocketAddress());
  LB_CHECK(bound.fd.valid());
  return BoundEndpoint(bound.fd.get());
}

SilentBackend::SilentBackend() {
  const Endpoint any = Endpoint::Parse("127.0.0.1:0", Endpoint::PortZero::kAllow).value();
  listener_ = BindListener(any.ToSocketAddress()).fd;
  LB_CHECK(listen(listener_.get(), 0) == 0);
  address_ = BoundEndpoint(listener_.get());
  // Linux takes one more than the backlog; some extra attempts do no harm.
  for (int i = 0; i < 4; ++i) {
    waiting_.push_back(DialFromSources(address_.ToSocketAddress(), {}, 0).fd);
    LB_CHECK(waiting_.back().valid());
  }
  pollfd first{.fd = waiting_.front().get(), .events = POLLOUT, .revents = 0};
  LB_CHECK(poll(&first, 1, -1) == 1);
}

TestWorker::TestWorker(Options options)
    : registry_(options.threads), rule_state_(registry_.FindOrMakeRule("web")) {
  rule_.set_name("web");
  rule_.set_listen("127.0.0.1:0");
  rule_.mutable_timeouts()->set_connect_ms(5'000);
  rule_.mutable_timeouts()->set_idle_ms(600'000);
  rule_.mutable_timeouts()->set_half_close_ms(30'000);
  rule_.set_balance(lb::type::v1::BALANCE_WEIGHTED_ROUND_ROBIN);
  rule_.set_connect_attempts(3);
  forwarder_ = std::make_unique<Forwarder>(Forwarder::Options{
      .threads = options.threads, .max_connections = options.max_connections, .seed = 1});
  const absl::Status started = forwarder_->Start();
  LB_CHECK(started.ok());
}

void TestWorker::AddBackend(const std::string& name, const Endpoint& address, uint32_t weight,
                            uint64_t max_connections) {
  lb::type::v1::Backend* backend = rule_.add_backends();
  backend->set_name(name);
  backend->set_address(address.ToString());
  backend->set_weight(weight);
  backend->set_max_connections(max_connections);
  LB_CHECK(registry_.Grant({"web", name}, max_connections));
}

void TestWorker::Apply(const std::vector<lb::type::v1::Rule>& others) {
  lb::type::v1::Snapshot snapshot = material_;
  for (const auto& other : others) *snapshot.add_rules() = other;
  *snapshot.add_rules() = rule_;
  BuiltTables built =
      BuildTables(snapshot, tables_.get(), registry_, std::chrono::steady_clock::now());
  ASSERT_TRUE(built.problems.empty()) << built.problems[0].path << built.problems[0].message;
  ASSERT_TRUE(forwarder_->Apply(built.tables).empty());
  tables_ = built.tables;
  registry_.Committed(*tables_);
  registry_.bandwidths().Commit(tables_->bandwidths, std::chrono::steady_clock::now());
}

uint64_t TestWorker::Refused(RefuseReason reason) const {
  uint64_t sum = 0;
  for (const auto& c : rule_state_->counters) sum += c.refused[static_cast<size_t>(reason)].Read();
  return sum;
}

uint64_t TestWorker::Closed(CloseReason reason) const {
  uint64_t sum = 0;
  for (const auto& c : rule_state_->counters) sum += c.closed[static_cast<size_t>(reason)].Read();
  return sum;
}

uint64_t TestWorker::HandshakeFailures(HandshakeFailure failure) const {
  uint64_t sum = 0;
  for (const auto& c : rule_state_->counters)
    sum += c.handshake_failures[static_cast<size_t>(failure)].Read();
  return sum;
}

uint64_t TestWorker::Failures(const std::string& backend, ConnectFailure failure) const {
  uint64_t sum = 0;
  for (const auto& c : State(backend)->counters)
    sum += c.connect_failures[static_cast<size_t>(failure)].Read();
  return sum;
}

uint64_t TestWorker::Sum(Counter RuleCounters::*counter) const {
  uint64_t sum = 0;
  for (const auto& c : rule_state_->counters) sum += (c.*counter).Read();
  return sum;
}

uint64_t TestWorker::Sum(const std::string& backend, Counter BackendCounters::*counter) const {
  uint64_t sum = 0;
  for (const auto& c : State(backend)->counters) sum += (c.*counter).Read();
  return sum;
}

StateRegistry::SlotUse TestWorker::Slots(const std::string& backend) {
  const std::shared_ptr<BackendState> state = State(backend);
  return {.key = {"web", backend}, .granted = state->slots.granted(), .held = state->slots.held()};
}

bool TestWorker::Quiet() {
  return Eventually([this] {
    if (forwarder_->connections() != 0 || Sum(&RuleCounters::connections) != 0) return false;
    for (const auto& backend : registry_.backends()) {
      if (backend->slots.held() != 0) return false;
      for (const auto& c : backend->counters) {
        if (c.connections.Read() != 0) return false;
      }
    }
    return true;
  });
}

std::shared_ptr<BackendState> TestWorker::State(const std::string& backend) const {
  return registry_.FindOrMakeBackend({"web", backend});
}

}  // namespace lb::dataplane
