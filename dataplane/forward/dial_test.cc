#include "dataplane/forward/dial.h"

#include <sys/socket.h>

#include <string>

#include "base/check.h"
#include "dataplane/forward/socket_options.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

SocketAddress Ip(const std::string& ip) {
  return Endpoint::FromIp(ip, 0).value().ToSocketAddress();
}

// A socket that clients may connect to.
class DialTest : public testing::Test {
 protected:
  DialTest() : listener_(BindListener(Ip("127.0.0.1")).fd) {
    LB_CHECK(StartListening(listener_.get()) == 0);
    backend_ = BoundEndpoint(listener_.get()).ToSocketAddress();
  }

  // The address that the connection just made comes from.
  std::string SourceOf(const Dialed& dialed) {
    if (!dialed.fd.valid()) return "";
    const UniqueFd client(accept(listener_.get(), nullptr, nullptr));
    return BoundEndpoint(dialed.fd.get()).host();
  }

  UniqueFd listener_;
  SocketAddress backend_;
};

TEST_F(DialTest, EachTurnStartsWithTheNextSource) {
  const std::vector<SocketAddress> sources = {Ip("127.0.0.5"), Ip("::1"), Ip("127.0.0.6")};
  EXPECT_EQ(SourceOf(DialFromSources(backend_, sources, 0)), "127.0.0.5");
  EXPECT_EQ(SourceOf(DialFromSources(backend_, sources, 1)), "127.0.0.6");  // ::1 does not fit.
  EXPECT_EQ(SourceOf(DialFromSources(backend_, sources, 2)), "127.0.0.6");
  EXPECT_EQ(SourceOf(DialFromSources(backend_, sources, 3)), "127.0.0.5");
}

TEST_F(DialTest, WithoutASourceOfItsFamilyTheKernelChooses) {
  EXPECT_EQ(SourceOf(DialFromSources(backend_, {}, 7)), "127.0.0.1");
  EXPECT_EQ(SourceOf(DialFromSources(backend_, {Ip("::1")}, 7)), "127.0.0.1");
}

TEST_F(DialTest, ASourceThatIsNotOursIsPassedOver) {
  const std::vector<SocketAddress> sources = {Ip("192.0.2.1"), Ip("127.0.0.5")};
  EXPECT_EQ(SourceOf(DialFromSources(backend_, sources, 0)), "127.0.0.5");
  const Dialed none = DialFromSources(backend_, {Ip("192.0.2.1")}, 0);
  EXPECT_FALSE(none.fd.valid());
  EXPECT_EQ(none.failure, ConnectFailure::kNoSource);
  EXPECT_EQ(none.ports_exhausted, 0u);
}

}  // namespace
}  // namespace lb::dataplane
