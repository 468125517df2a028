#include "dataplane/control/ticket_lane.h"

#include <string>
#include <utility>
#include <vector>

namespace lb::dataplane {

absl::Status TakeTicketKeys(const lb::worker::v1::TicketKeys& message, tls::TicketKeys& keys) {
  std::vector<std::pair<std::string, std::string>> taken;
  for (const auto& key : message.keys()) taken.emplace_back(key.name(), key.secret());
  return keys.Set(taken);
}

}  // namespace lb::dataplane
