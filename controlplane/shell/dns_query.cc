#include "controlplane/shell/dns_query.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "controlplane/shell/ares_channel.h"
#include "controlplane/shell/dns_client.h"
#include "controlplane/shell/srv_reply.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

class Query final : public std::enable_shared_from_this<Query> {
 public:
  Query(asio::io_context& io, const ResolveName& request, std::function<void(Resolved)> done)
      : io_(io), request_(request), done_(std::move(done)), deadline_(io) {}

  // Destroying the channel ends its lookups through our callbacks: they must find us finished.
  ~Query() { finished_ = true; }

  void Start() {
    deadline_.expires_after(request_.dns.timeout);
    deadline_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      if (!cancelled) self->TimedOut();
    });
    const std::string& host = request_.name.host();
    auto channel = AresChannel::Create(io_, request_.dns, host.find('.') != std::string::npos);
    if (!channel.ok()) return Finish(channel.status());
    channel_ = *std::move(channel);
    if (request_.name.kind() == Endpoint::Kind::kSrv) {
      channel_->LookUpSrv(host, [this](absl::Status status, const unsigned char* reply,
                                       size_t bytes) { SrvReplied(status, reply, bytes); });
    } else {
      LookUp(host, request_.name.port());
    }
  }

 private:
  void SrvReplied(const absl::Status& status, const unsigned char* reply, size_t bytes) {
    if (finished_) return;
    if (!status.ok()) return Finish(status);
    absl::StatusOr<SrvReply> srv = ReadSrvReply(reply, bytes);
    if (!srv.ok()) return Finish(srv.status());
    Lower(srv->ttl);
    // c-ares is still inside its own call; the next queries start from a fresh one.
    asio::post(io_, [self = shared_from_this(), targets = std::move(srv->targets)] {
      if (self->finished_) return;
      self->open_lookups_ = targets.size();
      for (const SrvTarget& target : targets) self->LookUp(target.name, target.port);
    });
  }

  // The callback holds no reference: destroying the channel, which this owns, ends it.
  void LookUp(const std::string& name, uint16_t port) {
    channel_->LookUpAddresses(name, port, [this](absl::StatusOr<AresChannel::Addresses> found) {
      if (!finished_) AddressesFound(std::move(found));
    });
  }

  void AddressesFound(absl::StatusOr<AresChannel::Addresses> found) {
    --open_lookups_;
    if (found.ok()) {
      Lower(found->ttl);
      endpoints_.insert(endpoints_.end(), found->endpoints.begin(), found->endpoints.end());
    } else if (failure_.ok() || absl::IsNotFound(failure_)) {
      failure_ = found.status();
    }
    if (open_lookups_ > 0) return;
    const bool usable = failure_.ok() || absl::IsNotFound(failure_);
    if (usable && !endpoints_.empty()) return Finish(absl::OkStatus());
    Finish(failure_.ok() ? absl::NotFoundError("the name has no address") : failure_);
  }

  void TimedOut() {
    if (finished_) return;
    Finish(absl::DeadlineExceededError(
        absl::StrCat("no answer within ", request_.dns.timeout.count(), " ms")));
  }

  void Lower(std::chrono::seconds ttl) { ttl_ = ttl_ ? std::min(*ttl_, ttl) : ttl; }

  // May run inside a call of c-ares, so the channel is destroyed later.
  void Finish(absl::Status status) {
    LB_CHECK(!finished_);
    finished_ = true;
    deadline_.cancel();
    Resolved result{request_.query, std::move(status), {}, std::chrono::milliseconds(0)};
    if (result.error.ok()) {
      std::sort(endpoints_.begin(), endpoints_.end());
      endpoints_.erase(std::unique(endpoints_.begin(), endpoints_.end()), endpoints_.end());
      if (endpoints_.size() > DnsClient::kMaxEndpoints) endpoints_.resize(DnsClient::kMaxEndpoints);
      result.endpoints = std::move(endpoints_);
      result.ttl = ttl_.value_or(std::chrono::seconds(0));
    }
    asio::post(io_, [self = shared_from_this(), result = std::move(result)] {
      self->channel_ = nullptr;
      self->done_(result);
    });
  }

  asio::io_context& io_;
  const ResolveName request_;
  std::function<void(Resolved)> done_;
  asio::steady_timer deadline_;
  std::unique_ptr<AresChannel> channel_;
  std::vector<Endpoint> endpoints_;
  std::optional<std::chrono::seconds> ttl_;
  absl::Status failure_;
  size_t open_lookups_ = 1;
  bool finished_ = false;
};

}  // namespace

void RunDnsQuery(asio::io_context& io, const ResolveName& request,
                 std::function<void(Resolved)> done) {
  std::make_shared<Query>(io, request, std::move(done))->Start();
}

}  // namespace lb::controlplane
