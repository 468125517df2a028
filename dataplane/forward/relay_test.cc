// What a client and a backend see of each other through the worker, on loopback.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/prng.h"
#include "dataplane/forward/pump.h"
#include "dataplane/forward/test_net.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

// Sends `data` and a FIN while reading the answer to its end.
ReadResult Exchange(const Endpoint& address, const std::string& data) {
  UniqueFd client = Dial(address);
  if (!client.valid()) return {"", errno};
  std::thread sender([&] {
    SendAll(client.get(), data);
    SendFin(client.get());
  });
  ReadResult answer = Read(client.get());
  sender.join();
  return answer;
}

// Goal: every byte comes back in order, whatever the size, with the client's FIN passed on before
// the answer ends. Method: echo of sizes around the buffer sizes, many at once.
TEST(RelayTest, EchoesEverySizeWithHalfClose) {
  FakeBackend backend(Echo);
  TestWorker worker;
  worker.AddBackend("a", backend.address());
  worker.Apply();
  std::vector<size_t> sizes = {0,     1,      2,      100,    16383,   16384,   16385,  32768,
                               65536, 262143, 262144, 262145, 1 << 20, 3 << 20, 8 << 20};
  std::vector<std::thread> clients;
  std::atomic<uint64_t> total{0};
  for (const size_t size : sizes) {
    clients.emplace_back([&, size] {
      const std::string data = Pattern(size, size);
      const ReadResult answer = Exchange(worker.address(), data);
      EXPECT_EQ(answer.error, 0) << size;
      EXPECT_TRUE(answer.data == data) << size << " became " << answer.data.size();
      total.fetch_add(size);
    });
  }
  for (std::thread& client : clients) client.join();
  ASSERT_TRUE(worker.Quiet());
  EXPECT_EQ(worker.Closed(CloseReason::kNormal), sizes.size());
  EXPECT_EQ(worker.Sum(&RuleCounters::connections_total), sizes.size());
  EXPECT_EQ(worker.Sum(&RuleCounters::received_bytes), total.load());
  EXPECT_EQ(worker.Sum(&RuleCounters::sent_bytes), total.load());
  EXPECT_EQ(worker.Sum("a", &BackendCounters::received_bytes), total.load());
  EXPECT_EQ(worker.Sum("a", &BackendCounters::sent_bytes), total.load());
  EXPECT_EQ(worker.Sum("a", &BackendCounters::connects_total), sizes.size());
}

TEST(RelayTest, TheServerMaySpeakFirst) {
  FakeBackend backend([](UniqueFd client) {
    SendAll(client.get(), "220 ready\r\n");
    Read(client.get());
  });
  TestWorker worker;
  worker.AddBackend("a", backend.address());
  worker.Apply();
  UniqueFd client = Dial(worker.address());
  EXPECT_EQ(Read(client.get(), 11).data, "220 ready\r\n");
}

TEST(RelayTest, AServerThatEndsFirstStillHearsTheClient) {
  const std::string late = Pattern(5 << 20, 7);
  std::string heard;
  {
    FakeBackend backend([&](UniqueFd client) {
      SendAll(client.get(), "bye");
      SendFin(client.get());
      heard = Read(client.get()).data;
    });
    TestWorker worker;
    worker.AddBackend("a", backend.address());
    worker.Apply();
    UniqueFd client = Dial(worker.address());
    const ReadResult answer = Read(client.get());
    EXPECT_EQ(answer.data, "bye");
    EXPECT_EQ(answer.error, 0);
    EXPECT_TRUE(SendAll(client.get(), late));
    client.Reset();
    ASSERT_TRUE(worker.Quiet());
    EXPECT_EQ(worker.Closed(CloseReason::kNormal), 1u);
  }
  EXPECT_TRUE(heard == late);
}

