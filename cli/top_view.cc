#include "cli/top_view.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "cli/exit_code.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

constexpr size_t kMarkColumns = 2;  // "> " before the selected row.
constexpr size_t kPageRows = 10;    // That PgUp and PgDn move by.
constexpr size_t kNarrowestColumn =
    6;  // With its gap; columns for which there is less are left out.

constexpr char kHelp[] = R"(Keys

  1 2 3       rules, backends, workers; TAB: the next of them
  up down     choose a row; also k and j, PgUp, PgDn, Home, End
  Enter       everything about the chosen one, as lbctl describe
  d           drain the chosen backend or worker; asks first
  s           sort by the next column; r: the other way round
  /           show only rows that have a text; Esc: all again
  p           pause, and go on
  q           quit; Ctrl-Z suspends

Rates are per second, between the last two samples. - is unknown: a first sample, or a
worker that started anew.)";

size_t ColumnOf(Type type, std::string_view title) {
  const std::vector<TopColumn>& columns = TopColumns(type);
  for (size_t i = 0; i < columns.size(); ++i)
    if (columns[i].title == title) return i;
  LB_CHECK(false);
}

bool Matches(const TopRow& row, const std::string& lower_filter) {
  if (lower_filter.empty()) return true;
  for (const TopCell& cell : row.cells)
    if (absl::StrContains(absl::AsciiStrToLower(cell.shown.text), lower_filter)) return true;
  return false;
}

// Less than 0, 0, or more than 0; what is unknown comes first.
int Compare(const TopCell& a, const TopCell& b, bool number) {
  if (!number) return a.shown.text.compare(b.shown.text);
  const double x = a.number.value_or(-1);
  const double y = b.number.value_or(-1);
  return x < y ? -1 : x > y ? 1 : 0;
}

std::string Summary(const api::Status& status) {
  const uint32_t workers = status.workers_synced() + status.workers_pending() +
                           status.workers_failed() + status.workers_stale() +
                           status.workers_disconnected();
  return absl::StrCat("workers ", status.workers_synced(), "/", workers, " synced   backends ",
                      status.backends_up(), " up, ", status.backends_down(), " down   connections ",
                      status.connections(), "   alerts ", status.alerts_size());
}

std::string Seconds(Duration time) {
  const auto tenths = std::chrono::duration_cast<std::chrono::milliseconds>(time).count() / 100;
  return absl::StrCat(tenths / 10, ".", tenths % 10, "s");
}

}  // namespace

std::string RenderTopTable(Type type, const std::vector<const TopRow*>& rows,
                           const Table::Style& style) {
  const std::vector<TopColumn>& all = TopColumns(type);
  const size_t fitting = style.width == 0 ? all.size() : style.width / kNarrowestColumn;
  const size_t count = std::clamp<size_t>(fitting, 1, all.size());
  std::vector<Column> columns;
  for (size_t i = 0; i < count; ++i) columns.push_back({all[i].title, all[i].number});
  Table table(std::move(columns));
  for (const TopRow* row : rows) {
    Row cells;
    for (size_t i = 0; i < count; ++i) cells.push_back(row->cells[i].shown);
    table.Add(std::move(cells));
  }
  return table.Render(style);
}

TopOrdering DefaultOrdering(Type type) { return {ColumnOf(type, "CONNS"), true, ""}; }

std::vector<const TopRow*> Arrange(Type type, const std::vector<TopRow>& rows,
                                   const TopOrdering& ordering) {
  const std::string filter = absl::AsciiStrToLower(ordering.filter);
  const bool number = TopColumns(type)[ordering.column].number;
  std::vector<const TopRow*> arranged;
  for (const TopRow& row : rows)
    if (Matches(row, filter)) arranged.push_back(&row);
  std::sort(arranged.begin(), arranged.end(), [&](const TopRow* a, const TopRow* b) {
    const int order = Compare(a->cells[ordering.column], b->cells[ordering.column], number);
    if (order != 0) return ordering.descending ? order > 0 : order < 0;
    return a->name < b->name;
  });
  return arranged;
}

