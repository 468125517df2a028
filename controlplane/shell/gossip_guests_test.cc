#include "controlplane/shell/gossip_guests.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/membership/messages.h"

namespace lb::controlplane {
namespace {

using boost::asio::ip::make_address;
using Guest = std::unique_ptr<GossipGuests::Guest>;

class GossipGuestsTest : public testing::Test {
 protected:
  // As many of one address as there may be.
  std::vector<Guest> Fill(const std::string& address) {
    std::vector<Guest> guests;
    while (Guest guest = guests_->Admit(make_address(address))) guests.push_back(std::move(guest));
    return guests;
  }

  const std::shared_ptr<GossipGuests> guests_ = std::make_shared<GossipGuests>();
};

TEST_F(GossipGuestsTest, OneAddressHasItsPartOfTheConnections) {
  std::vector<Guest> guests = Fill("192.0.2.1");
  EXPECT_EQ(guests.size(), GossipGuests::kMaxStreamsOfOne);
  EXPECT_EQ(guests_->refused(), 1u);
  EXPECT_FALSE(guests_->Admit(make_address("::ffff:192.0.2.1"))) << "the same one";
  EXPECT_TRUE(guests_->Admit(make_address("192.0.2.2")));
  guests.pop_back();
  EXPECT_TRUE(guests_->Admit(make_address("192.0.2.1")));
}

TEST_F(GossipGuestsTest, AnIpv6HostHasAWholePrefix) {
  const std::vector<Guest> guests = Fill("2001:db8::1");
  EXPECT_FALSE(guests_->Admit(make_address("2001:db8::ffff:2")));
  EXPECT_TRUE(guests_->Admit(make_address("2001:db8:0:1::1")));
}

TEST_F(GossipGuestsTest, BytesAreBoundedForOneAddressAndForAll) {
  std::vector<Guest> guests;
  size_t held = 0;
  for (int host = 1; host <= 10; ++host) {
    const auto from = make_address("192.0.2." + std::to_string(host));
    for (int i = 0; i < 3; ++i) {
      guests.push_back(guests_->Admit(from));
      if (guests.back()->Take(swim::kMaxStream)) held += swim::kMaxStream;
    }
    EXPECT_LE(held, GossipGuests::kMaxBytesOfOne * static_cast<size_t>(host));
  }
  EXPECT_EQ(held, GossipGuests::kMaxBytes);
  EXPECT_FALSE(guests.back()->Take(1));
  guests.clear();
  EXPECT_EQ(guests_->bytes(), 0u);
  EXPECT_TRUE(guests_->Admit(make_address("192.0.2.1"))->Take(swim::kMaxStream));
}

}  // namespace
}  // namespace lb::controlplane
