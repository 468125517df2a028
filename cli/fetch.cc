// Fetching what `get` asks for, and finding the names closest to those that do not exist.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/get.h"
#include "cli/sort.h"
#include "cli/suggest.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

template <typename T>
absl::StatusOr<Items> ToItems(absl::StatusOr<std::vector<T>> list) {
  if (!list.ok()) return list.status();
  Items items;
  items.reserve(list->size());
  for (T& one : *list) items.emplace_back(std::move(one));
  return items;
}

absl::StatusOr<Items> ListAll(AdminClient& client, Type type, const std::string& rule,
                              const std::string& filter = "") {
  if (type == Type::kRule) return ToItems(client.ListRules(filter));
  if (type == Type::kWorker) return ToItems(client.ListWorkers(filter));
  if (type == Type::kOperation) return ToItems(client.ListOperations(filter));
  if (type == Type::kCertificate) return ToItems(client.ListCertificates(filter));
  if (type == Type::kMember) return ToItems(client.ListMembers(filter));
  return ToItems(client.ListBackends(absl::StrCat("rules/", rule.empty() ? "-" : rule), filter));
}

template <typename T>
absl::StatusOr<Items> ToItems(absl::StatusOr<T> one) {
  if (!one.ok()) return one.status();
  return Items{Item(*std::move(one))};
}

bool IsAnyRule(const std::string& name) { return RuleOf(name) == "-"; }

// A backend whose rule was not said may exist in several rules; all of them are meant.
absl::StatusOr<Items> FindInAnyRule(AdminClient& client, const std::string& name) {
  LB_ASSIGN_OR_RETURN(Items items, ListAll(client, Type::kBackend, ""));
  const std::string leaf = Leaf(name);
  items.erase(std::remove_if(items.begin(), items.end(),
                             [&leaf](const Item& item) { return Leaf(NameOf(item)) != leaf; }),
              items.end());
  if (items.empty())
    return absl::NotFoundError(absl::StrCat("no rule has a backend '", Escape(leaf), "'"));
  return items;
}

absl::StatusOr<Items> GetOne(AdminClient& client, Type type, const std::string& name) {
  if (type == Type::kRule) return ToItems(client.GetRule(name));
  if (type == Type::kWorker) return ToItems(client.GetWorker(name));
  if (type == Type::kOperation) return ToItems(client.GetOperation(name));
  if (type == Type::kMember) return ToItems(client.GetMember(name));
  if (IsAnyRule(name)) return FindInAnyRule(client, name);
  return ToItems(client.GetBackend(name));
}

// Adds the closest existing name to a NotFound. A failure to list leaves the error as it is.
absl::Status WithSuggestion(AdminClient& client, Type type, const std::string& name,
                            absl::Status error) {
  if (error.code() != absl::StatusCode::kNotFound || SuggestsAlready(std::string(error.message())))
    return error;
  const absl::StatusOr<Items> all = ListAll(client, type, "");
  if (!all.ok()) return error;
  std::vector<std::string> names;
  std::vector<std::string> leaves;
  for (const Item& item : *all) {
    names.push_back(NameOf(item));
    leaves.push_back(Leaf(NameOf(item)));
  }
  std::string hint = IsAnyRule(name) ? DidYouMean(Leaf(name), leaves) : DidYouMean(name, names);
  if (hint.empty()) hint = absl::StrCat("see: lbctl get ", Plural(type));
  SetHint(error, hint);
  return error;
}

// Once the connection is gone, asking for the other names only repeats the timeout.
bool EndsAll(const absl::Status& error) {
  const ExitCode code = ExitCodeFor(error);
  return code == ExitCode::kUnreachable || code == ExitCode::kRefused;
}

absl::StatusOr<Found> FetchUnsorted(AdminClient& client, const Selection& selection) {
  Found found;
  if (selection.names.empty()) {
    absl::StatusOr<Items> all = ListAll(client, selection.type, selection.rule, selection.filter);
    if (!all.ok())
      return WithSuggestion(client, Type::kRule, absl::StrCat("rules/", selection.rule),
                            all.status());
    found.items = *std::move(all);
    return found;
  }
  if (!selection.filter.empty())
    return UsageError("--filter picks from a list: leave out the names");
  for (const std::string& name : selection.names) {
    absl::StatusOr<Items> items = GetOne(client, selection.type, name);
    if (items.ok()) {
      std::move(items->begin(), items->end(), std::back_inserter(found.items));
      continue;
    }
    if (EndsAll(items.status())) return items.status();
    found.missing.emplace_back(name, WithSuggestion(client, selection.type, name, items.status()));
  }
  return found;
}

}  // namespace

absl::StatusOr<Found> Fetch(AdminClient& client, const Selection& selection) {
  LB_ASSIGN_OR_RETURN(Found found, FetchUnsorted(client, selection));
  if (!selection.sort_by.empty())
    LB_RETURN_IF_ERROR(SortItems(selection.type, selection.sort_by, found.items));
  return found;
}

}  // namespace lb::cli
