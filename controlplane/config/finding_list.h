// Collects the findings of one load, bounded whatever the input. Threading: none.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/config/finding.h"
#include "controlplane/config/source_text.h"

namespace lb::controlplane {

// A finding before its line and column are worked out.
struct RawFinding {
  Finding::Severity severity = Finding::Severity::kError;
  std::string_view code;                    // One of codes.h.
  std::optional<Span> span = std::nullopt;  // Absent: about the whole file.
  std::string field = "";
  std::string message = "";
  std::string hint = "";
};

class FindingList final {
 public:
  void Add(RawFinding finding);

  bool has_error() const { return has_error_; }
  size_t total() const { return total_; }

  // The findings kept, sorted by place. When there are more than kMaxFindings, errors are kept
  // before warnings, and those nearer the start before later ones.
  Findings Finish(const SourceText& source) const;

 private:
  void DropExcess();

  std::vector<RawFinding> kept_;
  size_t total_ = 0;
  bool has_error_ = false;
};

// The first characters of `text` in single quotes, control characters escaped: for messages.
std::string Quote(std::string_view text);

}  // namespace lb::controlplane
