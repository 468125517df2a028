// What the words after `get` and `worker drain` name: a type, and resources of it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace lb::cli {

enum class Type { kRule, kBackend, kWorker, kOperation, kCertificate, kMember };

// "rules", "backends", "workers", "operations", "certificates", "members".
std::string Plural(Type type);

// "RuleList", "BackendList", "WorkerList": the kind of a JSON list; "Rule" ... of one.
std::string ListKind(Type type);
std::string ItemKind(Type type);

struct Selection {
  Type type = Type::kRule;
  // Full resource names, as written by the user one by one. A backend whose rule was not said has
  // "-" for it: "rules/-/backends/web-1". Empty: all.
  std::vector<std::string> names;
  std::string sort_by;   // COLUMN[:desc]; empty: the server's order.
  std::string rule;      // Only backends of this rule; empty: all.
  std::string filter{};  // What the server is to list; only without names. Empty: all.
};

// Parses "backends", "be", "rules web api", "rules/web", "backends/web/web-1",
// "rules/web/backends/web-1" and so on. `rule` is --rule, or "". InvalidArgument names the word.
absl::StatusOr<Selection> ParseSelection(const std::vector<std::string>& words,
                                         const std::string& rule);

// Returns the full name of an operation from "7" or "operations/7".
absl::StatusOr<std::string> ParseOperationName(std::string_view word);

// Returns the full name of a worker from "worker-1" or "workers/worker-1".
absl::StatusOr<std::string> ParseWorkerName(std::string_view word);

// Returns the full name of a member from "lb-1" or "members/lb-1".
absl::StatusOr<std::string> ParseMemberName(std::string_view word);

// Returns the last part of a resource name: "web-1" of "rules/web/backends/web-1".
std::string Leaf(std::string_view name);

// Returns the rule in a backend's resource name: "web" of "rules/web/backends/web-1".
std::string RuleOf(std::string_view name);

}  // namespace lb::cli
