#include "controlplane/shell/grpc_check.h"

#include <google/protobuf/wrappers.pb.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace lb::controlplane {
namespace {

// Before each message: whether it is compressed, and its length in four bytes, highest first.
constexpr size_t kMessageHeaderBytes = 5;
constexpr size_t kFirstBytes = 24;
// Answers to pings and settings that wait to be sent: far more than an honest server asks for.
constexpr size_t kMaxAnswersQueued = 16;

// statuscodes.md of gRPC.
constexpr std::array<const char*, 17> kCodes{
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
};
constexpr uint32_t kNotFound = 5;
constexpr uint32_t kUnimplemented = 12;

// HealthCheckResponse.ServingStatus.
constexpr std::array<const char*, 4> kServingStates{"UNKNOWN", "SERVING", "NOT_SERVING",
                                                    "SERVICE_UNKNOWN"};
constexpr int32_t kServing = 1;

std::string Printable(std::string_view text) {
  return absl::CHexEscape(absl::string_view(text.data(), text.size()));
}

ProbeResult Failed(const std::string& why) {
  return ProbeResult::Failed(absl::StrCat("gRPC: ", why));
}

// A HealthCheckRequest, framed. It is one string in field 1: on the wire a StringValue.
std::string RequestMessage(const std::string& service) {
  google::protobuf::StringValue request;
  request.set_value(service);
  const std::string bytes = request.SerializeAsString();
  std::string framed(kMessageHeaderBytes, '\0');
  framed[3] = static_cast<char>(bytes.size() >> 8);
  framed[4] = static_cast<char>(bytes.size() & 0xff);
  return framed + bytes;
}

// The state in a framed HealthCheckResponse (one enum in field 1: an Int32Value), if it is one.
std::optional<int32_t> ServingState(const std::string& body) {
  if (body.size() < kMessageHeaderBytes || body[0] != 0) return std::nullopt;
  uint32_t length = 0;
  for (size_t i = 1; i < kMessageHeaderBytes; ++i)
    length = length << 8 | static_cast<uint8_t>(body[i]);
  google::protobuf::Int32Value reply;
  if (length != body.size() - kMessageHeaderBytes ||
      !reply.ParseFromString(body.substr(kMessageHeaderBytes)))
    return std::nullopt;
  return reply.value();
}

nghttp2_nv Header(std::string_view name, std::string_view value) {
  // nghttp2 copies both and changes neither.
  const auto bytes = [](std::string_view text) {
    return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

// What nghttp2 calls, with the check as its user data. 0: go on.
struct GrpcCheck::Callbacks {
  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_bytes, const uint8_t* value, size_t value_bytes, uint8_t,
                      void* user) {
    auto& check = *static_cast<GrpcCheck*>(user);
    if (frame->hd.stream_id != check.stream_) return 0;
    const std::string_view key(reinterpret_cast<const char*>(name), name_bytes);
    std::string text(reinterpret_cast<const char*>(value), std::min(value_bytes, kMaxValueBytes));
    Reply& reply = check.reply_;
    if (key == ":status") reply.http_status = std::move(text);
    if (key == "content-type") reply.content_type = std::move(text);
    if (key == "grpc-status") reply.grpc_status = std::move(text);
    if (key == "grpc-message") reply.grpc_message = std::move(text);
    return 0;
  }

  static int OnData(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* data, size_t bytes,
                    void* user) {
    auto& check = *static_cast<GrpcCheck*>(user);
    if (stream != check.stream_) return 0;
    Reply& reply = check.reply_;
    reply.too_large |= bytes > kMaxReplyBytes - reply.body.size();
    if (!reply.too_large) reply.body.append(reinterpret_cast<const char*>(data), bytes);
    return 0;
  }

  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    auto& check = *static_cast<GrpcCheck*>(user);
    check.reply_.settings |= frame->hd.type == NGHTTP2_SETTINGS;
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.last_stream_id < check.stream_)
      check.reply_.goaway = frame->goaway.error_code;
    return 0;
  }

  static int OnClose(nghttp2_session*, int32_t stream, uint32_t error_code, void* user) {
    auto& check = *static_cast<GrpcCheck*>(user);
    if (stream == check.stream_) check.reply_.closed_with = error_code;
    return 0;
  }

  static ssize_t ReadMessage(nghttp2_session*, int32_t, uint8_t* buffer, size_t room,
                             uint32_t* flags, nghttp2_data_source*, void* user) {
    auto& check = *static_cast<GrpcCheck*>(user);
    const size_t bytes = std::min(room, check.message_.size() - check.message_sent_);
    std::memcpy(buffer, check.message_.data() + check.message_sent_, bytes);
    check.message_sent_ += bytes;
    if (check.message_sent_ == check.message_.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(bytes);
  }
};

GrpcCheck::GrpcCheck(const StartProbe& request)
    : service_(request.grpc_service),
      message_(RequestMessage(request.grpc_service)),
      session_(nullptr, nghttp2_session_del) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* options = nullptr;
  LB_CHECK(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&options) == 0);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::OnHeader);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::OnData);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::OnFrame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::OnClose);
  nghttp2_option_set_max_outbound_ack(options, kMaxAnswersQueued);
  nghttp2_session* session = nullptr;
  LB_CHECK(nghttp2_session_client_new2(&session, callbacks, this, options) == 0);
  session_.reset(session);
  nghttp2_option_del(options);
  nghttp2_session_callbacks_del(callbacks);
  SendRequest(request);
}