TopView::TopView(Type type, const Options& options)
    : type_(type), options_(options), ordering_(DefaultOrdering(type)) {}

void TopView::Take(TopSample sample) {
  if (paused_ || sample.type != type_) return;
  const bool comparable = last_ && last_->type == sample.type;
  rows_ = TopRows(comparable ? &*last_ : nullptr, sample);
  between_ = comparable ? sample.at - last_->at : Duration::zero();
  last_ = std::move(sample);
}

void TopView::ShowText(const std::string& text) {
  text_.clear();
  for (const absl::string_view line : absl::StrSplit(text, '\n'))
    text_.emplace_back(line.data(), line.size());
  while (!text_.empty() && text_.back().empty()) text_.pop_back();
  text_line_ = 0;
  mode_ = Mode::kText;
}

TopOrder TopView::Press(const Key& key) {
  message_.clear();
  switch (mode_) {
    case Mode::kText:
      PressInText(key);
      return {};
    case Mode::kFilter:
      PressInFilter(key);
      return {};
    case Mode::kConfirm:
      return PressInConfirm(key);
    case Mode::kTable:
      break;
  }
  return PressInTable(key);
}

TopOrder TopView::PressInTable(const Key& key) {
  const auto page = static_cast<int64_t>(kPageRows);
  switch (key.kind) {
    case Key::Kind::kText:
      return PressLetter(key.byte);
    case Key::Kind::kUp:
      Move(-1);
      break;
    case Key::Kind::kDown:
      Move(1);
      break;
    case Key::Kind::kPageUp:
      Move(-page);
      break;
    case Key::Kind::kPageDown:
      Move(page);
      break;
    case Key::Kind::kHome:
      Move(-static_cast<int64_t>(rows_.size()));
      break;
    case Key::Kind::kEnd:
      Move(static_cast<int64_t>(rows_.size()));
      break;
    case Key::Kind::kTab:
      return Switch(type_ == Type::kRule      ? Type::kBackend
                    : type_ == Type::kBackend ? Type::kWorker
                                              : Type::kRule);
    case Key::Kind::kEscape:
      ordering_.filter.clear();
      break;
    case Key::Kind::kEnter: {
      const std::vector<const TopRow*> rows = Shown();
      if (rows.empty()) break;
      return {TopOrder::Kind::kDescribe, type_, rows[SelectedIn(rows)]->name};
    }
    case Key::Kind::kBackspace:
    case Key::Kind::kOther:
      break;
  }
  return {};
}

TopOrder TopView::PressLetter(char letter) {
  switch (letter) {
    case 'q':
      return {TopOrder::Kind::kQuit, type_, ""};
    case '1':
      return Switch(Type::kRule);
    case '2':
      return Switch(Type::kBackend);
    case '3':
      return Switch(Type::kWorker);
    case 'k':
      Move(-1);
      break;
    case 'j':
      Move(1);
      break;
    case 's':
      SortByNext();
      break;
    case 'r':
      ordering_.descending = !ordering_.descending;
      break;
    case '/':
      mode_ = Mode::kFilter;
      break;
    case 'd':
      AskToDrain();
      break;
    case 'p':
      paused_ = !paused_;
      return {paused_ ? TopOrder::Kind::kNone : TopOrder::Kind::kSample, type_, ""};
    case '?':
    case 'h':
      ShowText(kHelp);
      break;
    default:
      message_ = absl::StrCat("no key '", Escape(std::string_view(&letter, 1)), "'; ? for help");
  }
  return {};
}

void TopView::PressInText(const Key& key) {
  const size_t last = text_.empty() ? 0 : text_.size() - 1;
  const bool quit = key.kind == Key::Kind::kText && key.byte == 'q';
  if (quit || key.kind == Key::Kind::kEscape || key.kind == Key::Kind::kEnter) {
    mode_ = Mode::kTable;
  } else if (key.kind == Key::Kind::kUp) {
    text_line_ -= std::min<size_t>(text_line_, 1);
  } else if (key.kind == Key::Kind::kDown) {
    text_line_ = std::min(text_line_ + 1, last);
  } else if (key.kind == Key::Kind::kPageUp) {
    text_line_ -= std::min(text_line_, kPageRows);
  } else if (key.kind == Key::Kind::kPageDown) {
    text_line_ = std::min(text_line_ + kPageRows, last);
  } else if (key.kind == Key::Kind::kHome) {
    text_line_ = 0;
  } else if (key.kind == Key::Kind::kEnd) {
    text_line_ = last;
  }
}

