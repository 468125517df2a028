#include "dataplane/limit/client_limits.h"

#include <algorithm>

namespace lb::dataplane {
namespace {

// A part like 1/49 times 49 may be a little below 1.
constexpr double kRounding = 1e-6;

}  // namespace

std::shared_ptr<ClientConnections> ClientLimits::FindOrMake(const std::string& rule, uint64_t max,
                                                            ByRule& wanted) const {
  if (max == 0) return nullptr;
  const auto slots = static_cast<uint32_t>(std::min<uint64_t>(max, UINT32_MAX));
  const auto found = in_force_.find(rule);
  auto connections = found != in_force_.end() ? found->second.connections
                                              : std::make_shared<ClientConnections>(CapOf(slots));
  wanted[rule] = {connections, slots};
  return connections;
}

void ClientLimits::Commit(ByRule wanted) {
  in_force_ = std::move(wanted);
  Apply();
}

void ClientLimits::SetPart(double ratio) {
  part_ratio_ = ratio;
  Apply();
}

void ClientLimits::SetGrant(const std::string& rule, ClientPrefix client,
                            const ClientConnections::Grant& grant) {
  const auto found = in_force_.find(rule);
  if (found != in_force_.end()) found->second.connections->SetGrant(client, grant);
}

void ClientLimits::StreamBegan() {
  has_stream_ = true;
  Apply();
  for (const auto& [rule, limit] : in_force_) limit.connections->TellAll();
}

void ClientLimits::StreamEnded() {
  has_stream_ = false;
  Apply();
}

std::vector<std::pair<std::string, ClientConnections::Use>> ClientLimits::TakeNews(size_t most) {
  std::vector<std::pair<std::string, ClientConnections::Use>> news;
  for (const auto& [rule, limit] : in_force_)
    for (const auto& use : limit.connections->TakeNews(most - news.size()))
      news.emplace_back(rule, use);
  return news;
}

void ClientLimits::Step(Instant now) {
  for (const auto& [rule, limit] : in_force_) limit.connections->EndGrants(now);
}

ClientConnections::Cap ClientLimits::CapOf(uint32_t max) const {
  const auto part = static_cast<uint32_t>(max * part_ratio_ + kRounding);
  const uint32_t quiet = std::max(1u, part);
  return {max, quiet, has_stream_ && part_ratio_ < 1 ? (quiet + 1) / 2 : 0};
}

void ClientLimits::Apply() {
  for (const auto& [rule, limit] : in_force_) limit.connections->SetCap(CapOf(limit.max));
}

}  // namespace lb::dataplane
