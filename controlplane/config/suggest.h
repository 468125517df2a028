// "Did you mean": the known word nearest to one that is not known. Pure; threading: none.
#pragma once

#include <string_view>
#include <vector>

namespace lb::controlplane {

// The optimal string alignment form of Damerau-Levenshtein: insertions, deletions, replacements and
// swaps of neighbours, in bytes. Quadratic in the lengths.
size_t EditDistance(std::string_view a, std::string_view b);

// Returns the first of the nearest `known` words that is at most two edits from `word` and has not
// mostly been replaced; "" when none is.
std::string_view Nearest(std::string_view word, const std::vector<std::string_view>& known);

// Likewise; when none is near, the first of the shortest that have most in common with it: that
// begin with it or end it or are ended by it, '_' and '-' left out ("leastconn" and
// "least_connections", "round_robin" and "weighted_round_robin"). "" when none is akin.
std::string_view NearestOrAkin(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace lb::controlplane
