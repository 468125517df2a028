#include "cli/text_diff.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

constexpr size_t kContextLines = 3;
// Beyond this many differing lines on both sides the middle is shown as replaced whole: the table
// of the longest common subsequence would take their product.
constexpr size_t kMaxTableCells = 16'000'000;

struct Line {
  char mark;  // ' ', '-' or '+'.
  std::string_view text;
};

std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

using Lines = std::vector<std::string_view>;

// The middle of both, after the common start and before the common end.
void DiffMiddle(const Lines& a, const Lines& b, std::vector<Line>& out) {
  const size_t width = b.size() + 1;
  if ((a.size() + 1) * width > kMaxTableCells) {
    for (const std::string_view line : a) out.push_back({'-', line});
    for (const std::string_view line : b) out.push_back({'+', line});
    return;
  }
  std::vector<uint32_t> common((a.size() + 1) * width, 0);
  for (size_t i = a.size(); i-- > 0;)
    for (size_t j = b.size(); j-- > 0;)
      common[i * width + j] =
          a[i] == b[j] ? common[(i + 1) * width + j + 1] + 1
                       : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      out.push_back({' ', a[i]});
      ++i;
      ++j;
    } else if (i < a.size() &&
               (j == b.size() || common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      out.push_back({'-', a[i++]});
    } else {
      out.push_back({'+', b[j++]});
    }
  }
}

std::vector<Line> Diff(const Lines& a, const Lines& b) {
  size_t start = 0;
  while (start < std::min(a.size(), b.size()) && a[start] == b[start]) ++start;
  size_t end = 0;
  while (end < std::min(a.size(), b.size()) - start &&
         a[a.size() - 1 - end] == b[b.size() - 1 - end])
    ++end;
  std::vector<Line> out;
  for (size_t i = 0; i < start; ++i) out.push_back({' ', a[i]});
  const auto middle = [&](const Lines& all) {
    return Lines(all.begin() + static_cast<std::ptrdiff_t>(start),
                 all.end() - static_cast<std::ptrdiff_t>(end));
  };
  DiffMiddle(middle(a), middle(b), out);
  for (size_t i = a.size() - end; i < a.size(); ++i) out.push_back({' ', a[i]});
  return out;
}

// One hunk: lines [begin, end) of the diff, of which the first are at these lines of both texts.
void AppendHunk(const std::vector<Line>& lines, size_t begin, size_t end, size_t from, size_t to,
                std::string& out) {
  size_t from_count = 0;
  size_t to_count = 0;
  for (size_t i = begin; i < end; ++i) {
    if (lines[i].mark != '+') ++from_count;
    if (lines[i].mark != '-') ++to_count;
  }
  absl::StrAppend(&out, "@@ -", from_count == 0 ? from - 1 : from, ",", from_count, " +",
                  to_count == 0 ? to - 1 : to, ",", to_count, " @@\n");
  for (size_t i = begin; i < end; ++i) {
    out += lines[i].mark;
    absl::StrAppend(&out, Escape(lines[i].text), "\n");
  }
}

}  // namespace

std::string UnifiedDiff(std::string_view from_name, std::string_view from, std::string_view to_name,
                        std::string_view to) {
  if (from == to) return "";
  const std::vector<Line> lines = Diff(Split(from), Split(to));
  std::string out = absl::StrCat("--- ", Escape(from_name), "\n", "+++ ", Escape(to_name), "\n");
  size_t from_line = 1;
  size_t to_line = 1;
  size_t at = 0;
  const auto step = [&] {
    if (lines[at].mark != '+') ++from_line;
    if (lines[at].mark != '-') ++to_line;
    ++at;
  };
  while (at < lines.size()) {
    size_t change = at;
    while (change < lines.size() && lines[change].mark == ' ') ++change;
    if (change == lines.size()) break;
    while (at + kContextLines < change) step();
    const size_t begin = at;
    const size_t begin_from = from_line;
    const size_t begin_to = to_line;
    size_t last = change;
    for (size_t i = change; i < lines.size() && i <= last + 2 * kContextLines; ++i)
      if (lines[i].mark != ' ') last = i;
    const size_t end = std::min(lines.size(), last + kContextLines + 1);
    while (at < end) step();
    AppendHunk(lines, begin, end, begin_from, begin_to, out);
  }
  return out;
}

}  // namespace lb::cli
