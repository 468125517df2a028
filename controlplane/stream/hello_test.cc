#include "controlplane/stream/hello.h"

#include <functional>

#include "controlplane/snapshot/versions.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using worker::v1::Hello;

Hello Good() {
  Hello hello;
  hello.mutable_worker()->set_id("worker-1");
  hello.mutable_worker()->set_incarnation("a.B_9");
  hello.mutable_worker()->set_version("0.1.0");
  hello.mutable_worker()->set_pid(1);
  hello.set_protocol_min(kProtocol);
  hello.set_protocol_max(kProtocol + 1);
  hello.mutable_running()->set_epoch(Versions::kEpochMax);
  hello.mutable_running()->set_digest(std::string(32, 'd'));
  hello.add_slots()->set_rule("web");  // Of the rule itself: no backend.
  return hello;
}

TEST(HelloTest, AGoodOneIsTakenWithAndWithoutARunningVersion) {
  Hello hello = Good();
  EXPECT_TRUE(CheckHello(hello).ok()) << CheckHello(hello);
  hello.clear_running();
  hello.mutable_worker()->set_id(std::string(kMaxIdBytes, 'x'));
  EXPECT_TRUE(CheckHello(hello).ok()) << CheckHello(hello);
}

TEST(HelloTest, ABadOneIsRefusedWithTheNameOfItsField) {
  const struct {
    const char* field;
    std::function<void(Hello&)> spoil;
  } kCases[] = {
      {"worker.id", [](Hello& h) { h.mutable_worker()->set_id(""); }},
      {"worker.id", [](Hello& h) { h.mutable_worker()->set_id("../etc"); }},
      {"worker.id", [](Hello& h) { h.mutable_worker()->set_id("a@b"); }},
      {"worker.id",
       [](Hello& h) { h.mutable_worker()->set_id(std::string(kMaxIdBytes + 1, 'x')); }},
      {"worker.incarnation", [](Hello& h) { h.mutable_worker()->set_incarnation("a\nb"); }},
      {"worker.version",
       [](Hello& h) { h.mutable_worker()->set_version(std::string(kMaxVersionBytes + 1, '1')); }},
      {"running.epoch", [](Hello& h) { h.mutable_running()->set_epoch(Versions::kEpochMax + 1); }},
      {"running.digest", [](Hello& h) { h.mutable_running()->set_digest("short"); }},
      {"slots",
       [](Hello& h) {
         for (int i = 0; i <= kMaxHelloSlots; ++i) h.add_slots();
       }},
  };
  for (const auto& c : kCases) {
    Hello hello = Good();
    c.spoil(hello);
    const absl::Status status = CheckHello(hello);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << c.field << ": " << status;
    EXPECT_EQ(status.message().find(c.field), 0u) << status;
  }
}

TEST(HelloTest, ProtocolsWithoutACommonOneAreRefused) {
  Hello newer = Good();
  newer.set_protocol_min(kProtocol + 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckHello(newer)));
  Hello older = Good();
  older.set_protocol_min(0);
  older.set_protocol_max(kProtocol - 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckHello(older)));
}

}  // namespace
}  // namespace lb::controlplane
