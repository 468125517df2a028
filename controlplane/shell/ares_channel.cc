#include "controlplane/shell/ares_channel.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/time.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <limits>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
using asio::posix::descriptor_base;
using boost::system::error_code;

// Neither shorter (a busy server deserves a moment) nor longer than a query as a whole.
constexpr int kMinTryMs = 50;

// c-ares wants this once in a process, before the first channel.
int InitLibrary() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  return status;
}

absl::Status FromAres(int status) {
  const std::string text = ares_strerror(status);
  switch (status) {
    case ARES_SUCCESS:
      return absl::OkStatus();
    case ARES_ENOTFOUND:
      return absl::NotFoundError("no such name (NXDOMAIN)");
    case ARES_ENODATA:
      return absl::NotFoundError("the name has no such record");
    case ARES_ETIMEOUT:
      return absl::DeadlineExceededError("no DNS server answered");
    case ARES_ECONNREFUSED:
      return absl::UnavailableError("the DNS servers refuse");
    case ARES_ESERVFAIL:
      return absl::UnavailableError("DNS server failure (SERVFAIL)");
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
      return absl::CancelledError("the query was cancelled");
    case ARES_EBADRESP:
      return absl::DataLossError("malformed DNS reply");
    default:
      return absl::UnavailableError(text);
  }
}

AresChannel::Addresses ReadAddresses(const ares_addrinfo* list, uint16_t port) {
  AresChannel::Addresses result;
  int ttl_s = std::numeric_limits<int>::max();
  for (const ares_addrinfo_node* node = list->nodes; node != nullptr; node = node->ai_next) {
    char text[INET6_ADDRSTRLEN];
    const void* address = nullptr;
    if (node->ai_family == AF_INET)
      address = &reinterpret_cast<const sockaddr_in*>(node->ai_addr)->sin_addr;
    else if (node->ai_family == AF_INET6)
      address = &reinterpret_cast<const sockaddr_in6*>(node->ai_addr)->sin6_addr;
    if (address == nullptr || inet_ntop(node->ai_family, address, text, sizeof(text)) == nullptr)
      continue;
    auto endpoint = Endpoint::FromIp(text, port);
    if (!endpoint.ok()) continue;  // Not an address a socket could use.
    result.endpoints.push_back(*std::move(endpoint));
    ttl_s = std::min(ttl_s, node->ai_ttl);
  }
  for (const ares_addrinfo_cname* alias = list->cnames; alias != nullptr; alias = alias->next)
    ttl_s = std::min(ttl_s, alias->ttl);
  result.ttl = std::chrono::seconds(std::max(ttl_s, 0));
  return result;
}

}  // namespace

class AresChannel::Impl final : public std::enable_shared_from_this<AresChannel::Impl> {
 public:
  explicit Impl(asio::io_context& io) : io_(io), timer_(io) {}

  ~Impl() {
    if (channel_ != nullptr) ares_destroy(channel_);
  }

  absl::Status Open(const DnsConfig& dns, bool name_has_dot) {
    if (const int status = InitLibrary(); status != ARES_SUCCESS) return FromAres(status);
    ares_options options{};
    options.flags = name_has_dot ? ARES_FLAG_NOSEARCH : 0;
    options.timeout = std::max(kMinTryMs, static_cast<int>(dns.timeout.count() / kTries));
    options.tries = kTries;
    char lookups[] = "fb";  // Files, then DNS.
    options.lookups = lookups;
    options.sock_state_cb = &Impl::OnSocketState;
    options.sock_state_cb_data = this;
    const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                     ARES_OPT_SOCK_STATE_CB;
    int status = ares_init_options(&channel_, &options, mask);
    if (status == ARES_SUCCESS && !dns.servers.empty()) {
      const std::string servers = absl::StrJoin(
          dns.servers, ",",
          [](std::string* out, const Endpoint& server) { *out += server.ToString(); });
      status = ares_set_servers_ports_csv(channel_, servers.c_str());
    }
    return FromAres(status);
  }

  void LookUpAddresses(const std::string& name, uint16_t port, OnAddresses done) {
    struct Call {
      uint16_t port;
      OnAddresses done;
    };
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_flags = ARES_AI_NOSORT;
    ares_getaddrinfo(
        channel_, name.c_str(), nullptr, &hints,
        [](void* argument, int status, int, ares_addrinfo* list) {
          const std::unique_ptr<Call> call(static_cast<Call*>(argument));
          if (status == ARES_SUCCESS) {
            call->done(ReadAddresses(list, call->port));
          } else {
            call->done(FromAres(status));
          }
          if (list != nullptr) ares_freeaddrinfo(list);
        },
        std::make_unique<Call>(Call{port, std::move(done)}).release());
    SetTimer();
  }

