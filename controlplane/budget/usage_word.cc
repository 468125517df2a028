#include "controlplane/budget/usage_word.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace lb::controlplane {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kHeadBytes = 6;
constexpr size_t kClientBytes = 21;
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
  LB_CHECK(word.clients.size() <= kMaxUsageClients);
  Writer out;
  out.Number(kVersion, 1);
  out.Number(static_cast<uint64_t>(std::clamp(word.told.serving, 0.0, kRatioUnit)), 2);
  out.Number(static_cast<uint64_t>(std::clamp(word.told.kept_ratio, 0.0, 1.0) * kRatioUnit), 2);
  out.Number(word.clients.size(), 1);
  for (const UsageWord::Client& client : word.clients) {
    out.Number(client.rule, 4);
    out.Number(client.prefix, 8);
    out.Rate(client.demand_per_s);
    out.Rate(client.slow_demand_per_s);
    out.Number(client.used, 4);
    out.Number(client.young ? 1 : 0, 1);
  }
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
    UsageWord::Client& client = word.clients.emplace_back();
    client.rule = static_cast<uint32_t>(in.Number(4));
    client.prefix = in.Number(8);
    client.demand_per_s = in.Rate();
    client.slow_demand_per_s = in.Rate();
    client.used = static_cast<uint32_t>(in.Number(4));
    client.young = in.Number(1) != 0;
  }
  return word;
}

}  // namespace lb::controlplane
