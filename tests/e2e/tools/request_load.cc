#include "tests/e2e/tools/request_load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "tests/e2e/tools/report.h"
#include "tests/e2e/tools/sockets.h"

namespace lb::testpeer {
namespace {

constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
constexpr uint32_t kFirstSource = 0x7f400000;  // 127.64.0.0

SocketAddress SourceOf(uint64_t number) {
  sockaddr_in source{};
  source.sin_family = AF_INET;
  source.sin_addr.s_addr = htonl(kFirstSource + static_cast<uint32_t>(number));
  SocketAddress address;
  memcpy(&address.storage, &source, sizeof(source));
  address.length = sizeof(source);
  return address;
}

struct Client {
  UniqueFd fd;
  Instant started;
  std::string answer;
  uint64_t turn = 0;  // Tells a timeout whether the connection it belongs to is still there.
  bool sent = false;
};

// The body of a complete answer; nothing while it is not complete; an empty view when it is bad.
std::optional<std::string_view> Body(std::string_view answer) {
  const size_t end = answer.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  const size_t length_at = answer.find("Content-Length: ");
  if (!answer.starts_with("HTTP/1.1 200 ") || length_at > end) return std::string_view();
  const size_t length = std::stoul(std::string(answer.substr(length_at + 16, 9)));
  const std::string_view body = answer.substr(end + 4);
  if (body.size() < length) return std::nullopt;
  return body.size() == length ? body : std::string_view();
}

}  // namespace

class RequestLoad::Impl final {
 public:
  Impl(EventLoop& loop, const Options& options)
      : loop_(loop),
        options_(options),
        address_(options.target.ToSocketAddress()),
        prng_(options.seed),
        clients_(options.clients) {}

  void Start() {
    for (Client& client : clients_) Open(client);
    ReportLater();
  }

  void Finish() {
    finishing_ = true;
    if (open_ == 0) End();
  }

 private:
  void ReportLater() {
    Report();
    loop_.After(kReportInterval, [this] { ReportLater(); });
  }

  // The quantile of the answer times in milliseconds; only at the end, when they are sorted.
  double TookMs(double quantile) const {
    if (!done_ || took_us_.empty()) return 0;
    return took_us_[static_cast<size_t>(quantile * static_cast<double>(took_us_.size() - 1))] / 1e3;
  }

  void Report() {
    WriteReport({{"started", started_},
                 {"ok", ok_},
                 {"open", open_},
                 {"errors", ToJson(errors_)},
                 {"backends", ToJson(backends_)},
                 {"p50_ms", TookMs(0.5)},
                 {"p99_ms", TookMs(0.99)},
                 {"max_ms", TookMs(1)},
                 {"done", done_}});
  }

  void End() {
    if (done_) return;
    done_ = true;
    std::sort(took_us_.begin(), took_us_.end());
    Report();
    loop_.Stop();
  }

  void Open(Client& client) {
    if (finishing_ || (options_.connections != 0 && started_ == options_.connections)) {
      if (open_ == 0) End();
      return;
    }
    ++started_;
    ++open_;
    ++client.turn;
    client.sent = false;
    client.answer.clear();
    client.started = loop_.now();
    client.fd = Connect();
    if (!client.fd.valid()) return Fail(client, ErrnoName(errno));
    loop_.Watch(client.fd.get(), EPOLLOUT, [this, &client](uint32_t) { Advance(client); });
    loop_.After(options_.timeout, [this, &client, turn = client.turn] {
      if (client.turn == turn && client.fd.valid()) Fail(client, "timeout");
    });
  }

  UniqueFd Connect() const {
    if (options_.sources == 0) return StartConnect(address_);
    const SocketAddress source = SourceOf(options_.first_source + started_ % options_.sources);
    return StartConnect(address_, &source);
  }

  void Advance(Client& client) {
    if (!client.sent) {
      if (const int error = TakeError(client.fd.get())) return Fail(client, ErrnoName(error));
      if (send(client.fd.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL) < 0) {
        return Fail(client, ErrnoName(errno));
      }
      client.sent = true;
      return loop_.Change(client.fd.get(), EPOLLIN);
    }
    std::array<char, 4096> buffer;
    const ssize_t got = recv(client.fd.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) return Fail(client, ErrnoName(errno));
    if (got == 0) return Fail(client, "closed");
    client.answer.append(buffer.data(), static_cast<size_t>(got));
    const auto body = Body(client.answer);
    if (!body.has_value()) return;
    if (body->empty()) return Fail(client, "bad_answer");
    Succeed(client, std::string(*body));
  }

  void Succeed(Client& client, const std::string& backend) {
    ++ok_;
    ++backends_[backend];
    const Duration took = loop_.now() - client.started;
    took_us_.push_back(static_cast<uint32_t>(took / std::chrono::microseconds(1)));
    ++client.turn;  // The timeout was for the answer.
    loop_.Forget(client.fd.get());
    const uint64_t hold_ms = prng_.Below(options_.hold_ms_max + 1);
    if (hold_ms == 0) return Close(client, options_.pause_ms);
    loop_.After(std::chrono::milliseconds(hold_ms),
                [this, &client] { Close(client, options_.pause_ms); });
  }

  void Fail(Client& client, const std::string& why) {
    ++errors_[why];
    if (client.fd.valid()) loop_.Forget(client.fd.get());
    Close(client, options_.pause_after_error_ms);
  }

  void Close(Client& client, uint64_t pause_ms) {
    if (client.fd.valid() && prng_.Chance(options_.reset_percent, 100)) {
      CloseWithReset(client.fd);
    } else {
      client.fd.Reset();
    }
    --open_;
    pause_ms -= prng_.Below(pause_ms * options_.spread_percent / 100 + 1);
    // Through the timers even without a pause: opening here would nest without end.
    loop_.After(std::chrono::milliseconds(pause_ms), [this, &client] { Open(client); });
  }

  EventLoop& loop_;
  const Options options_;
  const SocketAddress address_;
  Prng prng_;
  std::vector<Client> clients_;
  uint64_t started_ = 0;
  uint64_t ok_ = 0;
  uint64_t open_ = 0;
  Counts errors_;
  Counts backends_;
  std::vector<uint32_t> took_us_;
  bool finishing_ = false;
  bool done_ = false;
};

RequestLoad::RequestLoad(EventLoop& loop, const Options& options)
    : impl_(std::make_unique<Impl>(loop, options)) {}

RequestLoad::~RequestLoad() = default;

void RequestLoad::Start() { impl_->Start(); }

void RequestLoad::Finish() { impl_->Finish(); }

}  // namespace lb::testpeer
