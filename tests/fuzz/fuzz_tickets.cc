// What a host says of ticket keys, of any bytes: DecodeTickets decides within its bounds, what was
// read can be written again, and a host that takes it has no more keys than it may.

#include <string>
#include <string_view>

#include "base/check.h"
#include "controlplane/tls/shared_tickets.h"
#include "controlplane/tls/ticket_word.h"

using lb::controlplane::DecodeTickets;
using lb::controlplane::EncodeTickets;
using lb::controlplane::SharedTickets;
using lb::controlplane::TicketRing;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const lb::Instant now(std::chrono::hours(1'000));
  SharedTickets tickets(std::string(TicketRing::kSeedBytes, 's'), now);
  tickets.SetPlace(true, "a", now);
  tickets.SetHosts({{"b", 1}}, now);
  const auto keys = DecodeTickets(bytes, now);
  LB_CHECK(tickets.Receive("b", bytes, now) == keys.has_value());
  tickets.Step(now);
  LB_CHECK(tickets.size() <= TicketRing::kMaxKeys && tickets.NextDeadline() >= now);
  if (!keys) return 0;
  LB_CHECK(tickets.sealer() != nullptr);
  const auto again = DecodeTickets(EncodeTickets(*keys, now), now);
  LB_CHECK(again && again->size() == keys->size());
  return 0;
}
