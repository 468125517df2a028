#include "base/endpoint.h"

#include "gtest/gtest.h"

namespace lb {
namespace {

struct Good {
  const char* text;
  Endpoint::Kind kind;
  const char* canonical;
};

TEST(EndpointTest, ReadsEveryFormAndWritesItCanonically) {
  for (const Good& good : {
           Good{"10.0.0.1:8080", Endpoint::Kind::kIp, "10.0.0.1:8080"},
           Good{"[FD00::0:1]:80", Endpoint::Kind::kIp, "[fd00::1]:80"},
           Good{"[::ffff:10.0.0.1]:80", Endpoint::Kind::kIp, "10.0.0.1:80"},
           Good{"App.Internal:443", Endpoint::Kind::kName, "app.internal:443"},
           Good{"localhost:1", Endpoint::Kind::kName, "localhost:1"},
           Good{"unix:/run/a b.sock", Endpoint::Kind::kUnix, "unix:/run/a b.sock"},
           Good{"_http._tcp.app", Endpoint::Kind::kSrv, "_http._tcp.app"},
       }) {
    SCOPED_TRACE(good.text);
    const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(good.text);
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    EXPECT_EQ(endpoint->kind(), good.kind);
    EXPECT_EQ(endpoint->ToString(), good.canonical);
    EXPECT_EQ(*Endpoint::Parse(endpoint->ToString()), *endpoint);
  }
}

TEST(EndpointTest, RefusesWhatIsNotAnAddressAndSaysWhy) {
  const std::string long_path = "unix:/" + std::string(107, 'x');
  const std::string long_name = std::string(254, 'a') + ":1";
  for (const std::string& text : {std::string("10.0.0.1"),
                                  std::string("10.0.0.1:"),
                                  std::string("10.0.0.1:0"),
                                  std::string("10.0.0.1:65536"),
                                  std::string("10.0.0.1:+1"),
                                  std::string("10.0.0:1"),
                                  std::string("010.0.0.1:1"),
                                  std::string("fd00::1:80"),
                                  std::string("[fd00::1]"),
                                  std::string("[fd00::1"),
                                  std::string("[10.0.0.1]:1"),
                                  std::string("[fe80::1%eth0]:1"),
                                  std::string("unix:run"),
                                  std::string("unix:"),
                                  std::string("Unix:80"),
                                  std::string(":80"),
                                  std::string(""),
                                  std::string("a..b:1"),
                                  std::string("-a:1"),
                                  std::string("a b:1"),
                                  std::string("_http"),
                                  std::string("a\0b:1", 5),
                                  long_path,
                                  long_name}) {
    SCOPED_TRACE(text);
    EXPECT_TRUE(absl::IsInvalidArgument(Endpoint::Parse(text).status()));
  }
}

TEST(EndpointTest, SurvivesTheWayThroughASocketAddress) {
  for (const char* text : {"10.0.0.1:8080", "[fd00::1]:80", "unix:/run/app.sock"}) {
    const Endpoint endpoint = Endpoint::Parse(text).value();
    EXPECT_EQ(Endpoint::FromSocketAddress(endpoint.ToSocketAddress()).value(), endpoint);
  }
}

TEST(EndpointTest, AllowsPortZeroOnlyWhenAsked) {
  EXPECT_TRUE(Endpoint::Parse("127.0.0.1:0", Endpoint::PortZero::kAllow).ok());
  EXPECT_FALSE(Endpoint::Parse("127.0.0.1:0").ok());
}

TEST(EndpointTest, AUrlIsToldToDropItsScheme) {
  for (const char* url : {"http://x:80", "https://x/path"}) {
    const absl::Status status = Endpoint::Parse(url).status();
    EXPECT_NE(status.message().find("without http://"), absl::string_view::npos) << status;
  }
}

}  // namespace
}  // namespace lb
