#include "controlplane/budget/bandwidth_word.h"

#include <algorithm>

#include "controlplane/membership/host_channel.h"
#include "lb/host/v1/host.pb.h"

namespace lb::controlplane {
namespace {

constexpr char kKindAndVersion = static_cast<char>(HostWordKind::kBandwidth);
// More than any network of one host carries.
constexpr double kMaxBytesPerS = 1e13;
constexpr uint32_t kMaxWorkers = 65'536;

bool IsRate(double bytes_per_s) { return bytes_per_s >= 0 && bytes_per_s <= kMaxBytesPerS; }

}  // namespace

std::vector<std::string> EncodeBandwidths(const std::vector<BandwidthUse>& uses) {
  std::vector<std::string> texts;
  for (size_t begin = 0; begin < uses.size(); begin += kUsesOfBandwidthText) {
    host::v1::BandwidthWord word;
    const size_t end = std::min(begin + kUsesOfBandwidthText, uses.size());
    for (size_t i = begin; i < end; ++i) {
      host::v1::BandwidthUse& to = *word.add_uses();
      to.set_id(uses[i].id);
      to.set_upload_bytes_per_s(static_cast<float>(uses[i].upload.bytes_per_s));
      to.set_download_bytes_per_s(static_cast<float>(uses[i].download.bytes_per_s));
      to.set_upload_throttled(uses[i].upload.throttled);
      to.set_download_throttled(uses[i].download.throttled);
      to.set_connections(uses[i].connections);
      to.set_workers(uses[i].workers);
    }
    texts.push_back(kKindAndVersion + word.SerializeAsString());
  }
  return texts;
}

std::optional<std::vector<BandwidthUse>> DecodeBandwidths(std::string_view text) {
  if (text.empty() || text.front() != kKindAndVersion || text.size() > kMaxBandwidthTextBytes)
    return std::nullopt;
  host::v1::BandwidthWord word;
  if (!word.ParseFromArray(text.data() + 1, static_cast<int>(text.size() - 1))) return std::nullopt;
  if (word.uses_size() > static_cast<int>(kUsesOfBandwidthText)) return std::nullopt;
  std::vector<BandwidthUse> uses;
  for (const host::v1::BandwidthUse& told : word.uses()) {
    if (!IsRate(told.upload_bytes_per_s()) || !IsRate(told.download_bytes_per_s()) ||
        told.workers() == 0 || told.workers() > kMaxWorkers)
      return std::nullopt;
    uses.push_back({.id = told.id(),
                    .upload = {told.upload_bytes_per_s(), told.upload_throttled()},
                    .download = {told.download_bytes_per_s(), told.download_throttled()},
                    .connections = told.connections(),
                    .workers = told.workers()});
  }
  return uses;
}

}  // namespace lb::controlplane
