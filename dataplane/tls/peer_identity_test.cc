#include "dataplane/tls/peer_identity.h"

#include <string>

#include "dataplane/tls/test_handshake.h"
#include "gtest/gtest.h"

namespace lb::dataplane::tls {
namespace {

// The identity of a peer with this certificate.
std::string IdentityOf(const TestAuthority::Leaf& leaf) {
  static const TestAuthority authority("ca");
  const auto server = ServerContextOf(authority.Issue(leaf));
  const auto client = ClientContextOf(nullptr);
  const TestConnection made = Handshake(NewClient(client.get()), NewServer(server.get()));
  EXPECT_TRUE(made.done);
  EXPECT_EQ(PeerIdentity(*made.server), "");  // It was shown none.
  return PeerIdentity(*made.client);
}

TEST(PeerIdentityTest, AUriGoesBeforeNamesAndNamesBeforeTheSubject) {
  EXPECT_EQ(IdentityOf({.name = "x", .alt_names = "DNS:a.example, URI:spiffe://b/c, URI:d:e"}),
            "spiffe://b/c");
  EXPECT_EQ(IdentityOf({.name = "x", .alt_names = "IP:10.0.0.1, email:a@b.example, DNS:c"}),
            "a@b.example");
  EXPECT_EQ(IdentityOf({.name = "x", .alt_names = "IP:10.0.0.1"}), "CN=x");
  EXPECT_EQ(IdentityOf({.name = "x", .alt_names = "-"}), "CN=x");
}

TEST(PeerIdentityTest, IsPrintableWhateverTheCertificateSays) {
  EXPECT_EQ(IdentityOf({.name = "a,b", .alt_names = "-"}), "CN=a\\,b");
  EXPECT_EQ(IdentityOf({.name = "a\n\x7f\u00e4", .alt_names = "-"}), "CN=a\\0A\\7F\u00e4");
  EXPECT_EQ(IdentityOf({.name = "x", .alt_names = "URI:a b\"\\\x01"}), "a\\x20b\"\\x5c\\x01");
}

TEST(PeerIdentityTest, LongOnesAreCutAndStillDiffer) {
  const std::string start = "URI:spiffe://" + std::string(300, 'a');
  const std::string one = IdentityOf({.name = "x", .alt_names = start + "1"});
  const std::string two = IdentityOf({.name = "x", .alt_names = start + "2"});
  EXPECT_EQ(one.size(), kMaxIdentityBytes);
  EXPECT_EQ(two.size(), kMaxIdentityBytes);
  EXPECT_NE(one, two);
}

}  // namespace
}  // namespace lb::dataplane::tls
