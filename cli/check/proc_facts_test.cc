// Goal: facts are what the files say, and unset where a file is missing. Method: a tree of files.

#include "cli/check/proc_facts.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "base/unique_fd.h"

namespace lb::cli {
namespace {

class ProcFactsTest : public testing::Test {
 protected:
  ProcFactsTest() {
    root_ = testing::TempDir() + "proc-XXXXXX";
    EXPECT_NE(::mkdtemp(root_.data()), nullptr);
  }
  ~ProcFactsTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) const {
    const std::filesystem::path whole = root_ + "/proc/" + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text;
  }

  std::string root_;
};

TEST_F(ProcFactsTest, KernelSettingsAreRead) {
  Write("sys/net/core/somaxconn", "128\n");
  Write("sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
  Write("sys/net/ipv4/ip_local_reserved_ports", "8080,9000-9010\n");
  Write("sys/net/ipv4/tcp_mem", "100\t200\t300\n");
  Write("sys/fs/file-nr", "1632\t0\t9223372036854775807\n");
  Write("sys/net/netfilter/nf_conntrack_max", "262144\n");
  Write("net/sockstat",
        "sockets: used 9\nTCP: inuse 5 orphan 0 tw 0 alloc 6 mem 42\nUDP: inuse 1 mem 7\n");
  const KernelFacts kernel = ReadKernelFacts(root_);
  EXPECT_EQ(kernel.somaxconn, 128u);
  ASSERT_TRUE(kernel.ephemeral_ports);
  EXPECT_EQ(kernel.ephemeral_ports->size(), 28232u);
  ASSERT_EQ(kernel.reserved_ports.size(), 2u);
  EXPECT_TRUE(kernel.reserved_ports[0].Has(8080));
  EXPECT_TRUE(kernel.reserved_ports[1].Has(9010));
  EXPECT_EQ(kernel.tcp_pages, 42u);
  EXPECT_EQ(kernel.tcp_pressure_pages, 200u);
  EXPECT_EQ(kernel.tcp_high_pages, 300u);
  EXPECT_EQ(kernel.files_open, 1632u);
  EXPECT_EQ(kernel.files_max, 9223372036854775807u);
  EXPECT_EQ(kernel.conntrack_max, 262144u);
  EXPECT_FALSE(kernel.conntrack_count);
}

TEST_F(ProcFactsTest, MissingAndBrokenFilesLeaveFactsUnset) {
  Write("sys/net/core/somaxconn", "many\n");
  Write("sys/net/ipv4/ip_local_port_range", "60999\t32768\n");
  Write("net/sockstat", "TCP: inuse 5 mem\n");
  const KernelFacts kernel = ReadKernelFacts(root_);
  EXPECT_FALSE(kernel.somaxconn);
  EXPECT_FALSE(kernel.ephemeral_ports);
  EXPECT_FALSE(kernel.tcp_pages);
  EXPECT_FALSE(kernel.nr_open);
  EXPECT_TRUE(ReadProcessFacts(root_ + "/none").empty());
}

TEST_F(ProcFactsTest, ProcessesOfLbAreFoundByName) {
  Write("12/comm", "lb-worker\n");
  constexpr char kWorker[] = "lb-worker\0--id\0worker-1\0--http=127.0.0.1:9904\0";
  Write("12/cmdline", std::string(kWorker, sizeof kWorker - 1));
  Write("12/limits",
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max open files            1024                 524288               files     \n");
  Write("12/fd/0", "");
  Write("12/fd/1", "");
  Write("12/net/tcp",
        "  sl  local_address rem_address   st\n"
        "   0: 0100007F:1F90 00000000:0000 0A\n"
        "   1: 0100007F:1F91 0100007F:9C40 01\n");
  Write("13/comm", "nginx\n");
  Write("14/comm", "lb-controlplane\n");
  constexpr char kFlags[] = "lb-controlplane\0--admin-api\0unix:/a\0--admin-api=10.0.0.1:9\0";
  Write("14/cmdline", std::string(kFlags, sizeof kFlags - 1));
  Write("self/comm", "lb-worker\n");
  const std::vector<ProcessFacts> found = ReadProcessFacts(root_);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].pid, 14);
  EXPECT_EQ(found[1].apis,
            (std::vector<std::string>{"unix:/a", "10.0.0.1:9", "unix:/run/lb/worker.sock"}));
  EXPECT_EQ(found[0].pid, 12);
  EXPECT_EQ(found[0].id, "worker-1");
  EXPECT_EQ(found[0].http, "127.0.0.1:9904");
  EXPECT_EQ(found[0].descriptors_limit, 1024u);
  EXPECT_EQ(found[0].descriptors_open, 2u);
  EXPECT_EQ(found[0].listening, std::set<Endpoint>{*Endpoint::Parse("127.0.0.1:8080")});
}

TEST_F(ProcFactsTest, ListeningAddressesOfBothFamilies) {
  const std::set<Endpoint> found = ParseListening(
      "  sl  local_address rem_address   st\n"
      "   0: 00000000000000000000000001000000:01BB 00000000000000000000000000000000:0000 0A\n"
      "   1: 00000000:0050 00000000:0000 0A\n"
      "   2: 0000:0050 00000000:0000 0A\n"
      "   3: broken\n");
  EXPECT_EQ(found,
            (std::set<Endpoint>{*Endpoint::Parse("[::1]:443"), *Endpoint::Parse("0.0.0.0:80")}));
}

TEST_F(ProcFactsTest, APortThatSomebodyElseHasCannotBeBound) {
  const UniqueFd taken(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const SocketAddress any =
      Endpoint::Parse("127.0.0.1:0", Endpoint::PortZero::kAllow)->ToSocketAddress();
  ASSERT_EQ(::bind(taken.get(), any.get(), any.length), 0);
  ASSERT_EQ(::listen(taken.get(), 1), 0);
  SocketAddress at;
  at.length = sizeof at.storage;
  ASSERT_EQ(::getsockname(taken.get(), reinterpret_cast<sockaddr*>(&at.storage), &at.length), 0);
  controlplane::Config config;
  config.rules.resize(2);
  config.rules[0].name = "taken";
  config.rules[0].listen = *Endpoint::FromSocketAddress(at);
  config.rules[1].name = "elsewhere";
  config.rules[1].listen = *Endpoint::Parse("192.0.2.1:1");  // RFC 5737: nobody has it.
  const std::vector<BindFacts> binds = TryBinds(config);
  ASSERT_EQ(binds.size(), 2u);
  EXPECT_EQ(binds[0].error, EADDRINUSE);
  EXPECT_EQ(binds[1].error, EADDRNOTAVAIL);
}

TEST_F(ProcFactsTest, CallsThatEveryLinuxHasWork) {
  KernelFacts kernel;
  TryCalls(kernel);
  EXPECT_EQ(kernel.reuse_port_error, 0);
  EXPECT_EQ(kernel.splice_error, 0);
}

}  // namespace
}  // namespace lb::cli
