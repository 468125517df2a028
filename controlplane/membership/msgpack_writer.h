// Writes msgpack as members do: the old form, in which strings and bytes are "raw", and integers as
// short as can be. Pure; threading: none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace lb::controlplane::swim {

class MsgpackWriter {
 public:
  // What is written comes behind `prefix`.
  explicit MsgpackWriter(std::string prefix = {}) : out_(std::move(prefix)) {}

  // The head of a map of `pairs` keys and values, at most 15.
  void Map(size_t pairs);
  // A string of less than 4 GiB.
  void Text(std::string_view text);
  // Bytes: a string, or nil where there are none, as Go writes a slice that was never set.
  void Bytes(std::string_view bytes);
  // The head of an array of `items`, at most 15.
  void Array(size_t items);
  void Unsigned(uint64_t number);
  void Bool(bool value);

  // All that was written; the writer is empty then.
  std::string Take() { return std::exchange(out_, {}); }

 private:
  void Byte(uint32_t byte) { out_.push_back(static_cast<char>(byte)); }
  void BigEndian(uint64_t number, int bytes);

  std::string out_;
};

}  // namespace lb::controlplane::swim
