#include "dataplane/control/ticket_lane.h"

#include <openssl/mem.h>

#include <string>
#include <utility>
#include <vector>

namespace lb::dataplane {

absl::Status TakeTicketKeys(const lb::worker::v1::TicketKeys& message, tls::TicketKeys& keys) {
  std::vector<std::pair<std::string, std::string>> taken;
  for (const auto& key : message.keys()) taken.emplace_back(key.name(), key.secret());
  const absl::Status status = keys.Set(taken);
  for (auto& [name, secret] : taken) OPENSSL_cleanse(secret.data(), secret.size());
  return status;
}

}  // namespace lb::dataplane
