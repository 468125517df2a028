#include "controlplane/shell/grpc_check.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;
constexpr uint8_t kEndStream = 0x1;
constexpr uint8_t kEndHeaders = 0x4;
constexpr uint8_t kAck = 0x1;
constexpr size_t kMessageHeaderBytes = 5;

// RFC 9113 section 4.1; the check's call is the first stream.
std::string Frame(uint8_t type, uint8_t flags, const std::string& payload, uint8_t stream = 1) {
  const size_t size = payload.size();
  std::string frame{static_cast<char>(size >> 16),
                    static_cast<char>(size >> 8 & 0xff),
                    static_cast<char>(size & 0xff),
                    static_cast<char>(type),
                    static_cast<char>(flags),
                    '\0',
                    '\0',
                    '\0',
                    static_cast<char>(stream)};
  return frame + payload;
}

std::string Settings() { return Frame(4, 0, "", 0) + Frame(4, kAck, "", 0); }

// Literal fields that are in no table (RFC 7541 section 6.2.2), of less than 127 bytes.
std::string HeadersFrame(const Headers& headers, uint8_t flags = kEndHeaders) {
  std::string block;
  for (const auto& [name, value] : headers) {
    block.push_back('\0');
    block.push_back(static_cast<char>(name.size()));
    block += name;
    block.push_back(static_cast<char>(value.size()));
    block += value;
  }
  return Frame(1, flags, block);
}

std::string Message(const std::string& bytes, bool compressed = false) {
  std::string framed(kMessageHeaderBytes, '\0');
  framed[0] = compressed ? '\1' : '\0';
  framed[4] = static_cast<char>(bytes.size());
  return framed + bytes;
}

std::string Begin() {
  return Settings() + HeadersFrame({{":status", "200"}, {"content-type", "application/grpc"}});
}

std::string Trailers(const std::string& status, const std::string& message = "") {
  Headers headers{{"grpc-status", status}};
  if (!message.empty()) headers.push_back({"grpc-message", message});
  return HeadersFrame(headers, kEndHeaders | kEndStream);
}

// A whole good call whose reply is `state`.
std::string Answer(char state) {
  return Begin() + Frame(0, 0, Message({'\x08', state})) + Trailers("0");
}

StartProbe Request(const std::string& service = "") {
  StartProbe request;
  request.protocol = HealthCheckConfig::Protocol::kGrpc;
  request.host = "app.internal";
  request.grpc_service = service;
  return request;
}

// What a check says that gets `bytes`: "passed: ..." or "failed: ..."; "" for nothing yet.
std::string VerdictOn(const std::string& bytes, const std::string& service = "") {
  GrpcCheck check(Request(service));
  check.TakeOutput();
  const std::optional<ProbeResult> result = check.Receive(bytes);
  if (!result) return "";
  const bool passed = result->outcome == ProbeResult::Outcome::kPassed;
  return (passed ? "passed: " : "failed: ") + result->detail;
}

TEST(GrpcCheckTest, OnlyServingPasses) {
  EXPECT_EQ(VerdictOn(Answer('\x01')), "passed: gRPC: SERVING");
  EXPECT_EQ(VerdictOn(Answer('\x02')), "failed: gRPC: NOT_SERVING");
  EXPECT_EQ(VerdictOn(Answer('\x00')), "failed: gRPC: UNKNOWN");
  EXPECT_EQ(VerdictOn(Answer('\x03')), "failed: gRPC: SERVICE_UNKNOWN");
  EXPECT_EQ(VerdictOn(Answer('\x09')), "failed: gRPC: serving status 9");
}

TEST(GrpcCheckTest, AReplyMayComeInPieces) {
  GrpcCheck check(Request());
  const std::string answer = Answer('\x01');
  for (size_t i = 0; i + 1 < answer.size(); ++i)
    ASSERT_FALSE(check.Receive(answer.substr(i, 1))) << i;
  const std::optional<ProbeResult> result = check.Receive(answer.substr(answer.size() - 1));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->detail, "gRPC: SERVING");
}

TEST(GrpcCheckTest, AMessageIsNoResultBeforeItsStatus) {
  EXPECT_EQ(VerdictOn(Begin() + Frame(0, 0, Message("\x08\x01"))), "");
  EXPECT_EQ(VerdictOn(Begin() + Frame(0, kEndStream, Message("\x08\x01"))),
            "failed: gRPC: response without a grpc-status");
}

