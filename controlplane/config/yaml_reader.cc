#include "controlplane/config/yaml_reader.h"

#include <libfyaml.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "controlplane/config/codes.h"
#include "controlplane/config/yaml_tree.h"

namespace lb::controlplane {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct DiagDeleter {
  void operator()(fy_diag* diag) const { fy_diag_destroy(diag); }
};
struct ParserDeleter {
  void operator()(fy_parser* parser) const { fy_parser_destroy(parser); }
};

// libfyaml's parser with its messages collected instead of printed.
class Parser final {
 public:
  explicit Parser(std::string_view text) {
    fy_diag_cfg diag{};
    fy_diag_cfg_default(&diag);
    diag.fp = nullptr;
    diag.output_fn = [](fy_diag*, void*, const char*, size_t) {};
    diag_.reset(fy_diag_create(&diag));
    LB_CHECK(diag_ != nullptr);
    fy_diag_set_collect_errors(diag_.get(), true);
    fy_parse_cfg config{};
    config.flags =
        static_cast<fy_parse_cfg_flags>(FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE |
                                        FYPCF_DEFAULT_VERSION_1_2 | FYPCF_DISABLE_ACCELERATORS);
    config.diag = diag_.get();
    parser_.reset(fy_parser_create(&config));
    LB_CHECK(parser_ != nullptr);
    LB_CHECK(fy_parser_set_string(parser_.get(), text.data(), text.size()) == 0);
  }

  fy_event* Next() { return fy_parser_parse(parser_.get()); }
  void Free(fy_event* event) { fy_parser_event_free(parser_.get(), event); }
  bool failed() { return fy_parser_get_stream_error(parser_.get()); }

  // The first message, or nullptr.
  const fy_diag_error* FirstError() {
    void* iterator = nullptr;
    return fy_diag_errors_iterate(diag_.get(), &iterator);
  }

 private:
  std::unique_ptr<fy_diag, DiagDeleter> diag_;
  std::unique_ptr<fy_parser, ParserDeleter> parser_;
};

std::string_view TokenText(fy_token* token) {
  if (token == nullptr) return "";
  size_t length = 0;
  const char* text = fy_token_get_text(token, &length);
  return text == nullptr ? std::string_view() : std::string_view(text, length);
}

class Reader final {
 public:
  Reader(const SourceText& source, FindingList& findings)
      : source_(source),
        findings_(findings),
        skipped_(source.text().substr(0, kByteOrderMark.size()) == kByteOrderMark
                     ? static_cast<uint32_t>(kByteOrderMark.size())
                     : 0),
        parser_(source.text().substr(skipped_)),
        tree_(&findings) {}

  std::optional<YamlNode> Read() {
    bool going = true;
    while (going) {
      fy_event* event = parser_.Next();
      if (event == nullptr) break;
      going = Take(*event);
      parser_.Free(event);
    }
    if (!going) return std::nullopt;
    if (parser_.failed()) {
      ReportSyntaxError();
      return std::nullopt;
    }
    return tree_.TakeRoot();
  }

 private:
  bool Take(fy_event& event) {
    const Span span = SpanOf(event);
    switch (event.type) {
      case FYET_DOCUMENT_START:
        return TakeDocument(event, span);
      case FYET_MAPPING_START:
        return NoTag(event.mapping_start.tag) && tree_.Begin(YamlNode::Kind::kMap, FirstByte(span),
                                                             TokenText(event.mapping_start.anchor));
      case FYET_SEQUENCE_START:
        return NoTag(event.sequence_start.tag) &&
               tree_.Begin(YamlNode::Kind::kList, FirstByte(span),
                           TokenText(event.sequence_start.anchor));
      case FYET_MAPPING_END:
      case FYET_SEQUENCE_END:
        return tree_.End();
      case FYET_SCALAR:
        return TakeScalar(event, span);
      case FYET_ALIAS:
        return tree_.Alias(TokenText(event.alias.anchor), span);
      default:
        return true;
    }
  }

  bool TakeDocument(fy_event& event, Span span) {
    if (++documents_ > 1)
      return Refuse(codes::kManyDocuments, span, "a second document begins here", "keep only one");
    const fy_version* version = fy_document_start_event_version(&event);
    if (version != nullptr && (version->major != 1 || version->minor != 2))
      return Refuse(codes::kUnsupportedYaml, span, "only YAML 1.2 is read", "remove %YAML");
    return true;
  }

