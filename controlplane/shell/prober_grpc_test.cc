#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <chrono>
#include <memory>

#include "absl/strings/match.h"
#include "controlplane/shell/prober.h"
#include "controlplane/shell/test_certificates.h"
#include "controlplane/shell/test_loop.h"
#include "gtest/gtest.h"
#include "tests/fakes/backend/fake_backend.h"

namespace lb::controlplane {
namespace {

using fakes::FakeBackend;
using std::chrono::milliseconds;

// A gRPC server with gRPC's own health service, or without any.
class GrpcBackend final {
 public:
  GrpcBackend(const std::shared_ptr<grpc::ServerCredentials>& credentials, bool with_health) {
    grpc::EnableDefaultHealthCheckService(with_health);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", credentials, &port_);
    server_ = builder.BuildAndStart();
  }
  ~GrpcBackend() { server_->Shutdown(std::chrono::system_clock::now()); }

  Endpoint endpoint() const {
    return Endpoint::FromIp("127.0.0.1", static_cast<uint16_t>(port_)).value();
  }
  grpc::HealthCheckServiceInterface& health() { return *server_->GetHealthCheckService(); }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

class ProberGrpcTest : public testing::Test {
 protected:
  StartProbe Request(const Endpoint& address, const std::string& service = "") {
    StartProbe request;
    request.probe = ++probes_;
    request.address = address;
    request.protocol = HealthCheckConfig::Protocol::kGrpc;
    request.host = "web.internal";
    request.timeout = milliseconds(20'000);
    request.grpc_service = service;
    return request;
  }

  std::string Check(StartProbe request) {
    const size_t before = loop_.Of<ProbeDone>().size();
    prober_.Start(std::move(request));
    EXPECT_TRUE(loop_.RunUntil([&] { return loop_.Of<ProbeDone>().size() > before; }));
    EXPECT_TRUE(loop_.RunUntil([&] { return prober_.in_flight() == 0; }));
    const ProbeDone done = loop_.Of<ProbeDone>().back();
    return (done.passed ? "passed: " : "failed: ") + done.detail;
  }

  TestLoop loop_;
  Prober prober_{loop_.io(), 1'000, loop_.sink()};
  ProbeId probes_ = 0;
};

TEST_F(ProberGrpcTest, AServerIsAsItsHealthServiceSays) {
  GrpcBackend backend(grpc::InsecureServerCredentials(), true);
  EXPECT_EQ(Check(Request(backend.endpoint())), "passed: gRPC: SERVING");
  backend.health().SetServingStatus("shop.Cart", false);
  EXPECT_EQ(Check(Request(backend.endpoint(), "shop.Cart")), "failed: gRPC: NOT_SERVING");
  backend.health().SetServingStatus("shop.Cart", true);
  EXPECT_EQ(Check(Request(backend.endpoint(), "shop.Cart")), "passed: gRPC: SERVING");
  EXPECT_EQ(Check(Request(backend.endpoint(), "shop.Till")),
            "failed: gRPC: service 'shop.Till' is not known (NOT_FOUND)");
  EXPECT_EQ(Check(Request(backend.endpoint(), std::string(200, 's'))).substr(0, 30),
            "failed: gRPC: service 'sssssss");
  backend.health().SetServingStatus(false);
  EXPECT_EQ(Check(Request(backend.endpoint())), "failed: gRPC: NOT_SERVING");
}

TEST_F(ProberGrpcTest, AServerWithoutHealthServiceSaysSo) {
  GrpcBackend backend(grpc::InsecureServerCredentials(), false);
  EXPECT_EQ(Check(Request(backend.endpoint())), "failed: gRPC: no health service (UNIMPLEMENTED)");
}

TEST_F(ProberGrpcTest, ACheckGoesThroughTls) {
  const TestAuthority authority("Test Authority");
  const TestCertificate certificate = authority.Issue({});
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({certificate.KeyPem(), certificate.CertPem()});
  GrpcBackend backend(grpc::SslServerCredentials(options), true);
  TlsMaterial material;
  material.bundles["ca.pem"] = BundleOf(authority);
  StartProbe request = Request(backend.endpoint());
  request.tls = ProbeTls{std::make_shared<TlsMaterial>(material),
                         std::make_shared<BackendTlsConfig>(BackendTlsConfig{.ca = "ca.pem"}),
                         "web.internal"};
  EXPECT_EQ(Check(request), "passed: gRPC: SERVING");
  request.tls->server_name = "other.internal";
  EXPECT_EQ(Check(request), "failed: TLS: certificate is for web.internal, not other.internal");
  request.tls.reset();
  EXPECT_TRUE(absl::StartsWith(Check(request), "failed: "));
}

TEST_F(ProberGrpcTest, HostileBackendsFailSoon) {
  FakeBackend http1(loop_.io(), FakeBackend::Manner::kAnswer, "HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_EQ(Check(Request(http1.endpoint())), "failed: gRPC: not HTTP/2: 'HTTP/1.1 400'");
  FakeBackend silent(loop_.io(), FakeBackend::Manner::kAnswer, "");
  EXPECT_TRUE(absl::StartsWith(Check(Request(silent.endpoint())), "failed: "));
  FakeBackend endless(loop_.io(), FakeBackend::Manner::kEndless, std::string(9, '\0'));
  EXPECT_TRUE(absl::StartsWith(Check(Request(endless.endpoint())), "failed: gRPC: "));
}

TEST_F(ProberGrpcTest, AHangingBackendFailsAtTheTimeout) {
  FakeBackend hanging(loop_.io(), FakeBackend::Manner::kHang, "");
  StartProbe request = Request(hanging.endpoint());
  request.timeout = milliseconds(300);
  EXPECT_EQ(Check(request), "failed: timeout after 300 ms");
  const ProbeDone done = loop_.Of<ProbeDone>().back();
  EXPECT_GE(done.took, milliseconds(300));
  EXPECT_LT(done.took, milliseconds(3'000));
}

}  // namespace
}  // namespace lb::controlplane