  void LookUpSrv(const std::string& name, OnReply done) {
    constexpr int kClassIn = 1;   // RFC 1035 3.2.4.
    constexpr int kTypeSrv = 33;  // RFC 2782.
    ares_query(
        channel_, name.c_str(), kClassIn, kTypeSrv,
        [](void* argument, int status, int, unsigned char* reply, int bytes) {
          const std::unique_ptr<OnReply> call(static_cast<OnReply*>(argument));
          (*call)(FromAres(status), reply, status == ARES_SUCCESS ? static_cast<size_t>(bytes) : 0);
        },
        std::make_unique<OnReply>(std::move(done)).release());
    SetTimer();
  }

 private:
  // A socket of c-ares, which opens and closes it; we only wait on it.
  struct Watch {
    explicit Watch(asio::io_context& io, int fd) : descriptor(io, fd), number(fd) {}
    // The descriptor is c-ares' to close.
    ~Watch() { static_cast<void>(descriptor.release()); }
    asio::posix::stream_descriptor descriptor;
    const int number;
    bool reading = false;
    bool writing = false;
    bool read_pending = false;
    bool write_pending = false;
  };

  static void OnSocketState(void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<Impl*>(self)->SocketState(fd, readable != 0, writable != 0);
  }

  void SocketState(int fd, bool readable, bool writable) {
    if (!readable && !writable) {
      // Pending waits hold the watch too: take the descriptor from them before c-ares closes it.
      if (auto found = watches_.find(fd); found != watches_.end()) {
        static_cast<void>(found->second->descriptor.release());
        watches_.erase(found);
      }
      return;
    }
    auto& watch = watches_[fd];
    if (watch == nullptr) watch = std::make_shared<Watch>(io_, fd);
    watch->reading = readable;
    watch->writing = writable;
    Wait(watch);
  }

  void Wait(const std::shared_ptr<Watch>& watch) {
    if (watch->reading && !watch->read_pending) {
      watch->read_pending = true;
      watch->descriptor.async_wait(descriptor_base::wait_read,
                                   [weak = weak_from_this(), watch](const error_code& error) {
                                     watch->read_pending = false;
                                     auto self = weak.lock();
                                     if (!error && self != nullptr) self->Ready(watch, true);
                                   });
    }
    if (watch->writing && !watch->write_pending) {
      watch->write_pending = true;
      watch->descriptor.async_wait(descriptor_base::wait_write,
                                   [weak = weak_from_this(), watch](const error_code& error) {
                                     watch->write_pending = false;
                                     auto self = weak.lock();
                                     if (!error && self != nullptr) self->Ready(watch, false);
                                   });
    }
  }

  void Ready(const std::shared_ptr<Watch>& watch, bool readable) {
    const auto found = watches_.find(watch->number);
    if (found == watches_.end() || found->second != watch) return;
    ares_process_fd(channel_, readable ? watch->number : ARES_SOCKET_BAD,
                    readable ? ARES_SOCKET_BAD : watch->number);
    const auto still = watches_.find(watch->number);
    if (still != watches_.end() && still->second == watch) Wait(watch);
    SetTimer();
  }

  void SetTimer() {
    timeval wait{};
    if (ares_timeout(channel_, nullptr, &wait) == nullptr) {
      timer_.cancel();
      return;
    }
    timer_.expires_after(std::chrono::seconds(wait.tv_sec) +
                         std::chrono::microseconds(wait.tv_usec));
    timer_.async_wait([weak = weak_from_this()](const error_code& error) {
      auto self = weak.lock();
      if (error || self == nullptr) return;
      ares_process_fd(self->channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      self->SetTimer();
    });
  }

  asio::io_context& io_;
  asio::steady_timer timer_;
  std::map<int, std::shared_ptr<Watch>> watches_;
  ares_channel channel_ = nullptr;
};

AresChannel::AresChannel(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

AresChannel::~AresChannel() = default;

absl::StatusOr<std::unique_ptr<AresChannel>> AresChannel::Create(asio::io_context& io,
                                                                 const DnsConfig& dns,
                                                                 bool name_has_dot) {
  auto impl = std::make_shared<Impl>(io);
  if (absl::Status status = impl->Open(dns, name_has_dot); !status.ok())
    return absl::InternalError(absl::StrCat("cannot start a DNS query: ", status.message()));
  return std::unique_ptr<AresChannel>(new AresChannel(std::move(impl)));
}

void AresChannel::LookUpAddresses(const std::string& name, uint16_t port, OnAddresses done) {
  impl_->LookUpAddresses(name, port, std::move(done));
}

void AresChannel::LookUpSrv(const std::string& name, OnReply done) {
  impl_->LookUpSrv(name, std::move(done));
}

}  // namespace lb::controlplane