  bool TakeScalar(fy_event& event, Span span) {
    if (!NoTag(event.scalar.tag)) return false;
    YamlNode node;
    fy_token* token = event.scalar.value;
    const fy_scalar_style style = token == nullptr ? FYSS_PLAIN : fy_token_scalar_style(token);
    node.plain = style == FYSS_PLAIN;
    node.text = std::string(TokenText(token));
    node.span = span;
    // libfyaml's marks leave the quotes out.
    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) {
      if (node.span.begin > skipped_) --node.span.begin;
      ++node.span.end;
    }
    return tree_.Scalar(std::move(node), TokenText(event.scalar.anchor));
  }

  // Tags would let a file say of a value that it is of another type than the key's.
  bool NoTag(fy_token* tag) {
    if (tag == nullptr) return true;
    const fy_mark* mark = fy_token_start_mark(tag);
    const uint32_t begin =
        mark == nullptr ? last_end_ : static_cast<uint32_t>(mark->input_pos) + skipped_;
    return Refuse(codes::kUnsupportedYaml, {begin, begin + 1}, "tags (!...) are not read",
                  "remove the tag");
  }

  // An event without marks (an empty value) stands where the last one ended.
  Span SpanOf(fy_event& event) {
    const fy_mark* begin = fy_event_start_mark(&event);
    const fy_mark* end = fy_event_end_mark(&event);
    Span span{last_end_, last_end_};
    if (begin != nullptr)
      span.begin = span.end = static_cast<uint32_t>(begin->input_pos) + skipped_;
    if (end != nullptr)
      span.end = std::max(span.begin, static_cast<uint32_t>(end->input_pos) + skipped_);
    last_end_ = span.end;
    return span;
  }

  static Span FirstByte(Span span) { return {span.begin, span.begin + 1}; }

  bool Refuse(std::string_view code, Span span, std::string message, std::string hint) {
    findings_.Add({.code = code,
                   .span = span,
                   .field = tree_.Path(),
                   .message = std::move(message),
                   .hint = std::move(hint)});
    return false;
  }

  void ReportSyntaxError();

  // Without a field: where the text breaks off says little about what it belongs to.
  void Add(std::string_view code, Span span, std::string message, std::string hint) {
    findings_.Add(
        {.code = code, .span = span, .message = std::move(message), .hint = std::move(hint)});
  }

  const SourceText& source_;
  FindingList& findings_;
  const uint32_t skipped_;  // Bytes of a byte order mark.
  Parser parser_;
  YamlTreeBuilder tree_;
  size_t documents_ = 0;
  uint32_t last_end_ = 0;
};

// Whether the white space a line begins with has a tab in it.
bool IndentsWithTab(std::string_view line) {
  const size_t content = line.find_first_not_of(" \t");
  return line.substr(0, content).find('\t') != std::string_view::npos;
}

// What most often is behind a syntax error in such a line.
std::string_view SyntaxHint(std::string_view line, bool at_end) {
  if (at_end) return "the file ends here; is it complete?";
  if (line.find("${") != std::string_view::npos)
    return "inside { } and [ ] write \"${...}\" in quotes";
  if (line.find("]:") != std::string_view::npos) return "write addresses with brackets in quotes";
  return "";
}

void Reader::ReportSyntaxError() {
  const fy_diag_error* error = parser_.FirstError();
  uint32_t line = 1;
  uint32_t column = 1;
  std::string message = "not YAML";
  if (error != nullptr && error->line > 0) {
    line = static_cast<uint32_t>(error->line);
    column = static_cast<uint32_t>(std::max(error->column, 1));
    if (error->msg != nullptr && *error->msg != '\0') message = error->msg;
  }
  // The parser names the place where it noticed, which may be the line after the tab.
  for (uint32_t at : {line > 1 ? line - 1 : line, line, line + 1}) {
    if (!IndentsWithTab(source_.Line(at))) continue;
    const auto tab = static_cast<uint32_t>(source_.Line(at).find('\t'));
    const uint32_t offset = source_.OffsetOf(at, 1) + tab;
    return Add(codes::kTab, {offset, offset + 1}, "a tab indents this line",
               "YAML indents with spaces");
  }
  uint32_t last = source_.line_count();
  while (last > 1 && source_.Line(last).find_first_not_of(" \t") == std::string_view::npos) --last;
  const bool at_end = line > last;
  if (at_end) {
    line = last;
    column = UINT32_MAX;
  }
  const uint32_t offset = source_.OffsetOf(line, column);
  Add(codes::kSyntax, {offset, offset + 1}, std::move(message),
      std::string(SyntaxHint(source_.Line(line), at_end)));
}

}  // namespace

std::optional<YamlNode> ReadYaml(const SourceText& source, FindingList& findings) {
  return Reader(source, findings).Read();
}

}  // namespace lb::controlplane
