// The generator against its own backend over TLS, without a balancer between them.

#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "base/endpoint.h"
#include "base/time.h"
#include "gtest/gtest.h"
#include "tests/bench/load/generator.h"
#include "tests/bench/load/tls_ends.h"

namespace lb::bench {
namespace {

// Writes a P-256 key and a certificate that it signs itself.
void WritePair(const std::string& cert_path, const std::string& key_path) {
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  ASSERT_EQ(EC_KEY_generate_key(ec.get()), 1);
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  ASSERT_EQ(EVP_PKEY_set1_EC_KEY(key.get(), ec.get()), 1);
  bssl::UniquePtr<X509> cert(X509_new());
  ASSERT_EQ(X509_set_version(cert.get(), X509_VERSION_3), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), 3600);
  ASSERT_EQ(X509_set_pubkey(cert.get(), key.get()), 1);
  ASSERT_GT(X509_sign(cert.get(), key.get(), EVP_sha256()), 0);
  std::unique_ptr<FILE, decltype(&fclose)> cert_file(fopen(cert_path.c_str(), "w"), &fclose);
  std::unique_ptr<FILE, decltype(&fclose)> key_file(fopen(key_path.c_str(), "w"), &fclose);
  ASSERT_EQ(PEM_write_X509(cert_file.get(), cert.get()), 1);
  ASSERT_EQ(PEM_write_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr),
            1);
}

class TlsGeneratorTest : public testing::Test {
 protected:
  void Start(const Workload& workload, TlsEnds::Client client) {
    const std::string folder = testing::TempDir();
    const std::string cert = folder + "/cert.pem", key = folder + "/key.pem";
    ASSERT_NO_FATAL_FAILURE(WritePair(cert, key));
    auto tls = TlsEnds::Make({.client = client, .backend_cert = cert, .backend_key = key});
    ASSERT_TRUE(tls.ok()) << tls.status();
    tls_ = *std::move(tls);
    connections_.UseTls(*tls_);
    workload_ = workload;
    const auto any_port = Endpoint::Parse("127.0.0.1:0", Endpoint::PortZero::kAllow);
    const auto backend = connections_.Listen(*any_port);
    ASSERT_TRUE(backend.ok()) << backend.status();
    connections_.set_target(*backend);
    meter_.measuring = true;
    generator_.Open(workload_.connections);
  }

  // Whether the condition comes true while the generator runs.
  bool Reaches(const std::function<bool()>& condition) {
    const Instant deadline = ReadClocks().steady + std::chrono::seconds(20);
    while (!condition() && ReadClocks().steady < deadline) generator_.Turn();
    return condition();
  }

  std::unique_ptr<TlsEnds> tls_;
  Workload workload_;
  Connections connections_;
  Meter meter_;
  Generator generator_{workload_, connections_, meter_};
};

TEST_F(TlsGeneratorTest, EachConnectionHasAWholeHandshake) {
  Start({.mode = Workload::Mode::kConnections, .connections = 8}, TlsEnds::Client::kFull);
  EXPECT_TRUE(Reaches([&] { return meter_.operations >= 100; }));
  EXPECT_EQ(meter_.errors, 0u);
  EXPECT_GE(tls_->counts().clients, 100u);
  EXPECT_EQ(tls_->counts().clients_resumed, 0u);
  EXPECT_GE(tls_->counts().backend, 100u);
}

TEST_F(TlsGeneratorTest, SessionsAreResumedAfterTheFirst) {
  Start({.mode = Workload::Mode::kConnections, .connections = 1}, TlsEnds::Client::kResumed);
  EXPECT_TRUE(Reaches([&] { return meter_.operations >= 100; }));
  EXPECT_EQ(meter_.errors, 0u);
  EXPECT_EQ(tls_->counts().clients - tls_->counts().clients_resumed, 1u);
  EXPECT_EQ(tls_->counts().backend - tls_->counts().backend_resumed, 1u);
}

TEST_F(TlsGeneratorTest, RoundTripsOfManyRecords) {
  Start({.mode = Workload::Mode::kRequests,
         .connections = 4,
         .request_bytes = 1 << 20,
         .response_bytes = 3 << 20},
        TlsEnds::Client::kFull);
  EXPECT_TRUE(Reaches([&] { return meter_.operations >= 20; }));
  EXPECT_EQ(meter_.errors, 0u);
}

TEST_F(TlsGeneratorTest, StreamsToClients) {
  Start({.mode = Workload::Mode::kStreams, .connections = 2}, TlsEnds::Client::kFull);
  EXPECT_TRUE(Reaches([&] { return meter_.bytes_to_clients > (16u << 20); }));
  EXPECT_EQ(meter_.bytes_to_servers, 0u);
  EXPECT_EQ(meter_.errors, 0u);
}

TEST_F(TlsGeneratorTest, StreamsToServers) {
  Start(
      {.mode = Workload::Mode::kStreams, .connections = 2, .to_clients = false, .to_servers = true},
      TlsEnds::Client::kFull);
  EXPECT_TRUE(Reaches([&] { return meter_.bytes_to_servers > (16u << 20); }));
  EXPECT_EQ(meter_.errors, 0u);
}

TEST_F(TlsGeneratorTest, HoldsConnectionsOpen) {
  Start({.mode = Workload::Mode::kIdle, .connections = 100}, TlsEnds::Client::kFull);
  EXPECT_TRUE(Reaches([&] { return generator_.held() == 100; }));
  EXPECT_EQ(meter_.errors, 0u);
}

TEST_F(TlsGeneratorTest, ABackendWithoutItsFilesIsAnError) {
  EXPECT_FALSE(TlsEnds::Make({.backend_cert = "/nowhere.pem", .backend_key = "/nowhere.pem"}).ok());
}

}  // namespace
}  // namespace lb::bench
