// Bytes that both ends of a stream can compute from a connection's number and an offset, so that a
// lost, doubled, swapped or foreign byte is seen at the place where it happens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lb::testpeer {

class Pattern final {
 public:
  explicit Pattern(uint64_t connection);

  // The bytes from `offset` on: at least one, as many as are contiguous. Valid for the program's
  // life.
  std::string_view At(uint64_t offset) const;

  // True when `data` is what the stream has from `offset` on.
  bool Matches(uint64_t offset, std::string_view data) const;

 private:
  uint64_t shift_;
};

}  // namespace lb::testpeer
