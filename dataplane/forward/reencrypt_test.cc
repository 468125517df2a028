// TLS towards backends: what they and the clients see, on loopback.
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/forward/test_tls.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

// A backend that speaks TLS with this certificate.
class TlsBackend final {
 public:
  using Serve = std::function<void(TlsPeer& client)>;

  TlsBackend(const TestCertificate& certificate, Serve serve)
      : context_(ServerContextOf(certificate)),
        serve_(std::move(serve)),
        backend_([this](UniqueFd client) { Accept(std::move(client)); }) {}

  const Endpoint& address() const { return backend_.address(); }
  int accepted() const { return backend_.accepted(); }
  int served() const { return served_.load(); }
  SSL_CTX* context() { return context_.get(); }

 private:
  void Accept(UniqueFd client) {
    TlsPeer peer = TlsPeer::Server(context_.get(), std::move(client));
    if (!peer.Handshake()) return;
    served_.fetch_add(1);
    serve_(peer);
  }

  const bssl::UniquePtr<SSL_CTX> context_;
  const Serve serve_;
  std::atomic<int> served_{0};
  FakeBackend backend_;
};

// Sends back what it reads, and close_notify for close_notify.
void EchoTls(TlsPeer& client) {
  std::string buffer(64 * 1024, '\0');
  for (;;) {
    const int got = SSL_read(client.ssl(), buffer.data(), static_cast<int>(buffer.size()));
    if (got <= 0) break;
    if (!client.Send(std::string_view(buffer.data(), static_cast<size_t>(got)))) return;
  }
  client.Close();
}

// Plain clients, TLS backends.
class ReencryptTest : public ::testing::Test {
 protected:
  ReencryptTest() : tls_(SpeakTls(worker_, authority_)) {}

  void Add(const std::string& name, const Endpoint& address, const std::string& server_name,
           uint32_t weight = 1) {
    worker_.AddBackend(name, address, weight);
    worker_.rule().mutable_backends()->rbegin()->set_server_name(server_name);
  }

  // A plain client's exchange; empty when it is reset.
  std::string Exchange(const std::string& data) {
    UniqueFd client = Dial(worker_.address());
    std::thread sender([&] {
      SendAll(client.get(), data);
      SendFin(client.get());
    });
    const ReadResult answer = Read(client.get());
    sender.join();
    return answer.error == 0 ? answer.data : "";
  }

  const TestAuthority authority_{"ca"};
  const TestCertificate good_ = authority_.Issue({.name = "a.internal"});
  TestWorker worker_;
  lb::type::v1::BackendTls& tls_;
};

TEST_F(ReencryptTest, EchoesEverySizeWithHalfClose) {
  TlsBackend backend(good_, EchoTls);
  Add("a", backend.address(), "a.internal");
  worker_.Apply();
  const std::vector<size_t> sizes = {0, 1, 16383, 16385, 65536, 200'000, 4 << 20};
  for (const size_t size : sizes) {
    const std::string data = Pattern(size, size);
    EXPECT_TRUE(Exchange(data) == data) << size;
  }
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Closed(CloseReason::kNormal), sizes.size());
  EXPECT_EQ(worker_.Sum("a", &BackendCounters::handshakes_total), sizes.size());
}

