// What the checks found, in order, and how it is shown. Pure; threading: none.
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/check/codes.h"

namespace lb::cli {

enum class Outcome { kGood, kSkipped, kWarning, kError };

struct CheckLine {
  const Code* code = nullptr;
  Outcome outcome = Outcome::kGood;
  std::string text;  // What is found, or why nothing could be; names are escaped when shown.
  std::string hint;  // What to do.
};

class Report final {
 public:
  // Findings of one code that are listed; the rest is counted.
  static constexpr size_t kMaxListed = 20;

  // Keeps what belongs to these categories; empty: all.
  explicit Report(std::set<Category> only = {}) : only_(std::move(only)) {}

  void Warn(const Code& code, std::string text, std::string hint);
  void Error(const Code& code, std::string text, std::string hint);
  // It could not be looked at.
  void Skip(const Code& code, std::string why);
  // Ends a check: good, unless something was said of it.
  void End(const Code& code);

  const std::vector<CheckLine>& lines() const { return lines_; }
  size_t errors() const { return errors_; }
  size_t warnings() const { return warnings_; }

 private:
  void Add(const Code& code, Outcome outcome, std::string text, std::string hint);

  std::set<Category> only_;
  std::vector<CheckLine> lines_;
  size_t errors_ = 0;
  size_t warnings_ = 0;
  size_t listed_ = 0;    // Findings of the code of the last line.
  size_t unlisted_ = 0;  // Likewise, more than are listed.
};

struct ReportStyle {
  bool color = false;
  bool symbols = false;  // √ ‼ × for ok, warn and FAIL.
};

// Categories with a line for each check, and a last line that counts.
std::string RenderReport(const Report& report, const ReportStyle& style);

// {"kind":"CheckReport","success":...,"categories":[{"categoryName":...,"checks":[...]}]}; a check
// has id, description, result (success, skipped, warning, error), error and hint.
boost::json::value ReportJson(const Report& report, bool success);

}  // namespace lb::cli
