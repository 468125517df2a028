#include "controlplane/budget/usage_word.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace lb::controlplane {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kHeadBytes = 6;
constexpr size_t kClientBytes = 21;
constexpr uint32_t kWatermarkRule = 0;
constexpr uint64_t kWatermarkPrefix = ~uint64_t{0};
constexpr double kRatioUnit = 65'535;
// Steps of a logarithm with base 2: 32 of them fit into 16 bits.
constexpr double kLogStep = 2'047;

class Writer {
 public:
  void Number(uint64_t number, int bytes) {
    for (int i = bytes - 1; i >= 0; --i)
      out_.push_back(static_cast<char>(number >> (8 * i) & 0xff));
  }
  void Rate(double rate) {
    const double log = std::log2(1 + std::clamp(rate, 0.0, kMaxUsageRate));
    Number(static_cast<uint64_t>(std::lround(log * kLogStep)), 2);
  }
  void Client(const UsageWord::Client& client) {
    Number(client.rule, 4);
    Number(client.prefix, 8);
    Rate(client.demand_per_s);
    Rate(client.slow_demand_per_s);
    Number(client.used, 4);
    Number(client.young ? 1 : 0, 1);
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  // There are so many.
  uint64_t Number(size_t bytes) {
    uint64_t number = 0;
    for (const char byte : rest_.substr(0, bytes))
      number = number << 8 | static_cast<uint8_t>(byte);
    rest_.remove_prefix(bytes);
    return number;
  }
  double Rate() { return std::exp2(static_cast<double>(Number(2)) / kLogStep) - 1; }

 private:
  std::string_view rest_;
};

}  // namespace

std::string EncodeUsage(const UsageWord& word) {
  const bool left_out = word.watermark_ratio > 0;
  const size_t entries = word.clients.size() + (left_out ? 1 : 0);
  LB_CHECK(entries <= kMaxUsageClients);
  Writer out;
  out.Number(kVersion, 1);
  out.Number(static_cast<uint64_t>(std::clamp(word.told.serving, 0.0, kRatioUnit)), 2);
  out.Number(static_cast<uint64_t>(std::clamp(word.told.kept_ratio, 0.0, 1.0) * kRatioUnit), 2);
  out.Number(entries, 1);
  for (const UsageWord::Client& client : word.clients) out.Client(client);
  if (left_out) out.Client({kWatermarkRule, kWatermarkPrefix, word.watermark_ratio, 0, 0, false});
  return out.Take();
}

std::optional<UsageWord> DecodeUsage(std::string_view bytes) {
  if (bytes.size() < kHeadBytes || static_cast<uint8_t>(bytes[0]) != kVersion) return std::nullopt;
  Reader in(bytes.substr(1));
  UsageWord word;
  word.told.serving = static_cast<double>(in.Number(2));
  word.told.kept_ratio = static_cast<double>(in.Number(2)) / kRatioUnit;
  const uint64_t clients = in.Number(1);
  if (clients > kMaxUsageClients || bytes.size() != kHeadBytes + clients * kClientBytes)
    return std::nullopt;
  for (uint64_t i = 0; i < clients; ++i) {
    UsageWord::Client client;
    client.rule = static_cast<uint32_t>(in.Number(4));
    client.prefix = in.Number(8);
    client.demand_per_s = in.Rate();
    client.slow_demand_per_s = in.Rate();
    client.used = static_cast<uint32_t>(in.Number(4));
    client.young = in.Number(1) != 0;
    if (client.rule == kWatermarkRule && client.prefix == kWatermarkPrefix)
      word.watermark_ratio = client.demand_per_s;
    else
      word.clients.push_back(client);
  }
  return word;
}

}  // namespace lb::controlplane
