// One end of TLS against another one, in memory: what it keeps, and how it tells ends apart.
#include "dataplane/tls/record_stream.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "base/check.h"
#include "base/test_authority.h"
#include "gtest/gtest.h"

namespace lb::dataplane::tls {
namespace {

using Step = RecordStream::Step;

// A server end under test and a plain BoringSSL client.
class RecordStreamTest : public ::testing::TestWithParam<uint16_t> {
 protected:
  RecordStreamTest() {
    SSL_CTX_set_min_proto_version(client_context_.get(), GetParam());
    SSL_CTX_set_max_proto_version(client_context_.get(), GetParam());
    client_.reset(SSL_new(client_context_.get()));
    SSL_set_connect_state(client_.get());
    SSL_set_bio(client_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    bssl::UniquePtr<SSL> server(SSL_new(server_context_.get()));
    SSL_set_accept_state(server.get());
    stream_.Begin(std::move(server));
  }

  // What the client wants to send.
  std::string FromClient() {
    const uint8_t* data = nullptr;
    size_t size = 0;
    BIO* const bio = SSL_get_wbio(client_.get());
    LB_CHECK(BIO_mem_contents(bio, &data, &size) == 1);
    std::string bytes(reinterpret_cast<const char*>(data), size);
    LB_CHECK(BIO_reset(bio) == 1);
    return bytes;
  }

  void Receive(std::string_view bytes) {
    char* const room = stream_.Room();
    LB_CHECK(bytes.size() <= stream_.RoomBytes());
    std::memcpy(room, bytes.data(), bytes.size());
    stream_.Received(bytes.size());
  }

  // Hands the client what the stream wants to send.
  void Deliver() {
    const std::string_view unsent = stream_.Unsent();
    BIO_write(SSL_get_rbio(client_.get()), unsent.data(), static_cast<int>(unsent.size()));
    stream_.Sent(unsent.size());
  }

  void Handshake() {
    Step step = Step::kWaiting;
    for (int i = 0; i < 4 && step == Step::kWaiting; ++i) {
      SSL_do_handshake(client_.get());
      const RecordStream::Turn turn(&stream_);
      Receive(FromClient());
      step = stream_.Handshake();
      Deliver();
    }
    LB_CHECK(step == Step::kDone);
    LB_CHECK(SSL_do_handshake(client_.get()) == 1);
    ExpectClientReads("");  // Tickets.
  }

  void ClientSends(const std::string& data) {
    LB_CHECK(SSL_write(client_.get(), data.data(), static_cast<int>(data.size())) ==
             static_cast<int>(data.size()));
  }

  void ExpectClientReads(const std::string& wanted) {
    std::string data(wanted.size() + 1, '\0');
    size_t size = 0;
    for (;;) {
      const int got =
          SSL_read(client_.get(), data.data() + size, static_cast<int>(data.size() - size));
      if (got <= 0) break;
      size += static_cast<size_t>(got);
    }
    data.resize(size);
    EXPECT_EQ(data, wanted);
  }

  std::string ReadAll(Step& last) {
    std::string all;
    std::string plain(kPlainBytes, '\0');
    for (;;) {
      const RecordStream::Opened opened = stream_.Read(plain.data(), plain.size());
      all.append(plain, 0, opened.bytes);
      last = opened.step;
      if (last != Step::kDone) return all;
    }
  }

  const TestAuthority authority_{"ca"};
  const bssl::UniquePtr<SSL_CTX> server_context_ =
      ServerContextOf(authority_.Issue({.name = "a.example"}));
  const bssl::UniquePtr<SSL_CTX> client_context_ = ClientContextOf(nullptr);
  bssl::UniquePtr<SSL> client_;
  RecordBuffers buffers_;
  RecordStream stream_{buffers_};
};

INSTANTIATE_TEST_SUITE_P(Versions, RecordStreamTest,
                         ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST_P(RecordStreamTest, PassesBytesBothWays) {
  Handshake();
  ClientSends("ping");
  {
    const RecordStream::Turn turn(&stream_);
    Receive(FromClient());
    Step step;
    EXPECT_EQ(ReadAll(step), "ping");
    EXPECT_EQ(step, Step::kWaiting);
    ASSERT_TRUE(stream_.Write("pong"));
    Deliver();
  }
  ExpectClientReads("pong");
}

TEST_P(RecordStreamTest, ManyRecordsOfOneReceiveAreOpenedAtOnce) {
  Handshake();
  std::string sent;
  for (int i = 0; i < 600; ++i) {
    ClientSends(std::string(1, static_cast<char>('a' + i % 26)));
    sent += static_cast<char>('a' + i % 26);
  }
  const RecordStream::Turn turn(&stream_);
  Receive(FromClient());
  Step step;
  EXPECT_EQ(ReadAll(step), sent);
}

// Goal: nothing is lost at any cut between two receives, and nothing is held once all is read.
TEST_P(RecordStreamTest, ARecordInPiecesIsKeptUntilItIsWhole) {
  Handshake();
  const std::string sent(5000, 'x');
  ClientSends(sent);
  const std::string record = FromClient();
  for (size_t i = 0; i < record.size(); ++i) {
    const RecordStream::Turn turn(&stream_);
    EXPECT_FALSE(stream_.HasRecord());
    Receive(record.substr(i, 1));
    Step step;
    const std::string data = ReadAll(step);
    EXPECT_EQ(data, i + 1 < record.size() ? "" : sent);
    EXPECT_EQ(step, Step::kWaiting);
  }
}

TEST_P(RecordStreamTest, WhatIsNotReadInOneTurnIsThereInTheNext) {
  Handshake();
  ClientSends(std::string(3000, '1'));
  ClientSends(std::string(3000, '2'));
  std::string plain(1000, '\0');
  std::string all;
  for (int i = 0; i < 6; ++i) {
    const RecordStream::Turn turn(&stream_);
    if (i == 0)
      Receive(FromClient());
    else
      EXPECT_TRUE(stream_.HasRecord());
    const RecordStream::Opened opened = stream_.Read(plain.data(), plain.size());
    all.append(plain, 0, opened.bytes);
  }
  EXPECT_EQ(all, std::string(3000, '1') + std::string(3000, '2'));
  EXPECT_FALSE(stream_.HasRecord());
}

TEST_P(RecordStreamTest, WhatIsNotSentIsKeptInOrder) {
  Handshake();
  const std::string first(20'000, 'f');
  {
    const RecordStream::Turn turn(&stream_);
    ASSERT_TRUE(stream_.Write(first));
    const std::string part(stream_.Unsent().substr(0, 7));
    BIO_write(SSL_get_rbio(client_.get()), part.data(), 7);
    stream_.Sent(7);
  }
  {
    const RecordStream::Turn turn(&stream_);
    ASSERT_TRUE(stream_.Write("last"));
    Deliver();
  }
  EXPECT_TRUE(stream_.Unsent().empty());
  ExpectClientReads(first + "last");
}

TEST_P(RecordStreamTest, CloseNotifyIsAnEnd) {
  Handshake();
  ClientSends("bye");
  SSL_shutdown(client_.get());
  const RecordStream::Turn turn(&stream_);
  Receive(FromClient());
  stream_.ReceivedEnd();
  Step step;
  EXPECT_EQ(ReadAll(step), "bye");
  EXPECT_EQ(step, Step::kEnded);
}

TEST_P(RecordStreamTest, AnEndWithoutCloseNotifyIsATruncation) {
  Handshake();
  ClientSends("by");
  ClientSends("e");
  std::string bytes = FromClient();
  bytes.pop_back();
  const RecordStream::Turn turn(&stream_);
  Receive(bytes);
  stream_.ReceivedEnd();
  Step step;
  EXPECT_EQ(ReadAll(step), "by");
  EXPECT_EQ(step, Step::kTruncated);
}

TEST_P(RecordStreamTest, CloseTellsThePeerOnceAndNothingFollowsIt) {
  Handshake();
  {
    const RecordStream::Turn turn(&stream_);
    ASSERT_TRUE(stream_.Write("all"));
    stream_.Close();
    stream_.Close();
    Deliver();
  }
  ExpectClientReads("all");
  EXPECT_EQ(SSL_get_shutdown(client_.get()), SSL_RECEIVED_SHUTDOWN);
  // The other direction goes on.
  ClientSends("more");
  const RecordStream::Turn turn(&stream_);
  Receive(FromClient());
  Step step;
  EXPECT_EQ(ReadAll(step), "more");
  EXPECT_TRUE(stream_.Unsent().empty());
}

TEST_P(RecordStreamTest, ARecordThatWasChangedOnTheWayFailsTheStream) {
  Handshake();
  ClientSends("data");
  std::string record = FromClient();
  record.back() = static_cast<char>(record.back() ^ 1);
  const RecordStream::Turn turn(&stream_);
  Receive(record);
  Step step;
  EXPECT_EQ(ReadAll(step), "");
  EXPECT_EQ(step, Step::kFailed);
  EXPECT_TRUE(stream_.failed());
  EXPECT_FALSE(stream_.Unsent().empty());  // The alert.
}

TEST_P(RecordStreamTest, WhatIsNoTlsIsRefusedAtOnce) {
  for (const std::string& garbage : {std::string("GET / HTTP/1.1\r\n\r\n"),
                                     std::string("\x16\x02\x01\x7f\xff"
                                                 "abc",
                                                 8),
                                     std::string("\x16\x03\x01\xff\xff"
                                                 "abc",
                                                 8),
                                     std::string("SSH-2.0-x\r\n")}) {
    RecordStream stream(buffers_);
    const RecordStream::Turn turn(&stream);
    std::memcpy(stream.Room(), garbage.data(), garbage.size());
    stream.Received(garbage.size());
    EXPECT_TRUE(stream.HasRecord());
    bssl::UniquePtr<SSL> server(SSL_new(server_context_.get()));
    SSL_set_accept_state(server.get());
    stream.Begin(std::move(server));
    EXPECT_EQ(stream.Handshake(), Step::kFailed) << garbage;
  }
}

TEST_P(RecordStreamTest, RawBytesGoOutFirst) {
  RecordStream stream(buffers_);
  bssl::UniquePtr<SSL> ssl(SSL_new(client_context_.get()));
  SSL_set_connect_state(ssl.get());
  stream.Begin(std::move(ssl));
  const RecordStream::Turn turn(&stream);
  stream.WriteRaw("PROXY UNKNOWN\r\n");
  EXPECT_EQ(stream.Handshake(), Step::kWaiting);
  EXPECT_EQ(stream.Unsent().substr(0, 16), "PROXY UNKNOWN\r\n\x16");
}

// A peer may ask for new keys whenever it likes; it gets them with what is sent next.
TEST(RecordStreamKeyTest, NewKeysAreTakenAndAnswered) {
  const TestAuthority authority("ca");
  const auto server_context = ServerContextOf(authority.Issue({.name = "a.example"}));
  const auto client_context = ClientContextOf(nullptr);
  RecordBuffers server_buffers;
  RecordBuffers client_buffers;
  RecordStream server(server_buffers);
  RecordStream client(client_buffers);
  server.Begin(bssl::UniquePtr<SSL>(SSL_new(server_context.get())));
  SSL_set_accept_state(server.ssl());
  client.Begin(bssl::UniquePtr<SSL>(SSL_new(client_context.get())));
  SSL_set_connect_state(client.ssl());
  const RecordStream::Turn server_turn(&server);
  const RecordStream::Turn client_turn(&client);
  const auto carry = [](RecordStream& from, RecordStream& to) {
    const std::string bytes(from.Unsent());
    from.Sent(bytes.size());
    std::memcpy(to.Room(), bytes.data(), bytes.size());
    to.Received(bytes.size());
  };
  for (int i = 0; i < 3; ++i) {
    client.Handshake();
    carry(client, server);
    server.Handshake();
    carry(server, client);
  }
  std::string plain(100, '\0');
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    ASSERT_TRUE(client.Write("question"));
    carry(client, server);
    ASSERT_EQ(server.Read(plain.data(), plain.size()).bytes, 8u);
    ASSERT_TRUE(server.Write("answer"));
    carry(server, client);
    ASSERT_EQ(client.Read(plain.data(), plain.size()).bytes, 6u);
  }
}

}  // namespace
}  // namespace lb::dataplane::tls
