#include "controlplane/stream/health_messages.h"

namespace lb::controlplane {
namespace {

std::vector<worker::v1::ConnectResponse> Split(const BackendStates& states) {
  std::vector<worker::v1::ConnectResponse> out;
  size_t bytes = kHealthPartBytes;
  for (const auto& [key, state] : states) {
    if (bytes >= kHealthPartBytes) {
      out.emplace_back().mutable_health();
      bytes = 0;
    }
    worker::v1::HealthEntry& entry = *out.back().mutable_health()->add_entries();
    entry.set_rule(key.rule);
    entry.set_backend(key.backend);
    entry.set_state(state);
    bytes += entry.ByteSizeLong();
  }
  return out;
}

}  // namespace

std::vector<worker::v1::ConnectResponse> CompleteHealth(const BackendStates& states) {
  std::vector<worker::v1::ConnectResponse> out = Split(states);
  if (out.empty()) out.emplace_back().mutable_health();
  for (worker::v1::ConnectResponse& part : out) {
    part.mutable_health()->set_complete(true);
    part.mutable_health()->set_more(&part != &out.back());
  }
  return out;
}

std::vector<worker::v1::ConnectResponse> HealthChanges(const BackendStates& states) {
  return Split(states);
}

}  // namespace lb::controlplane
