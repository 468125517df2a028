// The screen of `lbctl top` as a value: samples and keys in, text and orders out. Pure; time and
// the terminal's size are arguments.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/time.h"
#include "cli/keys.h"
#include "cli/terminal_size.h"
#include "cli/top_rows.h"

namespace lb::cli {

// What a key asks for beyond the screen itself.
struct TopOrder {
  enum class Kind { kNone, kQuit, kSample, kDescribe, kDrain };
  Kind kind = Kind::kNone;
  Type type = Type::kRule;
  std::string name;  // kDescribe, kDrain: the resource's full name.
};

// Which rows, in which order.
struct TopOrdering {
  size_t column = 0;
  bool descending = true;
  std::string filter;  // Part of a cell's text, without regard to case; empty: all.
};

// The rows that `ordering` lets through, sorted; names decide between equals.
std::vector<const TopRow*> Arrange(Type type, const std::vector<TopRow>& rows,
                                   const TopOrdering& ordering);

// The rows as a table; on a terminal that is too narrow without the columns at its right.
std::string RenderTopTable(Type type, const std::vector<const TopRow*>& rows,
                           const Table::Style& style);

// Sorted by open connections, largest first.
TopOrdering DefaultOrdering(Type type);

class TopView final {
 public:
  // Longest filter, in bytes.
  static constexpr size_t kFilterBytesMax = 64;

  struct Options {
    size_t rows_max = 0;  // Most rows of the table; 0: as many as fit.
    bool color = false;
  };

  TopView(Type type, const Options& options);

  // Shows a sample, unless it is of another type than the one shown, or the screen is paused.
  void Take(TopSample sample);

  // What is wrong with the connection: the last frame stays and says so. OK: it answers again.
  void SetTrouble(const absl::Status& trouble) { trouble_ = trouble; }

  // One line at the bottom, until the next key.
  void Say(std::string message) { message_ = std::move(message); }

  // Shows a text of many lines in place of the table, until Enter, Escape or q.
  void ShowText(const std::string& text);

  TopOrder Press(const Key& key);

  // At most `size.rows` lines of at most `size.columns` columns, without the last line's end.
  std::string Frame(TerminalSize size, Instant now) const;

  Type type() const { return type_; }
  bool paused() const { return paused_; }

 private:
  enum class Mode { kTable, kText, kFilter, kConfirm };

  TopOrder PressInTable(const Key& key);
  TopOrder PressLetter(char letter);
  void PressInText(const Key& key);
  void PressInFilter(const Key& key);
  TopOrder PressInConfirm(const Key& key);
  TopOrder Switch(Type type);
  void AskToDrain();
  void Move(int64_t by);
  void SortByNext();

  std::vector<const TopRow*> Shown() const;
  size_t SelectedIn(const std::vector<const TopRow*>& rows) const;
  std::vector<std::string> Header(Instant now) const;
  std::vector<std::string> Body(TerminalSize size, size_t lines) const;
  std::vector<std::string> TableLines(TerminalSize size, size_t lines) const;
  std::string Footer() const;

  Type type_;
  const Options options_;
  TopOrdering ordering_;
  std::optional<TopSample> last_;
  std::vector<TopRow> rows_;
  Duration between_{0};  // Time that the rates are over; 0: none yet.
  absl::Status trouble_;
  std::string message_;
  std::string selected_;  // Full name; the row stays selected while the order changes.
  size_t selected_row_ = 0;
  Mode mode_ = Mode::kTable;
  bool paused_ = false;
  std::vector<std::string> text_;
  size_t text_line_ = 0;
};

}  // namespace lb::cli
