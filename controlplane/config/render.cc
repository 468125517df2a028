#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/utf8.h"
#include "controlplane/config/load.h"
#include "controlplane/config/secrets.h"
#include "controlplane/config/source_text.h"

namespace lb::controlplane {
namespace {

// Characters of a source line that are shown; a longer line is cut around the place.
constexpr size_t kMaxLineCharacters = 160;
constexpr size_t kCharactersBefore = 80;

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

// The characters of a line from `first` on, each as it can be printed in one column: a tab is a
// space, other control characters and broken UTF-8 are '?'.
std::string Printable(std::string_view line, size_t first, size_t count) {
  std::string shown;
  for (size_t at = 0; !line.empty() && at < first + count; ++at) {
    const size_t length = Utf8Length(line.substr(0, 4));
    const auto byte = static_cast<unsigned char>(line.front());
    const std::string_view character = line.substr(0, std::max<size_t>(length, 1));
    if (at >= first) {
      if (byte == '\t')
        shown += ' ';
      else if (length == 0 || byte < 0x20 || byte == 0x7F)
        shown += '?';
      else
        absl::StrAppend(&shown, Absl(character));
    }
    line.remove_prefix(character.size());
  }
  return shown;
}

void RenderLine(const Finding& finding, const SourceText& source, std::string& out) {
  const size_t column = finding.column > 0 ? finding.column - 1 : 0;
  const size_t first = column + finding.width > kMaxLineCharacters && column > kCharactersBefore
                           ? column - kCharactersBefore
                           : 0;
  const std::string text = Printable(source.Line(finding.line), first, kMaxLineCharacters);
  const std::string number = absl::StrCat(finding.line);
  const size_t margin = std::max<size_t>(5, number.size());
  const size_t width = std::clamp<size_t>(finding.width, 1, kMaxLineCharacters);
  absl::StrAppend(&out, std::string(margin - number.size(), ' '), number, " | ", text, "\n");
  absl::StrAppend(&out, std::string(margin, ' '), " | ", std::string(column - first, ' '), "^",
                  std::string(width - 1, '~'), "\n");
}

std::string Plural(size_t count, std::string_view noun) {
  return absl::StrCat(count, " ", Absl(noun), count == 1 ? "" : "s");
}

}  // namespace

std::string RenderFindings(std::string_view file, std::string_view text, const LoadResult& result) {
  // A text that is too large has one finding, about the whole.
  const bool shown = !result.findings.empty() && text.size() <= kMaxConfigBytes;
  const std::string masked = shown ? MaskSecrets(text) : "";
  const SourceText source(masked);
  std::string out;
  size_t errors = 0;
  for (const Finding& finding : result.findings) {
    const bool is_error = finding.severity == Finding::Severity::kError;
    if (is_error) ++errors;
    absl::StrAppend(&out, Absl(file), ":");
    if (finding.line > 0) absl::StrAppend(&out, finding.line, ":", finding.column, ":");
    absl::StrAppend(&out, is_error ? " error " : " warning ", finding.code, ": ", finding.message);
    if (!finding.hint.empty()) absl::StrAppend(&out, "; ", finding.hint);
    if (!finding.field.empty()) absl::StrAppend(&out, "  (", finding.field, ")");
    out += '\n';
    if (finding.line > 0) RenderLine(finding, source, out);
  }
  if (result.findings.empty()) return out;
  absl::StrAppend(&out, Plural(errors, "error"), ", ",
                  Plural(result.findings.size() - errors, "warning"));
  if (result.findings_total > result.findings.size()) {
    absl::StrAppend(&out, " (", result.findings_total - result.findings.size(), " more not shown)");
  }
  out += '\n';
  return out;
}

}  // namespace lb::controlplane
