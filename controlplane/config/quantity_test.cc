#include "controlplane/config/quantity.h"

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using Result = Quantity::Result;

uint64_t Good(ValueType type, std::string_view text) {
  const Quantity quantity = ReadQuantity(type, BareNumber::kRefused, text);
  EXPECT_EQ(quantity.result, Result::kGood) << text;
  return quantity.number;
}

Result Bad(ValueType type, std::string_view text) {
  return ReadQuantity(type, BareNumber::kRefused, text).result;
}

TEST(QuantityTest, EveryUnitCountsAsItSays) {
  EXPECT_EQ(Good(ValueType::kDuration, "250ms"), 250u);
  EXPECT_EQ(Good(ValueType::kDuration, "5s"), 5'000u);
  EXPECT_EQ(Good(ValueType::kDuration, "10m"), 600'000u);
  EXPECT_EQ(Good(ValueType::kDuration, "1h"), 3'600'000u);
  EXPECT_EQ(Good(ValueType::kSize, "7B"), 7u);
  EXPECT_EQ(Good(ValueType::kSize, "64KB"), 64'000u);
  EXPECT_EQ(Good(ValueType::kSize, "64KiB"), 65'536u);
  EXPECT_EQ(Good(ValueType::kSize, "2GiB"), 2'147'483'648u);
  EXPECT_EQ(Good(ValueType::kEventRate, "500/s"), 500u);
  EXPECT_EQ(Good(ValueType::kByteRate, "10MB/s"), 10'000'000u);
  EXPECT_EQ(Good(ValueType::kByteRate, "1MiB/s"), 1'048'576u);
  EXPECT_EQ(Good(ValueType::kByteRate, "100Mbit/s"), 12'500'000u);
  EXPECT_EQ(Good(ValueType::kPercent, "50%"), 50u);
  EXPECT_EQ(Good(ValueType::kRatio, "2.0"), 2'000u);
  EXPECT_EQ(Good(ValueType::kRatio, "1.125"), 1'125u);
  EXPECT_EQ(Good(ValueType::kRatio, "3"), 3'000u);
  EXPECT_EQ(Good(ValueType::kCount, "007"), 7u);
}

TEST(QuantityTest, SaysWhatIsWrong) {
  EXPECT_EQ(Bad(ValueType::kDuration, "30"), Result::kNoUnit);
  EXPECT_EQ(ReadQuantity(ValueType::kDuration, BareNumber::kAccepted, "30").number, 30u);
  EXPECT_EQ(Bad(ValueType::kDuration, "1d"), Result::kUnknownUnit);
  EXPECT_EQ(Bad(ValueType::kDuration, "1.5s"), Result::kUnknownUnit);
  EXPECT_EQ(Bad(ValueType::kDuration, "1m30s"), Result::kUnknownUnit);
  EXPECT_EQ(Bad(ValueType::kDuration, "s"), Result::kNotANumber);
  EXPECT_EQ(Bad(ValueType::kDuration, ""), Result::kNotANumber);
  EXPECT_EQ(Bad(ValueType::kDuration, "+5s"), Result::kNotANumber);
  EXPECT_EQ(Bad(ValueType::kDuration, "-5s"), Result::kNegative);
  EXPECT_EQ(Bad(ValueType::kCount, "1e3"), Result::kNotANumber);
  EXPECT_EQ(Bad(ValueType::kCount, "18446744073709551616"), Result::kTooLarge);
  EXPECT_EQ(Bad(ValueType::kDuration, "18446744073709551615h"), Result::kTooLarge);
  EXPECT_EQ(Bad(ValueType::kRatio, "18446744073709551615"), Result::kTooLarge);
  EXPECT_EQ(Bad(ValueType::kRatio, "1.2345"), Result::kNotANumber);
  EXPECT_EQ(Bad(ValueType::kRatio, "1."), Result::kNotANumber);
}

TEST(QuantityTest, WhatIsWrittenReadsBackTheSame) {
  for (const ValueType type : {ValueType::kDuration, ValueType::kSize, ValueType::kEventRate,
                               ValueType::kByteRate, ValueType::kPercent, ValueType::kRatio}) {
    for (const uint64_t number : {0u, 1u, 999u, 1'000u, 1'024u, 1'120u, 1'200u, 60'000u, 61'000u,
                                  3'600'000u, 1'048'576u, 12'500'000u}) {
      const std::string text = WriteQuantity(type, number);
      EXPECT_EQ(Good(type, text), number) << text;
    }
  }
  EXPECT_EQ(WriteQuantity(ValueType::kDuration, 90'000), "90s");
  EXPECT_EQ(WriteQuantity(ValueType::kRatio, 1'050), "1.05");
  EXPECT_EQ(WriteQuantity(ValueType::kByteRate, 3'000'000), "3MB/s");
  EXPECT_EQ(WriteQuantity(ValueType::kByteRate, 1'500'000), "1500kB/s");
  EXPECT_EQ(WriteQuantity(ValueType::kByteRate, 1 << 20), "1MiB/s");
}

TEST(QuantityTest, AMeasuredRateIsRoundedAndNeverFourDigits) {
  EXPECT_EQ(WriteMeasuredRate(0), "0B/s");
  EXPECT_EQ(WriteMeasuredRate(2'940'000.4), "2.9MB/s");
  EXPECT_EQ(WriteMeasuredRate(9'960), "10kB/s");
  EXPECT_EQ(WriteMeasuredRate(999'600), "1.0MB/s");
  EXPECT_EQ(WriteMeasuredRate(12e6), "12MB/s");
}

}  // namespace
}  // namespace lb::controlplane