void TopView::PressInFilter(const Key& key) {
  std::string& filter = ordering_.filter;
  if (key.kind == Key::Kind::kText && filter.size() < kFilterBytesMax) {
    filter += key.byte;
  } else if (key.kind == Key::Kind::kBackspace && !filter.empty()) {
    // All bytes of a character of UTF-8: those that go on begin with 10.
    while (filter.size() > 1 && (static_cast<unsigned char>(filter.back()) & 0xc0) == 0x80)
      filter.pop_back();
    filter.pop_back();
  } else if (key.kind == Key::Kind::kEnter) {
    mode_ = Mode::kTable;
  } else if (key.kind == Key::Kind::kEscape) {
    filter.clear();
    mode_ = Mode::kTable;
  }
}

void TopView::AskToDrain() {
  const std::vector<const TopRow*> rows = Shown();
  if (type_ == Type::kRule)
    message_ = "a rule cannot be drained; its backends can: 2";
  else if (rows.empty())
    message_ = "nothing to drain";
  else
    mode_ = Mode::kConfirm;
  // What was asked about is what is drained, even when the order changes meanwhile.
  if (mode_ == Mode::kConfirm) selected_ = rows[SelectedIn(rows)]->name;
}

TopOrder TopView::PressInConfirm(const Key& key) {
  mode_ = Mode::kTable;
  const bool yes = key.kind == Key::Kind::kText && (key.byte == 'y' || key.byte == 'Y');
  if (yes) return {TopOrder::Kind::kDrain, type_, selected_};
  message_ = "nothing was changed";
  return {};
}

TopOrder TopView::Switch(Type type) {
  if (type == type_) return {};
  type_ = type;
  ordering_ = DefaultOrdering(type);
  rows_.clear();
  last_.reset();
  between_ = Duration::zero();
  selected_.clear();
  selected_row_ = 0;
  paused_ = false;
  return {TopOrder::Kind::kSample, type_, ""};
}

void TopView::Move(int64_t by) {
  const std::vector<const TopRow*> rows = Shown();
  if (rows.empty()) return;
  const auto at = static_cast<int64_t>(SelectedIn(rows)) + by;
  selected_row_ =
      static_cast<size_t>(std::clamp<int64_t>(at, 0, static_cast<int64_t>(rows.size()) - 1));
  selected_ = rows[selected_row_]->name;
}

void TopView::SortByNext() {
  const std::vector<TopColumn>& columns = TopColumns(type_);
  ordering_.column = (ordering_.column + 1) % columns.size();
  ordering_.descending = columns[ordering_.column].number;
}

std::vector<const TopRow*> TopView::Shown() const {
  std::vector<const TopRow*> rows = Arrange(type_, rows_, ordering_);
  if (options_.rows_max > 0 && rows.size() > options_.rows_max) rows.resize(options_.rows_max);
  return rows;
}

size_t TopView::SelectedIn(const std::vector<const TopRow*>& rows) const {
  for (size_t i = 0; i < rows.size(); ++i)
    if (rows[i]->name == selected_) return i;
  // It is gone, or nothing was chosen yet: whatever is in its place.
  return rows.empty() || selected_.empty() ? 0 : std::min(selected_row_, rows.size() - 1);
}

