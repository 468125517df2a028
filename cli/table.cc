#include "cli/table.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

constexpr size_t kGap = 2;        // Blanks between columns.
constexpr size_t kNarrowest = 4;  // A column is not shrunk below this: nothing would be readable.

// What is copied into the next command: useless when it is cut.
bool IsName(const Column& column) {
  return column.title == "NAME" || column.title == "ADDRESS" || column.title == "BACKEND" ||
         column.title == "RULE";
}

constexpr size_t kNameKept = 32;  // Columns of a name that are not taken before all others.

// Takes columns from the widest that `may` be shrunk until `total` fits or nothing can be taken.
template <typename May>
void Take(std::vector<size_t>& widths, size_t available, size_t& total, May may) {
  while (total > available) {
    size_t* widest = nullptr;
    for (size_t i = 0; i < widths.size(); ++i)
      if (may(i) && widths[i] > kNarrowest && (widest == nullptr || widths[i] > *widest))
        widest = &widths[i];
    if (widest == nullptr) return;
    --*widest;
    --total;
  }
}

// Makes the line fit, names that can be kept last.
void Shrink(const std::vector<Column>& columns, std::vector<size_t>& widths, size_t available) {
  const size_t gaps = kGap * (widths.size() - 1);
  size_t total = std::accumulate(widths.begin(), widths.end(), gaps);
  Take(widths, available, total,
       [&](size_t i) { return !IsName(columns[i]) || widths[i] > kNameKept; });
  Take(widths, available, total, [](size_t) { return true; });
}

void AppendPadded(const std::string& text, Tone tone, bool right, bool last, size_t width,
                  bool color, std::string& out) {
  const std::string cut = Shorten(text, width);
  const size_t used = DisplayWidth(cut);
  const size_t blanks = used < width ? width - used : 0;
  if (right) out.append(blanks, ' ');
  out += Paint(cut, tone, color);
  if (last) return;
  if (!right) out.append(blanks, ' ');
  out.append(kGap, ' ');
}

}  // namespace

std::string Paint(const std::string& text, Tone tone, bool color) {
  if (!color || tone == Tone::kPlain) return text;
  // ECMA-48 8.3.117: select graphic rendition.
  const char* code = tone == Tone::kGood ? "32" : tone == Tone::kWarning ? "33" : "31";
  return std::string("\x1b[") + code + "m" + text + "\x1b[0m";
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  LB_CHECK(!columns_.empty());
}

void Table::Add(Row row) {
  LB_CHECK(row.size() == columns_.size());
  for (Cell& cell : row) cell.text = cell.text.empty() ? "-" : Escape(cell.text);
  rows_.push_back(std::move(row));
}

std::vector<size_t> Table::Widths(const std::vector<size_t>& at_least) const {
  std::vector<size_t> widths = at_least;
  widths.resize(columns_.size());
  for (size_t i = 0; i < columns_.size(); ++i)
    widths[i] = std::max(widths[i], DisplayWidth(columns_[i].title));
  for (const Row& row : rows_)
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], DisplayWidth(row[i].text));
  return widths;
}

std::string Table::RenderHeader(const std::vector<size_t>& widths) const {
  std::string out;
  for (size_t i = 0; i < columns_.size(); ++i)
    AppendPadded(columns_[i].title, Tone::kPlain, columns_[i].number, i + 1 == columns_.size(),
                 widths[i], false, out);
  return out + "\n";
}

std::string Table::RenderRow(const Row& row, const std::vector<size_t>& widths, bool color) const {
  std::string out;
  for (size_t i = 0; i < row.size(); ++i)
    AppendPadded(row[i].text, row[i].tone, columns_[i].number, i + 1 == row.size(), widths[i],
                 color, out);
  return out + "\n";
}

std::string Table::Render(const Style& style) const {
  std::vector<size_t> widths = Widths();
  if (style.width != 0) Shrink(columns_, widths, style.width);
  std::string out;
  if (style.headers) out += RenderHeader(widths);
  for (const Row& row : rows_) out += RenderRow(row, widths, style.color);
  return out;
}

}  // namespace lb::cli
