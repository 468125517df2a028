#include "controlplane/config/quantity.h"

#include <array>
#include <iterator>
#include <span>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"

namespace lb::controlplane {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
  uint64_t divisor = 1;  // Of bits.
};

constexpr uint64_t kKilo = 1'000;
constexpr uint64_t kMega = 1'000 * kKilo;
constexpr uint64_t kGiga = 1'000 * kMega;
constexpr uint64_t kKibi = 1'024;

// Smallest first within one family: WriteQuantity takes the last that divides.
constexpr std::array kDurations = {Unit{"ms", 1}, Unit{"s", 1'000}, Unit{"m", 60'000},
                                   Unit{"h", 3'600'000}};
constexpr std::array kSizes = {Unit{"B", 1},
                               Unit{"kB", kKilo},
                               Unit{"KB", kKilo},
                               Unit{"MB", kMega},
                               Unit{"GB", kGiga},
                               Unit{"KiB", kKibi},
                               Unit{"MiB", kKibi* kKibi},
                               Unit{"GiB", kKibi* kKibi* kKibi}};
constexpr std::array kEventRates = {Unit{"/s", 1}};
constexpr std::array kByteRates = {Unit{"bit/s", 1, 8},
                                   Unit{"kbit/s", kKilo, 8},
                                   Unit{"Kbit/s", kKilo, 8},
                                   Unit{"Mbit/s", kMega, 8},
                                   Unit{"Gbit/s", kGiga, 8},
                                   Unit{"KiB/s", kKibi},
                                   Unit{"MiB/s", kKibi* kKibi},
                                   Unit{"GiB/s", kKibi* kKibi* kKibi},
                                   Unit{"B/s", 1},
                                   Unit{"kB/s", kKilo},
                                   Unit{"KB/s", kKilo},
                                   Unit{"MB/s", kMega},
                                   Unit{"GB/s", kGiga}};
constexpr std::array kPercents = {Unit{"%", 1}};

std::span<const Unit> UnitsOf(ValueType type) {
  switch (type) {
    case ValueType::kDuration:
      return kDurations;
    case ValueType::kSize:
      return kSizes;
    case ValueType::kEventRate:
      return kEventRates;
    case ValueType::kByteRate:
      return kByteRates;
    case ValueType::kPercent:
      return kPercents;
    default:
      return {};
  }
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Reads the digits `text` begins with, up to 20 of them, and removes them. False: beyond 64 bits.
bool TakeDigits(std::string_view& text, uint64_t& number) {
  number = 0;
  while (!text.empty() && IsDigit(text.front())) {
    const auto digit = static_cast<uint64_t>(text.front() - '0');
    if (__builtin_mul_overflow(number, 10u, &number) ||
        __builtin_add_overflow(number, digit, &number))
      return false;
    text.remove_prefix(1);
  }
  return true;
}

// "2", "2.5", "2.125": thousandths.
Quantity ReadRatio(std::string_view text) {
  Quantity quantity;
  uint64_t whole = 0;
  if (!TakeDigits(text, whole)) return {.result = Quantity::Result::kTooLarge};
  uint64_t thousandths = 0;
  if (!text.empty()) {
    if (text.front() != '.' || text.size() < 2 || text.size() > 4)
      return {.result = Quantity::Result::kNotANumber};
    text.remove_prefix(1);
    for (uint64_t place = 100; !text.empty(); place /= 10) {
      if (!IsDigit(text.front())) return {.result = Quantity::Result::kNotANumber};
      thousandths += place * static_cast<uint64_t>(text.front() - '0');
      text.remove_prefix(1);
    }
  }
  if (__builtin_mul_overflow(whole, 1'000u, &whole) ||
      __builtin_add_overflow(whole, thousandths, &quantity.number))
    return {.result = Quantity::Result::kTooLarge};
  quantity.result = Quantity::Result::kGood;
  return quantity;
}

Quantity WithUnit(ValueType type, uint64_t number, std::string_view unit_text) {
  for (const Unit& unit : UnitsOf(type)) {
    if (unit.name != unit_text) continue;
    if (__builtin_mul_overflow(number, unit.factor, &number))
      return {.result = Quantity::Result::kTooLarge};
    return {Quantity::Result::kGood, number / unit.divisor, true};
  }
  return {.result = Quantity::Result::kUnknownUnit};
}

}  // namespace

Quantity ReadQuantity(ValueType type, BareNumber bare, std::string_view text) {
  const bool negative = text.size() > 1 && text.front() == '-' && IsDigit(text[1]);
  if (negative) return {.result = Quantity::Result::kNegative};
  if (text.empty() || !IsDigit(text.front())) return {.result = Quantity::Result::kNotANumber};
  if (type == ValueType::kRatio) return ReadRatio(text);
  uint64_t number = 0;
  if (!TakeDigits(text, number)) return {.result = Quantity::Result::kTooLarge};
  if (text.empty()) {
    const bool unit_needed = !UnitsOf(type).empty() && bare == BareNumber::kRefused;
    return {unit_needed ? Quantity::Result::kNoUnit : Quantity::Result::kGood, number, false};
  }
  if (UnitsOf(type).empty()) return {.result = Quantity::Result::kNotANumber};
  return WithUnit(type, number, text);
}

std::string WriteQuantity(ValueType type, uint64_t number) {
  if (type == ValueType::kRatio) {
    std::string text = absl::StrCat(number / 1'000, ".", number % 1'000 / 100);
    const uint64_t rest = number % 100;
    if (rest != 0) absl::StrAppend(&text, rest / 10);
    if (rest % 10 != 0) absl::StrAppend(&text, rest % 10);
    return text;
  }
  const Unit* best = nullptr;
  for (const Unit& unit : UnitsOf(type)) {
    if (unit.divisor != 1) continue;
    const bool fits = unit.factor == 1 || (number != 0 && number % unit.factor == 0);
    if (fits && (best == nullptr || unit.factor > best->factor)) best = &unit;
  }
  return best == nullptr ? absl::StrCat(number)
                         : absl::StrCat(number / best->factor,
                                        absl::string_view(best->name.data(), best->name.size()));
}

std::string WriteMeasuredRate(double bytes_per_s) {
  static constexpr const char* kUnits[] = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s"};
  if (bytes_per_s < kKilo) return absl::StrCat(static_cast<uint64_t>(bytes_per_s), kUnits[0]);
  size_t unit = 0;
  // From 999.5 on it would be written as 1000.
  for (; bytes_per_s >= 999.5 && unit + 1 < std::size(kUnits); ++unit) bytes_per_s /= kKilo;
  return bytes_per_s < 9.95 ? absl::StrFormat("%.1f%s", bytes_per_s, kUnits[unit])
                            : absl::StrFormat("%.0f%s", bytes_per_s, kUnits[unit]);
}

std::string_view UnitExamples(ValueType type) {
  switch (type) {
    case ValueType::kDuration:
      return "250ms, 5s, 10m or 1h";
    case ValueType::kSize:
      return "64KiB, 64KB or 1MiB";
    case ValueType::kEventRate:
      return "500/s";
    case ValueType::kByteRate:
      return "10MB/s, 1MiB/s or 100Mbit/s";
    case ValueType::kPercent:
      return "50%";
    default:
      return "";
  }
}

}  // namespace lb::controlplane
