#include "controlplane/admin/filter.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace lb::controlplane {
namespace {

bool IsSpace(char c) { return absl::ascii_isspace(static_cast<unsigned char>(c)); }

bool IsOfName(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
}

// What ends a word: space, and what a fuller grammar would give a meaning.
bool EndsWord(char c) {
  return IsSpace(c) || c == '(' || c == ')' || c == '"' || c == '\'' || c == ',';
}

}  // namespace

// Reads left to right; the first error stands.
class Filter::Parser final {
 public:
  Parser(std::string_view text, const google::protobuf::Descriptor& item)
      : text_(text), item_(item) {}

  Outcome<Filter> Run() {
    Filter filter;
    SkipSpace();
    while (at_ < text_.size()) {
      if (filter.terms_.size() == kMaxTerms)
        return Bad(absl::StrCat("more than ", kMaxTerms, " terms"));
      std::optional<Term> term = ReadTerm();
      if (!term) return *std::move(failure_);
      filter.terms_.push_back(*std::move(term));
      SkipSpace();
      if (at_ == text_.size()) return filter;
      if (ReadName() != "AND") return Bad("expected AND", begin_);
      SkipSpace();
      if (at_ == text_.size()) return Bad("a term is missing after AND");
    }
    return filter;
  }

 private:
  Failure Bad(const std::string& what) { return Bad(what, at_); }
  Failure Bad(const std::string& what, size_t at) {
    return FieldFailure("filter", absl::StrCat("column ", at + 1, ": ", what), "FILTER_INVALID");
  }
  std::nullopt_t Stop(const std::string& what, size_t at) {
    failure_ = Bad(what, at);
    return std::nullopt;
  }

  void SkipSpace() {
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
  }

  std::string ReadName() {
    begin_ = at_;
    while (at_ < text_.size() && IsOfName(text_[at_])) ++at_;
    return std::string(text_.substr(begin_, at_ - begin_));
  }

  std::optional<Term> ReadTerm() {
    const std::string name = ReadName();
    if (name.empty()) return Stop("expected a field", at_);
    std::optional<MessageField> path = MessageField::Resolve(item_, name);
    if (!path) return Stop(absl::StrCat("'", name, "' is no field of ", item_.name()), begin_);
    SkipSpace();
    const std::optional<Op> op = ReadOp();
    if (!op) return Stop("expected one of = != < <= > >= :", at_);
    SkipSpace();
    const size_t value_at = at_;
    const bool quoted = at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'');
    std::optional<std::string> text = quoted ? ReadQuoted() : ReadWord();
    if (!text) return std::nullopt;
    if (*op == Op::kHas && !quoted && *text == "*") return Term{*std::move(path), Op::kIsSet, true};
    std::optional<FieldValue> value = path->Parse(*text);
    if (!value && path->IsMessage())
      return Stop(absl::StrCat("'", name, "' is a message: name a field of it, or ask ':*'"),
                  begin_);
    if (!value) return Stop(absl::StrCat("'", *text, "' is no value of '", name, "'"), value_at);
    const bool contains = *op == Op::kHas && path->IsString();
    return Term{*std::move(path), *op == Op::kHas && !contains ? Op::kEqual : *op,
                *std::move(value)};
  }

  std::optional<Op> ReadOp() {
    static constexpr std::pair<std::string_view, Op> kOps[] = {
        {"!=", Op::kNotEqual}, {"<=", Op::kLessOrEqual}, {">=", Op::kGreaterOrEqual},
        {"=", Op::kEqual},     {"<", Op::kLess},         {">", Op::kGreater},
        {":", Op::kHas}};
    for (const auto& [sign, op] : kOps) {
      if (text_.substr(at_, sign.size()) != sign) continue;
      at_ += sign.size();
      return op;
    }
    return std::nullopt;
  }

  std::optional<std::string> ReadWord() {
    const size_t begin = at_;
    while (at_ < text_.size() && !EndsWord(text_[at_])) ++at_;
    if (at_ == begin) return Stop("expected a value", at_);
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::optional<std::string> ReadQuoted() {
    const size_t begin = at_;
    const char quote = text_[at_++];
    std::string value;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == quote) {
        ++at_;
        return value;
      }
      if (text_[at_] == '\\' && ++at_ == text_.size()) break;
      value += text_[at_];
    }
    return Stop("the quotes are not closed", begin);
  }

  const std::string_view text_;
  const google::protobuf::Descriptor& item_;
  size_t at_ = 0;
  size_t begin_ = 0;  // Of the last name.
  std::optional<Failure> failure_;
};

Outcome<Filter> Filter::Parse(std::string_view text, const google::protobuf::Descriptor& item) {
  if (text.size() > kMaxBytes)
    return FieldFailure("filter", absl::StrCat("longer than ", kMaxBytes, " bytes"),
                        "FILTER_INVALID");
  return Parser(text, item).Run();
}

bool Filter::Holds(const Term& term, const google::protobuf::Message& item) {
  if (term.op == Op::kIsSet) return term.path.IsSet(item);
  // What is not there is unequal to everything.
  if (term.op == Op::kNotEqual)
    return !term.path.Any(item, [&](const FieldValue& value) { return value == term.value; });
  return term.path.Any(item, [&](const FieldValue& value) {
    switch (term.op) {
      case Op::kLess:
        return value < term.value;
      case Op::kLessOrEqual:
        return value <= term.value;
      case Op::kGreater:
        return value > term.value;
      case Op::kGreaterOrEqual:
        return value >= term.value;
      case Op::kHas:
        return std::get<std::string>(value).find(std::get<std::string>(term.value)) !=
               std::string::npos;
      case Op::kEqual:
      case Op::kNotEqual:
      case Op::kIsSet:
        break;
    }
    return value == term.value;
  });
}

bool Filter::Matches(const google::protobuf::Message& item) const {
  return std::all_of(terms_.begin(), terms_.end(),
                     [&](const Term& term) { return Holds(term, item); });
}

}  // namespace lb::controlplane
