// A health check by gRPC: one call of grpc.health.v1.Health/Check in one HTTP/2 stream.
//
// Sources: gRPC over HTTP2 (PROTOCOL-HTTP2.md of gRPC), health/v1/health.proto, RFC 9113. A server
// that says SERVING passes. Bytes in, bytes out: knows no socket. Threading: none.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "controlplane/loop/action.h"
#include "controlplane/shell/probe_result.h"

namespace lb::controlplane {

class GrpcCheck final {
 public:
  // Of all that is read before there is a result.
  static constexpr size_t kMaxReadBytes = 64 * 1024;
  // Of a good reply, which needs 7.
  static constexpr size_t kMaxReplyBytes = 1024;
  // Of a header's value that is kept.
  static constexpr size_t kMaxValueBytes = 256;

  explicit GrpcCheck(const StartProbe& request);
  ~GrpcCheck();
  GrpcCheck(const GrpcCheck&) = delete;
  GrpcCheck& operator=(const GrpcCheck&) = delete;

  // What is to be sent and was not taken yet.
  std::string TakeOutput() { return std::exchange(output_, {}); }
  // Takes what the backend sent. The result, once the call is over or cannot succeed any more.
  std::optional<ProbeResult> Receive(std::string_view bytes);
  // The result when the backend ends the connection before there is one.
  ProbeResult Ended() const;

 private:
  struct Callbacks;
  struct Reply {
    std::string http_status;
    std::string content_type;
    std::string grpc_status;
    std::string grpc_message;
    std::string body;
    bool too_large = false;
    bool settings = false;                // What every HTTP/2 connection begins with.
    std::optional<uint32_t> closed_with;  // An HTTP/2 error code.
    std::optional<uint32_t> goaway;       // Likewise, of the whole connection.
  };

  void SendRequest(const StartProbe& request);
  void Write();
  ProbeResult Judge() const;
  ProbeResult JudgeStatus() const;

  const std::string service_;
  std::string message_;  // What is sent, and how far it is.
  size_t message_sent_ = 0;
  Reply reply_;
  std::string output_;
  std::string first_bytes_;  // Of the connection: tells what speaks there if not HTTP/2.
  size_t read_bytes_ = 0;
  int32_t stream_ = 0;
  std::unique_ptr<nghttp2_session, void (*)(nghttp2_session*)> session_;
};

}  // namespace lb::controlplane
