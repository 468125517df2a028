#include "controlplane/config/suggest.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace lb::controlplane {
namespace {

constexpr size_t kMaxEdits = 2;
// Longer words are no slip of the finger; it bounds the quadratic work.
constexpr size_t kMaxWordBytes = 64;
// Shorter words begin and end too many others.
constexpr size_t kMinAkinBytes = 4;

// In small letters, without what joins words.
std::string Bare(std::string_view word) {
  std::string bare;
  for (const char c : word)
    if (c != '_' && c != '-') bare += absl::ascii_tolower(static_cast<unsigned char>(c));
  return bare;
}

bool AreAkin(const std::string& word, const std::string& known) {
  if (word.size() < kMinAkinBytes || known.size() < kMinAkinBytes) return false;
  return absl::StartsWith(known, word) || absl::EndsWith(known, word) ||
         absl::EndsWith(word, known);
}

}  // namespace

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) current[j] = std::min(current[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, current);
  }
  return last[b.size()];
}

std::string_view Nearest(std::string_view word, const std::vector<std::string_view>& known) {
  if (word.size() > kMaxWordBytes) return "";
  std::string_view best;
  size_t best_edits = kMaxEdits + 1;
  for (const std::string_view candidate : known) {
    const size_t edits = EditDistance(word, candidate);
    // Two edits make any two-letter word out of another.
    if (edits >= best_edits || 2 * edits > candidate.size()) continue;
    best = candidate;
    best_edits = edits;
  }
  return best;
}

std::string_view NearestOrAkin(std::string_view word, const std::vector<std::string_view>& known) {
  const std::string_view nearest = Nearest(word, known);
  if (!nearest.empty() || word.size() > kMaxWordBytes) return nearest;
  const std::string bare = Bare(word);
  std::string_view best;
  for (const std::string_view candidate : known)
    if (AreAkin(bare, Bare(candidate)) && (best.empty() || candidate.size() < best.size()))
      best = candidate;
  return best;
}

}  // namespace lb::controlplane