TEST(RelayTest, AClientsResetReachesTheBackendAsAReset) {
  std::atomic<int> seen{-1};
  FakeBackend backend([&](UniqueFd client) {
    SendAll(client.get(), "x");
    seen.store(Read(client.get()).error);
  });
  TestWorker worker;
  worker.AddBackend("a", backend.address());
  worker.Apply();
  UniqueFd client = Dial(worker.address());
  ASSERT_EQ(Read(client.get(), 1).data, "x");
  Reset(std::move(client));
  ASSERT_TRUE(Eventually([&] { return seen.load() != -1; }));
  EXPECT_EQ(seen.load(), ECONNRESET);
  ASSERT_TRUE(worker.Quiet());
  EXPECT_EQ(worker.Closed(CloseReason::kClientReset), 1u);
}

TEST(RelayTest, ABackendsResetReachesTheClientAfterWhatItSent) {
  FakeBackend backend([&](UniqueFd client) {
    Read(client.get(), 1);
    SendAll(client.get(), "half an answer");
    Reset(std::move(client));
  });
  TestWorker worker;
  worker.AddBackend("a", backend.address());
  worker.Apply();
  for (int i = 0; i < 50; ++i) {
    UniqueFd client = Dial(worker.address());
    SendAll(client.get(), "x");
    const ReadResult answer = Read(client.get());
    EXPECT_EQ(answer.error, ECONNRESET);
    EXPECT_EQ(answer.data, "half an answer");
  }
  ASSERT_TRUE(worker.Quiet());
  EXPECT_EQ(worker.Closed(CloseReason::kBackendReset), 50u);
}

// A server that refuses an upload: it answers and closes while more is on its way, so its kernel
// resets the connection after the answer, and the worker may meet the reset by writing.
TEST(RelayTest, AnEarlyAnswerReachesAClientThatIsStillSending) {
  FakeBackend backend([&](UniqueFd client) {
    Read(client.get(), 1);
    SendAll(client.get(), "413");
  });
  TestWorker worker;
  worker.AddBackend("a", backend.address());
  worker.Apply();
  const std::string upload = Pattern(1 << 20, 3);
  for (int i = 0; i < 200; ++i) {
    UniqueFd client = Dial(worker.address());
    SendAll(client.get(), upload);  // May break: it is answered early.
    EXPECT_EQ(Read(client.get()).data, "413") << "round " << i;
  }
}

TEST(RelayTest, AResetAfterAFinIsStillAReset) {
  FakeBackend backend([](UniqueFd client) {
    Read(client.get());  // The client's FIN.
    Reset(std::move(client));
  });
  TestWorker worker;
  worker.AddBackend("a", backend.address());
  worker.Apply();
  UniqueFd client = Dial(worker.address());
  SendFin(client.get());
  EXPECT_EQ(Read(client.get()).error, ECONNRESET);
}

