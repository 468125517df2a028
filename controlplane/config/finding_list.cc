#include "controlplane/config/finding_list.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/utf8.h"

namespace lb::controlplane {
namespace {

constexpr size_t kMaxQuotedBytes = 80;  // Of a bad value, in a message.

// Findings about the whole file come first.
uint64_t Order(const RawFinding& finding) {
  return finding.span.has_value() ? uint64_t{finding.span->begin} + 1 : 0;
}

bool ByPlace(const RawFinding& a, const RawFinding& b) {
  return std::make_tuple(Order(a), std::string_view(a.code), std::string_view(a.field)) <
         std::make_tuple(Order(b), std::string_view(b.code), std::string_view(b.field));
}

bool ByImportance(const RawFinding& a, const RawFinding& b) {
  if (a.severity != b.severity) return a.severity == Finding::Severity::kError;
  return ByPlace(a, b);
}

Finding Place(const RawFinding& raw, const SourceText& source) {
  Finding finding{.severity = raw.severity,
                  .code = std::string(raw.code),
                  .message = raw.message,
                  .field = raw.field,
                  .hint = raw.hint};
  if (raw.span.has_value()) {
    const SourceText::Place place = source.PlaceOf(*raw.span);
    finding.line = place.line;
    finding.column = place.column;
    finding.width = place.width;
  }
  return finding;
}

}  // namespace

void FindingList::Add(RawFinding finding) {
  ++total_;
  if (finding.severity == Finding::Severity::kError) has_error_ = true;
  kept_.push_back(std::move(finding));
  // Twice the cap, so that sorting is paid once per kMaxFindings additions.
  if (kept_.size() > 2 * kMaxFindings) DropExcess();
}

void FindingList::DropExcess() {
  std::stable_sort(kept_.begin(), kept_.end(), ByImportance);
  if (kept_.size() > kMaxFindings) kept_.resize(kMaxFindings);
}

Findings FindingList::Finish(const SourceText& source) const {
  FindingList sorted = *this;
  sorted.DropExcess();
  std::stable_sort(sorted.kept_.begin(), sorted.kept_.end(), ByPlace);
  Findings findings;
  findings.reserve(sorted.kept_.size());
  for (const RawFinding& raw : sorted.kept_) findings.push_back(Place(raw, source));
  return findings;
}

std::string Quote(std::string_view text) {
  // Values of the environment can be anything.
  const std::string head = CutUtf8(text, kMaxQuotedBytes);
  std::string shown;
  for (const char c : head) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F)
      absl::StrAppend(&shown, "\\x", absl::Hex(byte, absl::kZeroPad2));
    else
      shown.push_back(c);
  }
  return absl::StrCat("'", shown, text.size() > kMaxQuotedBytes ? "…'" : "'");
}

}  // namespace lb::controlplane
