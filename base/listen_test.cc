#include "base/listen.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace lb {
namespace {

constexpr mode_t kMode = 0660;

class ListenTest : public testing::Test {
 protected:
  ListenTest() {
    // sun_path is short: a folder of its own directly below TEST_TMPDIR may be too deep.
    std::string folder = "/tmp/lb-listen-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
  }
  ~ListenTest() override { std::filesystem::remove_all(folder_); }

  Endpoint At(const std::string& name) const {
    return Endpoint::Parse("unix:" + folder_ + "/" + name).value();
  }
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  std::string folder_;
};

TEST_F(ListenTest, TellsThePortTheKernelChose) {
  const auto any = Endpoint::Parse("127.0.0.1:0", Endpoint::PortZero::kAllow);
  auto listening = Listen(any.value(), kMode);
  ASSERT_TRUE(listening.ok()) << listening.status();
  EXPECT_NE(listening->address.port(), 0);
  EXPECT_EQ(Listen(listening->address, kMode).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(ListenTest, UnixSocketHasItsModeWhateverTheUmaskAndGoesWithItsOwner) {
  {
    auto listening = Listen(At("s"), kMode);
    ASSERT_TRUE(listening.ok()) << listening.status();
    struct stat found {};
    ASSERT_EQ(::stat(Path("s").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, kMode);
  }
  EXPECT_FALSE(std::filesystem::exists(Path("s")));
}

TEST_F(ListenTest, ReplacesAStaleSocketAndRefusesALiveOne) {
  const SocketAddress at = At("s").ToSocketAddress();
  {
    // Bound and closed without unlink: what a killed process leaves behind.
    const UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(dead.get(), at.get(), at.length), 0);
  }
  auto listening = Listen(At("s"), kMode);
  ASSERT_TRUE(listening.ok()) << listening.status();
  const auto second = Listen(At("s"), kMode);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_NE(second.status().message().find("another process listens there"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(Path("s")));
}

TEST_F(ListenTest, NeverRemovesAFileThatIsNoSocket) {
  std::ofstream(Path("s")) << "kept";
  EXPECT_EQ(Listen(At("s"), kMode).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(std::filesystem::exists(Path("s")));
}

TEST_F(ListenTest, AMissingFolderIsNotFoundAndNamed) {
  const auto listening = Listen(At("none/s"), kMode);
  EXPECT_EQ(listening.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(listening.status().message().find(Path("none/s")), absl::string_view::npos);
}

TEST_F(ListenTest, LoopbackIsTheWholeNetworkAndItsIpv6Address) {
  EXPECT_TRUE(IsLoopback(Endpoint::Parse("127.9.9.9:1").value()));
  EXPECT_TRUE(IsLoopback(Endpoint::Parse("[::1]:1").value()));
  EXPECT_FALSE(IsLoopback(Endpoint::Parse("0.0.0.0:1").value()));
  EXPECT_FALSE(IsLoopback(Endpoint::Parse("[::]:1").value()));
  EXPECT_FALSE(IsLoopback(At("s")));
}

}  // namespace
}  // namespace lb