TEST_F(ReencryptTest, BothEndsMaySpeakTls) {
  TlsBackend backend(good_, EchoTls);
  EndTls(worker_, authority_.Issue({.name = "web.example"}));
  Add("a", backend.address(), "a.internal");
  worker_.Apply();
  const auto context = ClientContextOf(&authority_);
  TlsPeer peer = TlsPeer::Client(context.get(), Dial(worker_.address()), "web.example");
  ASSERT_TRUE(peer.Handshake()) << peer.error();
  const std::string data = Pattern(1 << 20, 7);
  std::string answer;
  for (size_t i = 0; i < data.size(); i += 32'768) {
    ASSERT_TRUE(peer.Send(std::string_view(data).substr(i, 32'768)));
    answer += peer.Read(32'768).data;
  }
  peer.Close();
  EXPECT_EQ(peer.Read().end, TlsEnd::kClosed);
  EXPECT_TRUE(answer == data);
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Closed(CloseReason::kNormal), 1u);
}

TEST_F(ReencryptTest, ASessionWithABackendGoesOnInTheNextConnection) {
  TlsBackend backend(good_, EchoTls);
  Add("a", backend.address(), "a.internal");
  worker_.Apply();
  for (int i = 0; i < 4; ++i) {
    UniqueFd client = Dial(worker_.address());
    ASSERT_TRUE(SendAll(client.get(), "hello"));
    ASSERT_EQ(Read(client.get(), 5).data, "hello");
  }
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Sum("a", &BackendCounters::handshakes_total), 4u);
  EXPECT_EQ(worker_.Sum("a", &BackendCounters::resumed_handshakes_total), 3u);
}

// A backend whose certificate is no good is like one that refuses.
struct BadBackend {
  const char* name;
  TestAuthority::Leaf leaf;
  bool other_authority;
  ConnectFailure failure;
};

class BadBackendTest : public ReencryptTest, public ::testing::WithParamInterface<BadBackend> {
 protected:
  TestCertificate Bad() const {
    return (GetParam().other_authority ? other_ : authority_).Issue(GetParam().leaf);
  }
  const TestAuthority other_{"other"};
};

INSTANTIATE_TEST_SUITE_P(
    All, BadBackendTest,
    ::testing::Values(
        BadBackend{"name", {.name = "other.internal"}, false, ConnectFailure::kTlsName},
        BadBackend{"expired", {"a.internal", -9, -1}, false, ConnectFailure::kTlsExpired},
        BadBackend{"untrusted", {.name = "a.internal"}, true, ConnectFailure::kTlsUntrusted}),
    [](const auto& bad) { return bad.param.name; });

TEST_P(BadBackendTest, ItsClientsGoToAnotherOne) {
  TlsBackend bad(Bad(), EchoTls);
  TlsBackend good(good_, EchoTls);
  Add("a", bad.address(), "a.internal", 1'000'000);
  Add("b", good.address(), "a.internal", 1);
  worker_.Apply();
  EXPECT_EQ(Exchange("hello"), "hello");
  EXPECT_EQ(worker_.Failures("a", GetParam().failure), 1u);
  EXPECT_EQ(worker_.Sum(&RuleCounters::retries), 1u);
  EXPECT_EQ(good.served(), 1);
}

TEST_P(BadBackendTest, WithoutAnotherOneTheyAreRefused) {
  TlsBackend bad(Bad(), EchoTls);
  Add("a", bad.address(), "a.internal");
  worker_.Apply();
  EXPECT_EQ(Exchange("hello"), "");
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Refused(RefuseReason::kConnectFailed), 1u);
}

TEST_P(BadBackendTest, ItIsTakenWhereNothingIsVerified) {
  TlsBackend bad(Bad(), EchoTls);
  tls_.clear_ca();
  tls_.set_ignore_verify(true);
  Add("a", bad.address(), "a.internal");
  worker_.Apply();
  EXPECT_EQ(Exchange("hello"), "hello");
}

TEST_F(ReencryptTest, ABackendThatSpeaksNoTlsIsTriedElsewhere) {
  FakeBackend plain([](UniqueFd client) {
    SendAll(client.get(), "220 mail.example ESMTP\r\n");
    Read(client.get());
  });
  FakeBackend closes([](UniqueFd client) { Read(client.get(), 1); });
  TlsBackend good(good_, EchoTls);
  Add("a", plain.address(), "a.internal");
  Add("b", closes.address(), "a.internal");
  Add("c", good.address(), "a.internal");
  worker_.rule().mutable_backends()->rbegin()->set_backup(true);
  worker_.Apply();
  EXPECT_EQ(Exchange("hello"), "hello");
  EXPECT_EQ(worker_.Failures("a", ConnectFailure::kTlsHandshake), 1u);
  EXPECT_EQ(worker_.Failures("b", ConnectFailure::kTlsHandshake), 1u);
}

TEST_F(ReencryptTest, ABackendThatKeepsSilentInTheHandshakeIsTriedElsewhere) {
  tls_.set_handshake_timeout_ms(200);
  FakeBackend silent([](UniqueFd client) { Read(client.get()); });
  TlsBackend good(good_, EchoTls);
  Add("a", silent.address(), "a.internal", 1'000'000);
  Add("b", good.address(), "a.internal", 1);
  worker_.Apply();
  EXPECT_EQ(Exchange("hello"), "hello");
  EXPECT_EQ(worker_.Failures("a", ConnectFailure::kTlsTimeout), 1u);
}

TEST_F(ReencryptTest, AClientThatLeavesInTheHandshakeGivesItsSlotBack) {
  FakeBackend silent([](UniqueFd client) { Read(client.get()); });
  worker_.AddBackend("a", silent.address(), 1, 1);
  worker_.Apply();
  UniqueFd client = Dial(worker_.address());
  ASSERT_TRUE(Eventually([&] { return worker_.Slots("a").held == 1; }));
  Reset(std::move(client));
  EXPECT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Closed(CloseReason::kClientReset), 1u);
}

TEST_F(ReencryptTest, AnAnswerThatIsCutOffIsAResetForAPlainClient) {
  TlsBackend backend(good_, [](TlsPeer& client) {
    client.Send("half of an ans");
    SendFin(client.fd());
    client.Read();
  });
  Add("a", backend.address(), "a.internal");
  worker_.Apply();
  UniqueFd client = Dial(worker_.address());
  EXPECT_EQ(Read(client.get()).error, ECONNRESET);
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Closed(CloseReason::kTlsTruncated), 1u);
}

