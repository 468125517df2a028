// "Did you mean": the closest of the known words to a mistyped one. Pure; threading: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lb::cli {

// Farthest a word may be to be suggested: more is a different word.
inline constexpr size_t kSuggestDistanceMax = 2;

// Longest word that is compared, in bytes; the comparison takes time by the square of it.
inline constexpr size_t kSuggestWordBytesMax = 256;

// Returns the edits (insert, delete, replace, swap of neighbours) from `a` to `b`. Source: the
// optimal string alignment form of Damerau, "A technique for computer detection and correction of
// spelling errors", CACM 1964.
size_t EditDistance(std::string_view a, std::string_view b);

// Returns the closest candidate within kSuggestDistanceMax and less than the word's own length, the
// first of equals, or "" when there is none.
std::string Closest(std::string_view word, const std::vector<std::string>& candidates);

// Returns "did you mean 'X'?" or "".
std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates);

// Whether the message of an error, as the control plane wrote it, says "did you mean" itself.
bool SuggestsAlready(std::string_view message);

}  // namespace lb::cli
