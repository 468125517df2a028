#include "cli/resource.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "cli/exit_code.h"
#include "cli/suggest.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

struct TypeWord {
  const char* word;
  Type type;
};

constexpr TypeWord kTypeWords[] = {
    {"rules", Type::kRule},           {"rule", Type::kRule},           {"ru", Type::kRule},
    {"backends", Type::kBackend},     {"backend", Type::kBackend},     {"be", Type::kBackend},
    {"workers", Type::kWorker},       {"worker", Type::kWorker},       {"wo", Type::kWorker},
    {"operations", Type::kOperation}, {"operation", Type::kOperation}, {"op", Type::kOperation},
    {"members", Type::kMember},       {"member", Type::kMember},       {"me", Type::kMember},
};

using Parts = std::vector<std::string>;

absl::StatusOr<Type> ParseType(const std::string& word) {
  std::vector<std::string> known;
  for (const TypeWord& entry : kTypeWords) {
    if (word == entry.word) return entry.type;
    known.push_back(entry.word);
  }
  std::string hint = DidYouMean(word, known);
  if (hint.empty())
    hint = "types are rules (ru), backends (be), workers (wo), operations (op), members (me)";
  return UsageError(absl::StrCat("unknown resource type '", Escape(word), "'; ", hint));
}

absl::Status BadName(std::string_view word, const char* form) {
  return UsageError(absl::StrCat("'", Escape(word), "' is not the name of a ", form));
}

// The name of a resource from what follows its type: "web", or "web/web-1" for backends.
absl::StatusOr<std::string> FromParts(Type type, const Parts& parts, const std::string& rule,
                                      const std::string& word) {
  for (const std::string& part : parts)
    if (part.empty()) return UsageError(absl::StrCat("'", Escape(word), "' has an empty name"));
  if (type == Type::kRule) {
    if (parts.size() != 1) return BadName(word, "rule: write NAME or rules/NAME");
    return absl::StrCat("rules/", parts[0]);
  }
  if (type == Type::kWorker) {
    if (parts.size() != 1) return BadName(word, "worker: write NAME or workers/NAME");
    return absl::StrCat("workers/", parts[0]);
  }
  if (type == Type::kOperation) {
    if (parts.size() != 1) return BadName(word, "operation: write NUMBER or operations/NUMBER");
    return absl::StrCat("operations/", parts[0]);
  }
  if (type == Type::kMember) {
    if (parts.size() != 1) return BadName(word, "member: write NAME or members/NAME");
    return absl::StrCat("members/", parts[0]);
  }
  if (parts.size() == 1)
    return absl::StrCat("rules/", rule.empty() ? "-" : rule, "/backends/", parts[0]);
  if (parts.size() != 2) return BadName(word, "backend: write RULE/NAME");
  if (!rule.empty() && rule != parts[0])
    return UsageError(absl::StrCat("'", Escape(word), "' is not of --rule ", Escape(rule)));
  return absl::StrCat("rules/", parts[0], "/backends/", parts[1]);
}

bool IsFullBackendName(const Parts& parts) {
  return parts.size() == 4 && parts[0] == "rules" && parts[2] == "backends";
}

// TYPE/NAME in any of its forms; the type it names goes to `type`.
absl::StatusOr<std::string> ParseTypedName(const std::string& word, const std::string& rule,
                                           Type& type) {
  Parts parts = absl::StrSplit(word, '/');
  if (IsFullBackendName(parts)) {
    type = Type::kBackend;
    return FromParts(type, {parts[1], parts[3]}, rule, word);
  }
  LB_ASSIGN_OR_RETURN(type, ParseType(parts[0]));
  parts.erase(parts.begin());
  return FromParts(type, parts, rule, word);
}

// A NAME after its type was said; the type may be repeated in it ("rules/web").
absl::StatusOr<std::string> ParseName(Type type, const std::string& word, const std::string& rule) {
  Parts parts = absl::StrSplit(word, '/');
  if (type == Type::kBackend && IsFullBackendName(parts)) parts = {parts[1], parts[3]};
  const bool repeated =
      parts.size() > 1 && parts[0] == Plural(type) && (type != Type::kBackend || parts.size() == 3);
  if (repeated) parts.erase(parts.begin());
  return FromParts(type, parts, rule, word);
}

}  // namespace

std::string Plural(Type type) {
  if (type == Type::kOperation) return "operations";
  if (type == Type::kCertificate) return "certificates";
  if (type == Type::kMember) return "members";
  return type == Type::kRule ? "rules" : type == Type::kBackend ? "backends" : "workers";
}

std::string ItemKind(Type type) {
  if (type == Type::kOperation) return "Operation";
  if (type == Type::kCertificate) return "Certificate";
  if (type == Type::kMember) return "Member";
  return type == Type::kRule ? "Rule" : type == Type::kBackend ? "Backend" : "Worker";
}

std::string ListKind(Type type) { return ItemKind(type) + "List"; }

absl::StatusOr<Selection> ParseSelection(const std::vector<std::string>& words,
                                         const std::string& rule) {
  if (words.empty())
    return UsageError(
        "what to get is missing",
        "types are rules (ru), backends (be), workers (wo), operations (op), members (me)");
  Selection selection;
  // "rules/web" is accepted where a bare "web" is.
  selection.rule = rule.rfind("rules/", 0) == 0 ? rule.substr(6) : rule;
  const bool typed = words[0].find('/') != std::string::npos;
  if (!typed && words[0].find(',') != std::string::npos)
    return UsageError(absl::StrCat("'", Escape(words[0]), "': one type at a time"),
                      "write one command for each type");
  if (!typed) {
    LB_ASSIGN_OR_RETURN(selection.type, ParseType(words[0]));
  }
  for (size_t i = typed ? 0 : 1; i < words.size(); ++i) {
    Type type = selection.type;
    absl::StatusOr<std::string> name = typed ? ParseTypedName(words[i], selection.rule, type)
                                             : ParseName(type, words[i], selection.rule);
    if (!name.ok()) return name.status();
    if (typed && i > 0 && type != selection.type)
      return UsageError("names of different types in one command",
                        "write one command for each type");
    selection.type = type;
    selection.names.push_back(*name);
  }
  if (!rule.empty() && selection.type != Type::kBackend)
    return UsageError(absl::StrCat("--rule is for backends, not for ", Plural(selection.type)));
  return selection;
}

absl::StatusOr<std::string> ParseWorkerName(std::string_view word) {
  return ParseName(Type::kWorker, std::string(word), "");
}

absl::StatusOr<std::string> ParseOperationName(std::string_view word) {
  return ParseName(Type::kOperation, std::string(word), "");
}

absl::StatusOr<std::string> ParseMemberName(std::string_view word) {
  return ParseName(Type::kMember, std::string(word), "");
}

std::string Leaf(std::string_view name) {
  const size_t slash = name.rfind('/');
  return std::string(slash == std::string_view::npos ? name : name.substr(slash + 1));
}

std::string RuleOf(std::string_view name) {
  const Parts parts = absl::StrSplit(absl::string_view(name.data(), name.size()), '/');
  return parts.size() >= 2 ? parts[1] : "";
}

}  // namespace lb::cli
