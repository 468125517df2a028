#include "dataplane/access_log/access_line.h"

#include <string>

#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr WallTime kBegan{milliseconds(1'795'694'400'123)};  // 2026-11-26T12:00:00.123Z

std::shared_ptr<const RuleTable> Web(const std::string& name = "web") {
  auto rule = std::make_shared<RuleTable>();
  rule->name = name;
  BackendTable backend;
  backend.name = "a";
  backend.endpoint = Endpoint::Parse("10.0.0.9:9001").value();
  rule->backends.push_back(backend);
  return rule;
}

proxy::Address Ip(const std::string& text) {
  return proxy::Address::From(Endpoint::Parse(text).value().ToSocketAddress());
}

std::string Line(const AccessRecord& record, uint64_t seed = 1) {
  Prng ids(seed);
  std::string line;
  AppendAccessLine(record, "worker-1", kBegan, ids, line);
  return line;
}

// Goal: what parsers rely on. Every name and form of a field is part of the interface.
TEST(AccessLineTest, SaysAllOfAConnectionThatWasServed) {
  AccessRecord record{.rule = Web(),
                      .backend = 0,
                      .reason = "normal",
                      .phase = AccessRecord::Phase::kData,
                      .attempts = 2,
                      .duration = milliseconds(61'002),
                      .connected_after = microseconds(1'999),
                      .first_byte_after = milliseconds(30),
                      .received_bytes = 10,
                      .sent_bytes = UINT64_MAX,
                      .client = Ip("[2001:db8::1]:40112"),
                      .peer = Ip("127.0.0.1:5"),
                      .listen = Ip("10.0.0.1:80"),
                      .source = Ip("10.0.0.2:50000")};
  std::string line = Line(record);
  const size_t id = line.find("\"id\":\"") + 6;
  ASSERT_LT(id, line.size());
  line.replace(id, 32, "ID");
  EXPECT_EQ(line,
            "{\"ts\":\"2026-11-26T12:00:00.123Z\",\"id\":\"ID\",\"worker\":\"worker-1\","
            "\"rule\":\"web\",\"backend\":\"a\",\"backend_address\":\"10.0.0.9:9001\","
            "\"client\":\"2001:db8::1\",\"client_port\":40112,\"peer\":\"127.0.0.1:5\","
            "\"listen\":\"10.0.0.1:80\",\"source\":\"10.0.0.2:50000\",\"received_bytes\":10,"
            "\"sent_bytes\":18446744073709551615,\"queue_ms\":null,\"connect_ms\":1,"
            "\"first_byte_ms\":30,\"duration_ms\":61002,\"attempts\":2,\"close\":\"normal\","
            "\"phase\":\"data\"}\n");
}

TEST(AccessLineTest, SaysNullWhereThereIsNothing) {
  const std::string line = Line({.rule = Web(), .reason = "denied"});
  for (const char* key : {"backend", "backend_address", "client", "client_port", "peer", "listen",
                          "source", "queue_ms", "connect_ms", "first_byte_ms"})
    EXPECT_NE(line.find("\"" + std::string(key) + "\":null,"), std::string::npos) << key << line;
  EXPECT_NE(line.find("\"close\":\"denied\",\"phase\":\"accept\"}"), std::string::npos) << line;
}

TEST(AccessLineTest, SaysWhatTlsWasSpokenWhereItWas) {
  AccessRecord record{.rule = Web(), .reason = "normal"};
  record.tls = std::make_shared<const tls::Facts>(tls::Facts{.sni = "web.example",
                                                             .alpn = "h2",
                                                             .version = "1.3",
                                                             .cipher = "TLS_AES_128_GCM_SHA256",
                                                             .client_identity = "spiffe://a/b",
                                                             .resumed = true});
  const std::string line = Line(record);
  EXPECT_NE(line.find("\"phase\":\"accept\",\"sni\":\"web.example\",\"alpn\":\"h2\","
                      "\"tls_version\":\"1.3\",\"tls_cipher\":\"TLS_AES_128_GCM_SHA256\","
                      "\"client_identity\":\"spiffe://a/b\",\"tls_resumed\":true,"
                      "\"backend_tls_version\":null,\"tls_failure\":null}\n"),
            std::string::npos)
      << line;
}

TEST(AccessLineTest, ANameCannotBreakTheLine) {
  const std::string line = Line({.rule = Web("a\"b\\c\nd\xff"), .reason = "denied"});
  EXPECT_NE(line.find("\"rule\":\"a\\\"b\\\\c\\u000ad\xEF\xBF\xBD\""), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST(AccessLineTest, IdsDifferAndSortByTime) {
  Prng ids(1);
  const AccessRecord record{.rule = Web(), .reason = "normal"};
  std::string previous;
  for (int i = 0; i < 100; ++i) {
    std::string line;
    AppendAccessLine(record, "w", kBegan + milliseconds(i), ids, line);
    const std::string id = line.substr(line.find("\"id\":\"") + 6, 32);
    EXPECT_EQ(id[12], '7');
    EXPECT_LT(previous, id);
    previous = id;
  }
}

}  // namespace
}  // namespace lb::dataplane