TEST(RelayTest, UnixSocketBackends) {
  // TEST_TMPDIR may be longer than the address of a unix socket.
  char folder[] = "/tmp/lb-relay-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/backend.sock";
  FakeBackend backend(Echo, "unix:" + path);
  TestWorker worker;
  worker.AddBackend("a", Endpoint::Parse("unix:" + path).value());
  worker.Apply();
  for (const size_t size : {size_t{1}, size_t{100'000}, size_t{4} << 20}) {
    const std::string data = Pattern(size, size);
    EXPECT_TRUE(Exchange(worker.address(), data).data == data) << size;
  }
  EXPECT_EQ(unlink(path.c_str()), 0);
  EXPECT_EQ(rmdir(folder), 0);
}

TEST(RelayTest, Ipv6OnBothSides) {
  FakeBackend backend(Echo, "[::1]:0");
  TestWorker worker;
  worker.rule().set_listen("[::1]:0");
  worker.AddBackend("a", backend.address());
  worker.Apply();
  EXPECT_TRUE(worker.address().IsIpv6());
  const std::string data = Pattern(100'000, 1);
  EXPECT_TRUE(Exchange(worker.address(), data).data == data);
}

// recv(2) stops before an urgent byte; what follows it must not wait for more.
TEST(RelayTest, UrgentBytesStallNothing) {
  FakeBackend backend(Echo);
  TestWorker worker;
  worker.AddBackend("a", backend.address());
  worker.Apply();
  for (int i = 0; i < 50; ++i) {
    UniqueFd client = Dial(worker.address());
    ASSERT_TRUE(SendAll(client.get(), "before"));
    ASSERT_EQ(send(client.get(), "!", 1, MSG_OOB), 1);
    ASSERT_TRUE(SendAll(client.get(), "after"));
    EXPECT_EQ(Read(client.get(), 11).data, "beforeafter");
  }
}

TEST(RelayTest, ManySmallMessagesPingPong) {
  FakeBackend backend(Echo);
  TestWorker worker;
  worker.AddBackend("a", backend.address());
  worker.Apply();
  UniqueFd client = Dial(worker.address());
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(SendAll(client.get(), "p"));
    ASSERT_EQ(Read(client.get(), 1).data, "p");
  }
}

// Goal: a client that does not read holds a bounded amount, and the backend is stopped by that.
// Method: the backend sends until it blocks; what it could send is bounded by the socket buffers,
// however long it goes on; then the client reads and gets all.
TEST(RelayTest, ASlowReaderStopsTheSender) {
  constexpr size_t kTotal = 64u << 20;
  std::atomic<size_t> sent{0};
  FakeBackend backend([&](UniqueFd client) {
    const std::string chunk = Pattern(64 * 1024, 1);
    while (sent.load() < kTotal && SendAll(client.get(), chunk)) sent.fetch_add(chunk.size());
  });
  TestWorker worker;
  worker.AddBackend("a", backend.address());
  worker.Apply();
  UniqueFd client = Dial(worker.address());
  // Standing still means: the worker's counter and the backend's both stopped growing.
  size_t before = 0;
  int still = 0;
  ASSERT_TRUE(Eventually([&] {
    const size_t now = sent.load() + worker.Sum("a", &BackendCounters::received_bytes);
    still = now == before && now > 0 ? still + 1 : 0;
    before = now;
    return still > 200;
  }));
  EXPECT_LT(sent.load(), kTotal);
  // Read from the backend, but not sent yet: what one connection may keep.
  const uint64_t kept =
      worker.Sum("a", &BackendCounters::received_bytes) - worker.Sum(&RuleCounters::sent_bytes);
  EXPECT_LE(kept, kSpliceBytes);
  size_t received = 0;
  while (received < kTotal) {
    const size_t got = Read(client.get(), 1 << 20).data.size();
    if (got == 0) break;
    received += got;
  }
  EXPECT_EQ(received, kTotal);
}

// Goal: whatever the mix of sizes, chunks and directions, what arrives is what was sent. Method: a
// backend that answers with its own stream while reading; both ends compare.
TEST(RelayTest, BothDirectionsAtOnceStayWhole) {
  constexpr uint64_t kClients = 24;
  FakeBackend backend([](UniqueFd client) {
    const uint64_t seed = static_cast<uint8_t>(Read(client.get(), 1).data.at(0));
    const size_t size = (Prng(seed).Next() >> 3) % (2u << 20);
    std::thread sender([&] {
      SendAll(client.get(), Pattern(size, seed + 1000));
      SendFin(client.get());
    });
    EXPECT_TRUE(Read(client.get()).data == Pattern(size, seed));
    sender.join();
  });
  TestWorker worker;
  worker.AddBackend("a", backend.address());
  worker.Apply();
  std::vector<std::thread> clients;
  for (uint64_t seed = 0; seed < kClients; ++seed) {
    clients.emplace_back([&, seed] {
      const size_t size = (Prng(seed).Next() >> 3) % (2u << 20);
      const ReadResult answer =
          Exchange(worker.address(), std::string(1, static_cast<char>(seed)) + Pattern(size, seed));
      EXPECT_EQ(answer.error, 0);
      EXPECT_TRUE(answer.data == Pattern(size, seed + 1000));
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_TRUE(worker.Quiet());
}

}  // namespace
}  // namespace lb::dataplane
