// Numbers with units, as the configuration writes them. Pure functions; threading: none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/config/key_spec.h"

namespace lb::controlplane {

struct Quantity {
  enum class Result {
    kGood,
    kNotANumber,  // No digits, or something that is neither number nor unit.
    kNegative,
    kTooLarge,  // Beyond 64 bits.
    kNoUnit,    // A bare number where a unit is needed.
    kUnknownUnit,
  };
  Result result = Result::kNotANumber;
  uint64_t number = 0;  // In the unit that the type counts in, rounded down.
  bool has_unit = false;
};

// Reads "250ms", "10MB/s" and the like as a value of `type`, which is one of the numeric types.
// kCount and kBool have no units; kRatio takes a decimal point and three digits after it.
Quantity ReadQuantity(ValueType type, BareNumber bare, std::string_view text);

// Writes `number` so that ReadQuantity reads it back, in the largest unit that fits.
std::string WriteQuantity(ValueType type, uint64_t number);

// Writes a rate that was measured, in two digits or three: "0B/s", "1.5kB/s", "12MB/s".
std::string WriteMeasuredRate(double bytes_per_s);

// Examples of how a value of `type` is written: "250ms, 5s, 10m, 1h". "" when it has no unit.
std::string_view UnitExamples(ValueType type);

}  // namespace lb::controlplane
