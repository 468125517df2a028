// Aligned columns of text, as wide as they need or as the terminal allows. Pure; threading: none.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace lb::cli {

// What a cell means, shown as colour beside its word.
enum class Tone { kPlain, kGood, kWarning, kBad };

// Returns `text` in the colour of `tone`, or as it is.
std::string Paint(const std::string& text, Tone tone, bool color);

struct Cell {
  std::string text;
  Tone tone = Tone::kPlain;

  friend bool operator==(const Cell&, const Cell&) = default;
};

struct Column {
  std::string title;
  bool number = false;         // Aligned to the right.
  bool changes_alone = false;  // Changes by itself (an age): no reason to print a row again.
};

using Row = std::vector<Cell>;

class Table final {
 public:
  struct Style {
    bool headers = true;
    bool color = false;
    size_t width = 0;  // Columns of the terminal; 0: not a terminal, nothing is ever cut.
  };

  explicit Table(std::vector<Column> columns);

  // Adds a row with a cell for every column. Text is escaped here; empty text is shown as "-".
  void Add(Row row);

  const std::vector<Column>& columns() const { return columns_; }
  const std::vector<Row>& rows() const { return rows_; }

  // Renders headers (when asked for) and all rows, each with a line end and no trailing blanks.
  std::string Render(const Style& style) const;

  // Widths that fit the headers and all rows, and `at_least` (empty or one for every column).
  std::vector<size_t> Widths(const std::vector<size_t>& at_least = {}) const;

  // Renders the header line, or one row, in the given widths.
  std::string RenderHeader(const std::vector<size_t>& widths) const;
  std::string RenderRow(const Row& row, const std::vector<size_t>& widths, bool color) const;

 private:
  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

}  // namespace lb::cli