std::vector<std::string> TopView::Header(Instant now) const {
  const TopColumn& column = TopColumns(type_)[ordering_.column];
  std::string first = absl::StrCat("lbctl top ", Plural(type_), "   by ", column.title,
                                   ordering_.descending ? ", largest first" : ", smallest first");
  if (!ordering_.filter.empty()) absl::StrAppend(&first, "   filter: ", Escape(ordering_.filter));
  if (between_ > Duration::zero()) absl::StrAppend(&first, "   rates over ", Seconds(between_));
  if (paused_) first += "   PAUSED";
  std::vector<std::string> lines = {first, last_ ? Summary(last_->status) : "waiting for data"};
  if (trouble_.ok()) return lines;
  const std::string age = last_ ? Seconds(now - last_->at) : "none";
  const std::string error(trouble_.message().data(), trouble_.message().size());
  lines.push_back(absl::StrCat("! trying again; data is old (", age, "): ", Escape(error)));
  return lines;
}

std::vector<std::string> TopView::TableLines(TerminalSize size, size_t lines) const {
  const std::vector<const TopRow*> rows = Shown();
  const size_t chosen = SelectedIn(rows);
  const size_t room = lines > 1 ? lines - 1 : 0;
  const size_t first = chosen < room ? 0 : chosen - room + 1;
  const size_t end = std::min(rows.size(), first + room);
  const size_t width = size.columns > kMarkColumns ? size.columns - kMarkColumns : 1;
  // Where not even one column fits, the line is cut, and nothing may be in it that is no text.
  const bool color = options_.color && width >= kNarrowestColumn;
  const std::vector<const TopRow*> visible(
      rows.begin() + static_cast<std::ptrdiff_t>(std::min(first, end)),
      rows.begin() + static_cast<std::ptrdiff_t>(end));
  std::vector<std::string> out =
      absl::StrSplit(RenderTopTable(type_, visible, {true, color, width}), '\n', absl::SkipEmpty());
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = (i > 0 && first + i - 1 == chosen ? "> " : "  ") + out[i];
    if (!color) out[i] = Shorten(out[i], size.columns);
  }
  if (rows.empty())
    out.push_back(Shorten(absl::StrCat("  no ", Plural(type_),
                                       ordering_.filter.empty() ? "" : " with this text; Esc: all"),
                          size.columns));
  return out;
}

std::vector<std::string> TopView::Body(TerminalSize size, size_t lines) const {
  if (mode_ != Mode::kText) return TableLines(size, lines);
  const size_t end = std::min(text_.size(), text_line_ + lines);
  return {text_.begin() + static_cast<std::ptrdiff_t>(text_line_),
          text_.begin() + static_cast<std::ptrdiff_t>(end)};
}

std::string TopView::Footer() const {
  if (mode_ == Mode::kFilter)
    return absl::StrCat("show only rows with: ", Escape(ordering_.filter), "_   Enter, Esc");
  if (mode_ == Mode::kText) return "up, down   Enter: back";
  if (mode_ == Mode::kTable)
    return message_.empty() ? "1 rules 2 backends 3 workers  s sort  / filter  p pause  d drain  "
                              "Enter describe  ? help  q quit"
                            : message_;
  const std::vector<const TopRow*> rows = Shown();
  uint64_t connections = 0;
  for (const TopRow* row : rows)
    if (row->name == selected_) connections = row->connections;
  const char* end = type_ == Type::kWorker ? "; what is still open after 30 s is ended" : "";
  return absl::StrCat("Drain ", Escape(selected_), " (", connections, " connections", end,
                      ")? [y/N]");
}

std::string TopView::Frame(TerminalSize size, Instant now) const {
  std::vector<std::string> lines = Header(now);
  for (std::string& line : lines) line = Shorten(line, size.columns);
  const size_t used = lines.size() + 1;
  const size_t room = size.rows > used ? size.rows - used : 0;
  std::vector<std::string> body = Body(size, room);
  body.resize(room);
  for (std::string& line : body)
    // Text with colours is fitted by the table already.
    if (mode_ == Mode::kText) line = Shorten(line, size.columns);
  lines.insert(lines.end(), body.begin(), body.end());
  lines.push_back(Shorten(Footer(), size.columns));
  if (lines.size() > size.rows)
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(size.rows));
  std::string frame;
  for (const std::string& line : lines) absl::StrAppend(&frame, frame.empty() ? "" : "\n", line);
  return frame;
}

}  // namespace lb::cli