TEST_F(ReencryptTest, AnAnswerThatIsCutOffIsCutOffForATlsClient) {
  TlsBackend backend(good_, [](TlsPeer& client) {
    client.Send("half of an ans");
    SendFin(client.fd());
    EXPECT_EQ(client.Read().data, "still here");
  });
  EndTls(worker_, authority_.Issue({.name = "web.example"}));
  Add("a", backend.address(), "a.internal");
  worker_.Apply();
  const auto context = ClientContextOf(&authority_);
  TlsPeer peer = TlsPeer::Client(context.get(), Dial(worker_.address()), "web.example");
  ASSERT_TRUE(peer.Handshake());
  const TlsRead answer = peer.Read();
  EXPECT_EQ(answer.data, "half of an ans");
  EXPECT_EQ(answer.end, TlsEnd::kTruncated);
  ASSERT_TRUE(peer.Send("still here"));
  peer.Close();
  ASSERT_TRUE(worker_.Quiet());
  EXPECT_EQ(worker_.Closed(CloseReason::kTlsTruncated), 1u);
}

TEST_F(ReencryptTest, TheNameThatTheClientAskedForIsPassedOn) {
  std::atomic<bool> seen{false};
  TlsBackend backend(authority_.Issue({.name = "web.example"}), [&](TlsPeer& client) {
    const char* const name = SSL_get_servername(client.ssl(), TLSEXT_NAMETYPE_host_name);
    seen.store(name != nullptr && std::string(name) == "web.example");
    EchoTls(client);
  });
  tls_.set_pass_sni(true);
  EndTls(worker_, authority_.Issue({.name = "web.example"}));
  Add("a", backend.address(), "a.internal");
  worker_.Apply();
  const auto context = ClientContextOf(&authority_);
  TlsPeer peer = TlsPeer::Client(context.get(), Dial(worker_.address()), "web.example");
  ASSERT_TRUE(peer.Handshake());
  ASSERT_TRUE(peer.Send("x"));
  EXPECT_EQ(peer.Read(1).data, "x");
  EXPECT_TRUE(seen.load());
}

// Goal: no client can have a backend left out by asking for names that it does not have.
TEST_F(ReencryptTest, ANameThatTheClientChoseIsNotTheBackendsFault) {
  TlsBackend backend(authority_.Issue({.name = "right.example"}), EchoTls);
  FakeBackend other([](UniqueFd client) { Read(client.get()); });
  tls_.set_pass_sni(true);
  EndTls(worker_, authority_.Issue({.name = "web.example"}));
  Add("a", backend.address(), "a.internal");
  Add("b", other.address(), "b.internal", 0);
  auto& outlier = *worker_.rule().mutable_outlier_detection();
  outlier.set_failures(1);
  outlier.set_ejection_time_ms(3'600'000);
  outlier.set_max_ejected_percent(100);
  worker_.Apply();
  const auto context = ClientContextOf(nullptr);
  const auto ask = [&](const char* name) {
    TlsPeer peer = TlsPeer::Client(context.get(), Dial(worker_.address()), name);
    return peer.Handshake() && peer.Send("x") && peer.Read(1).data == "x";
  };
  EXPECT_FALSE(ask("wrong.example"));
  EXPECT_EQ(worker_.Failures("a", ConnectFailure::kTlsName), 1u);
  EXPECT_TRUE(ask("right.example"));
}

TEST_F(ReencryptTest, ThePlainProxyHeaderGoesBeforeTheHandshake) {
  std::atomic<bool> seen{false};
  const auto context = ServerContextOf(good_);
  FakeBackend backend([&](UniqueFd client) {
    std::string line;
    while (line.empty() || line.back() != '\n') line += Read(client.get(), 1).data;
    seen.store(line.starts_with("PROXY TCP4 127.0.0.1 127.0.0.1 "));
    TlsPeer peer = TlsPeer::Server(context.get(), std::move(client));
    ASSERT_TRUE(peer.Handshake());
    EchoTls(peer);
  });
  worker_.rule().mutable_proxy_protocol()->set_send(lb::type::v1::ProxyProtocol::VERSION_1);
  Add("a", backend.address(), "a.internal");
  worker_.Apply();
  EXPECT_EQ(Exchange("hello"), "hello");
  EXPECT_TRUE(seen.load());
}

// Where outliers are detected, a reset before any byte sends the client on, behind TLS too.
TEST_F(ReencryptTest, AResetBehindTheHandshakeIsTriedElsewhere) {
  TlsBackend resets(good_, [](TlsPeer& client) { Reset(client.TakeFd()); });
  TlsBackend good(good_, EchoTls);
  Add("a", resets.address(), "a.internal", 1'000'000);
  Add("b", good.address(), "a.internal", 1);
  auto& outlier = *worker_.rule().mutable_outlier_detection();
  outlier.set_failures(5);
  outlier.set_ejection_time_ms(60'000);
  outlier.set_max_ejected_percent(50);
  worker_.Apply();
  UniqueFd client = Dial(worker_.address());
  ASSERT_TRUE(Eventually([&] { return good.served() == 1; }));
  ASSERT_TRUE(SendAll(client.get(), "hello"));
  EXPECT_EQ(Read(client.get(), 5).data, "hello");
  EXPECT_EQ(worker_.Failures("a", ConnectFailure::kReset), 1u);
}

}  // namespace
}  // namespace lb::dataplane
