// One GET of the API server of Kubernetes, on a connection of its own, whose body is passed on
// while it comes.
//
// Threading: the io_context's one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "controlplane/config/config.h"
#include "controlplane/shell/kubernetes_access.h"
#include "controlplane/shell/probe_tls.h"

namespace lb::controlplane {

struct ApiRequest {
  ApiAccess access;
  std::string target;  // "/apis/..."
  DnsConfig dns;       // For a server that is named.
  // From the start to the answer's header, and to its end.
  std::chrono::milliseconds answer_timeout{10'000};
  std::chrono::milliseconds total_timeout{60'000};
  uint64_t turn = 0;  // Which address of a server that is named comes first; any number.
};

// How a call ended.
struct ApiEnd {
  unsigned http_status = 0;  // 0: no answer came.
  absl::Status status;       // OK: 200, and the whole body came.
  // "Retry-After" of an answer that is not 200, RFC 9110 section 10.2.3; zero: it was not said.
  std::chrono::seconds retry_after{0};
};

class KubernetesCall final {
 public:
  // Of an answer's header, and what is kept of the body of one that is not 200.
  static constexpr size_t kMaxHeaderBytes = 16u << 10;
  static constexpr size_t kMaxErrorBytes = 16u << 10;
  // Addresses tried of a server that is named. Each has an even part of what is left of the
  // answer's time, so that one that does not answer leaves some for the next.
  static constexpr size_t kMaxAddresses = 4;
  // Of "Retry-After" no more is taken.
  static constexpr std::chrono::seconds kMaxRetryAfter{60};

  struct Callbacks {
    std::function<void()> on_answer;  // The header came, with 200.
    // Bytes of the body; an error ends the call with it.
    std::function<absl::Status(std::string_view bytes)> on_body;
    std::function<void(ApiEnd end)> on_end;  // Once, last.
  };

  // Starts; no callback is called before this returns, nor after this object is gone. `contexts` is
  // used before this returns only.
  KubernetesCall(boost::asio::io_context& io, ProbeTlsContexts& contexts, ApiRequest request,
                 Callbacks callbacks);
  ~KubernetesCall();
  KubernetesCall(const KubernetesCall&) = delete;
  KubernetesCall& operator=(const KubernetesCall&) = delete;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
