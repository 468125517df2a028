#include "cli/top.h"

#include <boost/json.hpp>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "cli/json.h"
#include "cli/screen.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/top_source.h"
#include "cli/top_view.h"

namespace lb::cli {
namespace {

// A key sequence that a slow line cuts comes whole within this.
constexpr std::chrono::milliseconds kEscapeWait{50};

TopOrder Sample(Type type) { return {TopOrder::Kind::kSample, type, ""}; }

std::string RenderJson(const TopSample* before, const TopSample& now, size_t rows_max) {
  const std::vector<TopRow> rows = TopRows(before, now);
  boost::json::array items;
  for (const TopRow* row : Arrange(now.type, rows, DefaultOrdering(now.type)))
    if (items.size() < rows_max) items.push_back(TopRowJson(now.type, *row));
  const double seconds = std::chrono::duration<double>(now.at - before->at).count();
  const boost::json::object sample = {
      {"kind", "TopSample"},
      {"type", Plural(now.type)},
      {"time", absl::FormatTime(absl::RFC3339_full, absl::FromChrono(ReadClocks().wall),
                                absl::UTCTimeZone())},
      {"seconds", seconds},
      {"total", rows.size()},
      {"items", std::move(items)}};
  return ToCompactJson(sample) + "\n";
}

std::string RenderOnce(const Globals& globals, const TopSample* before, const TopSample& now,
                       size_t rows_max) {
  if (globals.output == Output::kJson) return RenderJson(before, now, rows_max);
  const std::vector<TopRow> rows = TopRows(before, now);
  std::vector<const TopRow*> shown = Arrange(now.type, rows, DefaultOrdering(now.type));
  if (shown.size() > rows_max) shown.resize(rows_max);
  if (shown.empty() && !globals.quiet) WriteErr(absl::StrCat("no ", Plural(now.type), "\n"));
  if (shown.empty()) return "";
  return RenderTopTable(now.type, shown,
                        {globals.headers, globals.color, StdoutIsTty() ? StdoutSize().columns : 0});
}

// Without a screen: what each pair of samples gives. With JSON a control plane that goes away is
// said on stderr, and asked again.
absl::StatusOr<ExitCode> RunLines(const Globals& globals, Type type, const TopOptions& options) {
  const size_t rows_max = options.rows_max == 0 ? kTopRows : options.rows_max;
  std::unique_ptr<AdminClient> client;
  LB_ASSIGN_OR_RETURN(TopSample before, TakeTopSample(globals, type, client));
  bool trouble = false;
  while (true) {
    Pause(options.interval);
    absl::StatusOr<TopSample> now = TakeTopSample(globals, type, client);
    if (now.ok()) {
      WriteOut(RenderOnce(globals, &before, *now, rows_max));
      if (options.once) return ExitCode::kDone;
      before = *std::move(now);
    } else if (options.once || ExitCodeFor(now.status()) != ExitCode::kUnreachable) {
      return now.status();
    } else if (!trouble && !globals.quiet) {
      WriteErr(absl::StrCat(RenderErrorJson(now.status())));
    }
    trouble = !now.ok();
  }
}

// The loop around the screen.
class Live final {
 public:
  Live(const Globals& globals, Type type, const TopOptions& options, TopSample first,
       std::unique_ptr<AdminClient> client, Screen& screen)
      : interval_(options.interval),
        view_(type, {options.rows_max, globals.color}),
        source_(globals, std::move(client)),
        screen_(screen) {
    view_.Take(std::move(first));
    next_ = ReadClocks().steady + interval_;
  }

  // Until the user quits, or the terminal is gone.
  void Run() {
    bool changed = true;
    while (true) {
      if (changed) screen_.Draw(view_.Frame(Screen::Size(), ReadClocks().steady));
      const Screen::Input input = screen_.Wait(source_.fd(), TimeToWait());
      if (input.hung_up) return;
      std::vector<Key> keys = reader_.Feed(input.bytes);
      if (input.bytes.empty() && reader_.pending()) keys = reader_.Flush();
      for (const Key& key : keys)
        if (!Press(key)) return;
      const bool answered = TakeAnswers();
      changed = answered || input.redraw || !keys.empty();
      AskWhenDue();
    }
  }

 private:
  std::chrono::milliseconds TimeToWait() const {
    if (reader_.pending()) return kEscapeWait;
    // An answer wakes, and so does a key.
    if (source_.sampling() || view_.paused()) return std::chrono::minutes(1);
    const Duration left = next_ - ReadClocks().steady;
    return std::max(std::chrono::ceil<std::chrono::milliseconds>(left),
                    std::chrono::milliseconds(0));
  }

  // False: the user quits.
  bool Press(const Key& key) {
    const TopOrder order = view_.Press(key);
    if (order.kind == TopOrder::Kind::kQuit) return false;
    if (order.kind == TopOrder::Kind::kDrain) view_.Say("draining...");
    if (order.kind != TopOrder::Kind::kNone) source_.Ask(order);
    return true;
  }

  bool TakeAnswers() {
    const std::vector<TopSource::Answer> answers = source_.Take();
    for (const TopSource::Answer& answer : answers) Show(answer);
    return !answers.empty();
  }

  void Show(const TopSource::Answer& answer) {
    if (answer.order.kind == TopOrder::Kind::kSample) {
      view_.SetTrouble(answer.status);
      if (answer.sample) view_.Take(*answer.sample);
    } else if (!answer.status.ok()) {
      std::string error = RenderError(answer.status);
      view_.Say(error.substr(0, error.find('\n')));
    } else if (answer.order.kind == TopOrder::Kind::kDescribe) {
      view_.ShowText(answer.text);
    } else {
      view_.Say(answer.text);
    }
  }

  void AskWhenDue() {
    const Instant now = ReadClocks().steady;
    if (source_.sampling() || view_.paused() || now < next_) return;
    source_.Ask(Sample(view_.type()));
    next_ = now + interval_;
  }

  const std::chrono::milliseconds interval_;
  TopView view_;
  TopSource source_;
  Screen& screen_;
  KeyReader reader_;
  Instant next_;
};

absl::Status CheckOutput(const Globals& globals, bool once) {
  const bool table = globals.output == Output::kTable;
  if (!table && globals.output != Output::kJson)
    return UsageError("top gives a table or -o json, nothing else");
  const bool screen = table && !once;
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  if (screen && (!StdinIsTty() || !StdoutIsTty() || dumb))
    return UsageError("top needs a terminal", "for scripts: lbctl top --once, or -o json");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExitCode> RunTop(const Globals& globals, const TopOptions& options) {
  LB_ASSIGN_OR_RETURN(const Selection selection, ParseSelection({options.type}, ""));
  if (!selection.names.empty())
    return UsageError(absl::StrCat("top shows all ", Plural(selection.type), ", not one"),
                      "one: lbctl describe TYPE/NAME; in the screen / filters");
  if (options.interval < kTopIntervalMin)
    return UsageError(absl::StrCat("--interval: ", kTopIntervalMin.count(), "ms or more"));
  LB_RETURN_IF_ERROR(CheckOutput(globals, options.once));
  if (options.once || globals.output == Output::kJson)
    return RunLines(globals, selection.type, options);
  // Asked before the terminal is taken: an error that stands alone is read there.
  std::unique_ptr<AdminClient> client;
  LB_ASSIGN_OR_RETURN(TopSample first, TakeTopSample(globals, selection.type, client));
  LB_ASSIGN_OR_RETURN(Screen screen, Screen::Open());
  Live(globals, selection.type, options, std::move(first), std::move(client), screen).Run();
  return ExitCode::kDone;
}

}  // namespace lb::cli