TEST(GrpcCheckTest, StatusesOtherThanOkAreTold) {
  EXPECT_EQ(VerdictOn(Begin() + Trailers("5"), "shop.Cart"),
            "failed: gRPC: service 'shop.Cart' is not known (NOT_FOUND)");
  EXPECT_EQ(VerdictOn(Begin() + Trailers("12")), "failed: gRPC: no health service (UNIMPLEMENTED)");
  EXPECT_EQ(VerdictOn(Begin() + Trailers("14", "starting")), "failed: gRPC: UNAVAILABLE: starting");
  EXPECT_EQ(VerdictOn(Begin() + Trailers("99")), "failed: gRPC: status 99");
  EXPECT_EQ(VerdictOn(Begin() + Trailers("zero")), "failed: gRPC: response without a grpc-status");
}

TEST(GrpcCheckTest, AnAnswerInOneHeaderIsTaken) {
  EXPECT_EQ(VerdictOn(Settings() + HeadersFrame({{":status", "200"},
                                                 {"content-type", "application/grpc+proto"},
                                                 {"grpc-status", "12"}},
                                                kEndHeaders | kEndStream)),
            "failed: gRPC: no health service (UNIMPLEMENTED)");
}

TEST(GrpcCheckTest, OtherServersAreNamedByTheirAnswer) {
  EXPECT_EQ(VerdictOn(Settings() + HeadersFrame({{":status", "404"}, {"content-type", "text/html"}},
                                                kEndHeaders | kEndStream)),
            "failed: gRPC: HTTP 404");
  EXPECT_EQ(VerdictOn(Settings() + HeadersFrame({{":status", "200"}, {"content-type", "text/html"}},
                                                kEndHeaders | kEndStream)),
            "failed: gRPC: not a gRPC response: 'text/html'");
  EXPECT_EQ(VerdictOn("HTTP/1.1 400 Bad Request\r\n\r\n"),
            "failed: gRPC: not HTTP/2: 'HTTP/1.1 400'");
  EXPECT_TRUE(
      absl::StartsWith(VerdictOn("220 mail.example.com ESMTP\r\n"), "failed: gRPC: not HTTP/2"));
}

TEST(GrpcCheckTest, RepliesThatAreNoneAreRefused) {
  const auto with = [](const std::string& body) {
    return VerdictOn(Begin() + Frame(0, 0, body) + Trailers("0"));
  };
  const std::string bad = "failed: gRPC: not a HealthCheckResponse";
  EXPECT_EQ(with(""), bad);
  EXPECT_EQ(with("\x08"), bad);
  EXPECT_EQ(with(Message("\x08\x01", true)), bad);
  EXPECT_EQ(with(Message("\xff\xff\xff")), bad);
  EXPECT_EQ(with(Message("\x08\x01") + Message("\x08\x01")), bad);
  EXPECT_EQ(with(std::string(GrpcCheck::kMaxReplyBytes + 1, 'x')),
            "failed: gRPC: a reply of more than 1024 bytes");
}

TEST(GrpcCheckTest, ResetsAndGoodbyesAreTold) {
  EXPECT_EQ(VerdictOn(Settings() + Frame(3, 0, std::string("\0\0\0\x07", 4))),
            "failed: gRPC: stream reset (REFUSED_STREAM)");
  EXPECT_EQ(VerdictOn(Settings() + Frame(7, 0, std::string("\0\0\0\0\0\0\0\x0b", 8), 0)),
            "failed: gRPC: stream reset (REFUSED_STREAM)");
  EXPECT_EQ(GrpcCheck(Request()).Ended().detail, "gRPC: closed before a whole response");
}

TEST(GrpcCheckTest, ACallThatNeverEndsIsCutOff) {
  GrpcCheck check(Request());
  check.Receive(Begin());
  const std::string ping = Frame(6, 0, std::string(8, '\0'), 0);
  std::optional<ProbeResult> result;
  size_t sent = 0;
  size_t answered = 0;
  for (; !result && sent <= 2 * GrpcCheck::kMaxReadBytes; sent += ping.size()) {
    result = check.Receive(ping);
    answered += check.TakeOutput().size();
  }
  ASSERT_TRUE(result);
  EXPECT_NE(result->outcome, ProbeResult::Outcome::kPassed);
  EXPECT_LE(sent, GrpcCheck::kMaxReadBytes + ping.size());
  EXPECT_LE(answered, 2 * GrpcCheck::kMaxReadBytes);
}

}  // namespace
}  // namespace lb::controlplane
