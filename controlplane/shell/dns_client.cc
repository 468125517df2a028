#include "controlplane/shell/dns_client.h"

#include <deque>
#include <utility>

#include "controlplane/shell/dns_query.h"

namespace lb::controlplane {

class DnsClient::Impl final : public std::enable_shared_from_this<DnsClient::Impl> {
 public:
  Impl(boost::asio::io_context& io, EventSink sink) : io_(io), sink_(std::move(sink)) {}

  void Start(ResolveName request) {
    waiting_.push_back(std::move(request));
    StartWaiting();
  }

 private:
  void StartWaiting() {
    while (!waiting_.empty() && in_flight_ < kMaxInFlight) {
      const ResolveName request = std::move(waiting_.front());
      waiting_.pop_front();
      ++in_flight_;
      RunDnsQuery(io_, request, [weak = weak_from_this()](Resolved result) {
        auto self = weak.lock();
        if (self == nullptr) return;
        --self->in_flight_;
        self->sink_(std::move(result));
        self->StartWaiting();
      });
    }
  }

  boost::asio::io_context& io_;
  EventSink sink_;
  // Bounded by the loop, which has at most one query in flight for each name.
  std::deque<ResolveName> waiting_;
  size_t in_flight_ = 0;
};

DnsClient::DnsClient(boost::asio::io_context& io, EventSink sink)
    : impl_(std::make_shared<Impl>(io, std::move(sink))) {}

DnsClient::~DnsClient() = default;

void DnsClient::Start(ResolveName request) { impl_->Start(std::move(request)); }

}  // namespace lb::controlplane
