#include "cli/check/report.h"

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/table.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

std::string Text(std::string_view text) { return std::string(text); }

struct Mark {
  const char* symbol;
  const char* word;  // Padded, so that what follows is aligned.
  Tone tone;
};

Mark MarkOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kGood:
      return {"√", "ok  ", Tone::kGood};
    case Outcome::kWarning:
      return {"‼", "warn", Tone::kWarning};
    case Outcome::kError:
      return {"×", "FAIL", Tone::kBad};
    case Outcome::kSkipped:
      break;
  }
  return {"-", "-   ", Tone::kPlain};
}

// What could not be checked for one and the same reason, on one line.
std::string RenderSkipped(const std::string& codes, const CheckLine& line,
                          const ReportStyle& style) {
  const Mark mark = MarkOf(Outcome::kSkipped);
  return absl::StrCat(style.symbols ? mark.symbol : mark.word, " not checked: ", codes, ": ",
                      Escape(line.text), "\n");
}

bool SkippedAlike(const CheckLine& a, const CheckLine& b) {
  return a.outcome == Outcome::kSkipped && b.outcome == Outcome::kSkipped && a.text == b.text &&
         a.code->category == b.code->category;
}

std::string RenderLine(const CheckLine& line, const ReportStyle& style) {
  const Mark mark = MarkOf(line.outcome);
  std::string out = Paint(style.symbols ? mark.symbol : mark.word, mark.tone, style.color);
  if (line.outcome == Outcome::kGood) return absl::StrCat(out, " ", Text(line.code->good), "\n");
  absl::StrAppend(&out, " ", Text(line.code->id), " ", Escape(line.text), "\n");
  if (line.hint.empty()) return out;
  for (absl::string_view hint : absl::StrSplit(line.hint, '\n'))
    absl::StrAppend(&out, "    ", Escape({hint.data(), hint.size()}), "\n");
  return out;
}

const char* ResultOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kGood:
      return "success";
    case Outcome::kWarning:
      return "warning";
    case Outcome::kError:
      return "error";
    case Outcome::kSkipped:
      break;
  }
  return "skipped";
}

std::string Count(size_t count, const char* one) {
  return absl::StrCat(count, " ", one, count == 1 ? "" : "s");
}

}  // namespace

void Report::Add(const Code& code, Outcome outcome, std::string text, std::string hint) {
  if (!only_.empty() && only_.count(code.category) == 0) return;
  const bool again = !lines_.empty() && lines_.back().code == &code;
  listed_ = again ? listed_ + 1 : 1;
  unlisted_ = again ? unlisted_ : 0;
  if (outcome == Outcome::kError) ++errors_;
  if (outcome == Outcome::kWarning) ++warnings_;
  if (listed_ > kMaxListed) {
    ++unlisted_;
    return;
  }
  lines_.push_back({&code, outcome, std::move(text), std::move(hint)});
}

void Report::Warn(const Code& code, std::string text, std::string hint) {
  Add(code, Outcome::kWarning, std::move(text), std::move(hint));
}

void Report::Error(const Code& code, std::string text, std::string hint) {
  Add(code, Outcome::kError, std::move(text), std::move(hint));
}

void Report::Skip(const Code& code, std::string why) {
  Add(code, Outcome::kSkipped, std::move(why), "");
}

void Report::End(const Code& code) {
  if (lines_.empty() || lines_.back().code != &code) {
    Add(code, Outcome::kGood, "", "");
  } else if (unlisted_ > 0) {
    absl::StrAppend(&lines_.back().text, "; and ", unlisted_, " more");
    unlisted_ = 0;
  }
}

std::string RenderReport(const Report& report, const ReportStyle& style) {
  std::string out;
  const Code* last = nullptr;
  std::string skipped;
  for (size_t i = 0; i < report.lines().size(); ++i) {
    const CheckLine& line = report.lines()[i];
    if (last == nullptr || last->category != line.code->category) {
      const std::string name = Text(NameOf(line.code->category));
      absl::StrAppend(&out, last == nullptr ? "" : "\n", name, "\n", std::string(name.size(), '-'),
                      "\n");
    }
    last = line.code;
    if (line.outcome != Outcome::kSkipped) {
      out += RenderLine(line, style);
      continue;
    }
    absl::StrAppend(&skipped, skipped.empty() ? "" : " ", Text(line.code->id));
    if (i + 1 < report.lines().size() && SkippedAlike(line, report.lines()[i + 1])) continue;
    out += RenderSkipped(skipped, line, style);
    skipped.clear();
  }
  absl::StrAppend(&out, "\nStatus check results: ", Count(report.errors(), "error"), ", ",
                  Count(report.warnings(), "warning"), "\n");
  return out;
}

boost::json::value ReportJson(const Report& report, bool success) {
  boost::json::array categories;
  const Code* last = nullptr;
  for (const CheckLine& line : report.lines()) {
    if (last == nullptr || last->category != line.code->category)
      categories.push_back(
          {{"categoryName", NameOf(line.code->category)}, {"checks", boost::json::array()}});
    last = line.code;
    boost::json::object check = {{"id", line.code->id},
                                 {"description", line.code->good},
                                 {"result", ResultOf(line.outcome)}};
    if (!line.text.empty()) check["error"] = line.text;
    if (!line.hint.empty()) check["hint"] = line.hint;
    categories.back().as_object()["checks"].as_array().push_back(std::move(check));
  }
  return {{"kind", "CheckReport"}, {"success", success}, {"categories", std::move(categories)}};
}

}  // namespace lb::cli
