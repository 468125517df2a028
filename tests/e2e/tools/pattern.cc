#include "tests/e2e/tools/pattern.h"

#include <algorithm>

#include "base/prng.h"

namespace lb::testpeer {
namespace {

// A prime, so that the pattern's period meets no buffer size: a block sent twice never fits.
constexpr uint64_t kPeriodBytes = 65'521;

const std::string& Table() {
  static const std::string table = [] {
    Prng prng(/*seed=*/1);
    std::string bytes(kPeriodBytes, '\0');
    for (char& byte : bytes) byte = static_cast<char>(prng.Below(256));
    // The server takes a first 'G' for a request; see server.h.
    std::replace(bytes.begin(), bytes.end(), 'G', 'g');
    return bytes;
  }();
  return table;
}

}  // namespace

Pattern::Pattern(uint64_t connection) : shift_(Prng(connection).Below(kPeriodBytes)) {}

std::string_view Pattern::At(uint64_t offset) const {
  return std::string_view(Table()).substr((offset + shift_) % kPeriodBytes);
}

bool Pattern::Matches(uint64_t offset, std::string_view data) const {
  while (!data.empty()) {
    const std::string_view expected = At(offset).substr(0, data.size());
    if (data.substr(0, expected.size()) != expected) return false;
    data.remove_prefix(expected.size());
    offset += expected.size();
  }
  return true;
}

}  // namespace lb::testpeer