GrpcCheck::~GrpcCheck() = default;

void GrpcCheck::SendRequest(const StartProbe& request) {
  constexpr std::array<nghttp2_settings_entry, 2> kSettings{{
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kMaxProbeHeaderBytes},
  }};
  LB_CHECK(nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, kSettings.data(),
                                   kSettings.size()) == 0);
  const std::array<nghttp2_nv, 7> headers{
      Header(":method", "POST"),
      Header(":scheme", request.tls ? "https" : "http"),
      Header(":path", "/grpc.health.v1.Health/Check"),
      Header(":authority", request.host),
      Header("te", "trailers"),
      Header("content-type", "application/grpc"),
      Header("user-agent", "lb-healthcheck"),
  };
  nghttp2_data_provider provider{};
  provider.read_callback = Callbacks::ReadMessage;
  stream_ = nghttp2_submit_request(session_.get(), nullptr, headers.data(), headers.size(),
                                   &provider, nullptr);
  LB_CHECK(stream_ > 0);
  Write();
}

void GrpcCheck::Write() {
  const uint8_t* data = nullptr;
  for (ssize_t bytes = 0; (bytes = nghttp2_session_mem_send(session_.get(), &data)) > 0;)
    output_.append(reinterpret_cast<const char*>(data), static_cast<size_t>(bytes));
}

std::optional<ProbeResult> GrpcCheck::Receive(std::string_view bytes) {
  read_bytes_ += bytes.size();
  if (first_bytes_.size() < kFirstBytes)
    first_bytes_.append(bytes.substr(0, kFirstBytes - first_bytes_.size()));
  if (absl::StartsWith(first_bytes_, "HTTP/1."))
    return Failed(absl::StrCat("not HTTP/2: '", Printable(first_bytes_.substr(0, 12)), "'"));
  const ssize_t taken = nghttp2_session_mem_recv(
      session_.get(), reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  Write();  // Only what was written counts as said, a goodbye too.
  if (reply_.closed_with || reply_.too_large) return Judge();
  if (reply_.goaway)
    return Failed(absl::StrCat("the backend ended the connection (",
                               nghttp2_http2_strerror(*reply_.goaway), ")"));
  if (taken < 0 || nghttp2_session_want_read(session_.get()) == 0)
    return Failed(reply_.settings ? "a broken HTTP/2 connection" : "not HTTP/2");
  if (read_bytes_ > kMaxReadBytes)
    return Failed(absl::StrCat("more than ", kMaxReadBytes, " bytes without a result"));
  return std::nullopt;
}

ProbeResult GrpcCheck::Ended() const { return Failed("closed before a whole response"); }

ProbeResult GrpcCheck::Judge() const {
  if (reply_.too_large)
    return Failed(absl::StrCat("a reply of more than ", kMaxReplyBytes, " bytes"));
  const uint32_t closed_with = reply_.closed_with.value_or(NGHTTP2_NO_ERROR);
  if (reply_.http_status.empty() || (closed_with != NGHTTP2_NO_ERROR && reply_.grpc_status.empty()))
    return Failed(absl::StrCat("stream reset (", nghttp2_http2_strerror(closed_with), ")"));
  if (reply_.http_status != "200")
    return Failed(absl::StrCat("HTTP ", Printable(reply_.http_status)));
  if (!absl::StartsWith(reply_.content_type, "application/grpc"))
    return Failed(absl::StrCat("not a gRPC response: '", Printable(reply_.content_type), "'"));
  return JudgeStatus();
}

ProbeResult GrpcCheck::JudgeStatus() const {
  uint32_t code = 0;
  if (!absl::SimpleAtoi(reply_.grpc_status, &code)) return Failed("response without a grpc-status");
  const std::string name = code < kCodes.size() ? kCodes[code] : absl::StrCat("status ", code);
  if (code == kNotFound)
    return Failed(absl::StrCat("service '", Printable(service_), "' is not known (", name, ")"));
  if (code == kUnimplemented) return Failed(absl::StrCat("no health service (", name, ")"));
  if (code != 0)
    return Failed(reply_.grpc_message.empty()
                      ? name
                      : absl::StrCat(name, ": ", Printable(reply_.grpc_message)));
  const std::optional<int32_t> state = ServingState(reply_.body);
  if (!state) return Failed("not a HealthCheckResponse");
  const bool known = *state >= 0 && static_cast<size_t>(*state) < kServingStates.size();
  std::string detail = absl::StrCat("gRPC: ", known ? kServingStates[static_cast<size_t>(*state)]
                                                    : absl::StrCat("serving status ", *state));
  return *state == kServing ? ProbeResult::Passed(std::move(detail))
                            : ProbeResult::Failed(std::move(detail));
}

}  // namespace lb::controlplane
