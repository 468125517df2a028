#include "cli/suggest.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "cli/text.h"

namespace lb::cli {

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::string Closest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  if (word.size() > kSuggestWordBytesMax) return best;
  size_t best_distance = std::min(kSuggestDistanceMax + 1, word.size());
  for (const std::string& candidate : candidates) {
    const size_t shorter = std::min(candidate.size(), word.size());
    if (std::max(candidate.size(), word.size()) - shorter >= best_distance) continue;
    const size_t distance = EditDistance(word, candidate);
    if (distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string closest = Closest(word, candidates);
  return closest.empty() ? "" : absl::StrCat("did you mean '", Escape(closest), "'?");
}

bool SuggestsAlready(std::string_view message) {
  return message.find("did you mean '") != std::string_view::npos;
}

}  // namespace lb::cli
