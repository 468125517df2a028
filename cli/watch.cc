#include "cli/watch.h"

#include <boost/json.hpp>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/get.h"
#include "cli/json.h"
#include "cli/poller.h"
#include "cli/status.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

namespace json = boost::json;

// What of a row matters to a reader: everything but columns that change by themselves.
std::string RowKey(const std::vector<Column>& columns, const Row& row) {
  std::string key;
  for (size_t i = 0; i < row.size(); ++i)
    if (!columns[i].changes_alone) absl::StrAppend(&key, row[i].text, absl::string_view("\0", 1));
  return key;
}

// Appends what changed since the round before.
class Changes final {
 public:
  Changes(const Globals& globals, Type type) : globals_(globals), type_(type) {}

  void Show(const Items& items) {
    std::map<std::string, std::string> now;
    Items changed;
    for (const Item& item : items) {
      std::string key = KeyOf(item);
      const auto before = keys_.find(NameOf(item));
      if (before == keys_.end() || before->second != key) changed.push_back(item);
      now[NameOf(item)] = std::move(key);
    }
    const std::map<std::string, std::string> before = std::exchange(keys_, std::move(now));
    Print(changed, before);
    for (const auto& [name, key] : before)
      if (keys_.count(name) == 0) PrintGone(name);
  }

 private:
  bool IsTable() const {
    return globals_.output == Output::kTable || globals_.output == Output::kWide;
  }

  std::string KeyOf(const Item& item) const {
    if (!IsTable()) return ChangeKey(item);
    const bool wide = globals_.output == Output::kWide;
    return RowKey(ColumnsOf(type_, wide), RowOf(item, wide, ReadClocks().wall));
  }

  void Print(const Items& changed, const std::map<std::string, std::string>& before) {
    if (IsTable()) return PrintRows(changed);
    std::string out;
    for (const Item& item : changed) {
      const char* what = before.count(NameOf(item)) == 0 ? "ADDED" : "MODIFIED";
      out += RenderEvent(what, NameOf(item), ToJson(item));
    }
    WriteOut(out);
  }

  std::string RenderEvent(const char* what, const std::string& name, json::value object) const {
    if (globals_.output == Output::kName) return Escape(name) + "\n";
    const json::object event = {
        {"type", what}, {"kind", ItemKind(type_)}, {"object", std::move(object)}};
    return globals_.output == Output::kJson ? ToCompactJson(event) + "\n" : "---\n" + ToYaml(event);
  }

  void PrintRows(const Items& changed) {
    if (changed.empty()) return;
    const bool wide = globals_.output == Output::kWide;
    Table table(ColumnsOf(type_, wide));
    for (const Item& item : changed) table.Add(RowOf(item, wide, ReadClocks().wall));
    const bool first = widths_.empty();
    widths_ = table.Widths(widths_);
    std::string out;
    if (first && globals_.headers) out += table.RenderHeader(widths_);
    for (const Row& row : table.rows()) out += table.RenderRow(row, widths_, globals_.color);
    WriteOut(out);
  }

  void PrintGone(const std::string& name) const {
    if (globals_.output == Output::kJson || globals_.output == Output::kYaml)
      WriteOut(RenderEvent("DELETED", name, json::object{{"name", name}}));
    else if (!globals_.quiet)
      WriteErr(absl::StrCat(Escape(name), " is gone\n"));
  }

  const Globals& globals_;
  const Type type_;
  std::map<std::string, std::string> keys_;  // By resource name.
  std::vector<size_t> widths_;
};

bool Redraws(const Globals& globals) {
  return StdoutIsTty() && (globals.output == Output::kTable || globals.output == Output::kWide);
}

std::string TroubleLine(const Poller& poller) {
  return poller.trouble().ok() ? "" : "\n! old data: " + RenderError(poller.trouble());
}

}  // namespace

absl::StatusOr<ExitCode> RunWatchGet(const Globals& globals, const Selection& selection) {
  Poller poller(globals);
  Changes changes(globals, selection.type);
  Found found;
  while (true) {
    LB_RETURN_IF_ERROR(poller.Poll([&](AdminClient& client) -> absl::Status {
      LB_ASSIGN_OR_RETURN(found, Fetch(client, selection));
      return absl::OkStatus();
    }));
    if (found.items.empty() && !found.missing.empty()) return found.missing[0].second;
    if (Redraws(globals)) {
      Redraw(RenderTable(globals, selection.type, found.items) + TroubleLine(poller));
    } else if (poller.trouble().ok()) {
      changes.Show(found.items);
    }
    Pause(kPollInterval);
  }
}

absl::StatusOr<ExitCode> RunWatchStatus(const Globals& globals) {
  Poller poller(globals);
  api::Status status;
  std::string last_key;
  while (true) {
    LB_RETURN_IF_ERROR(poller.Poll([&](AdminClient& client) -> absl::Status {
      LB_ASSIGN_OR_RETURN(status, client.GetStatus());
      return absl::OkStatus();
    }));
    api::Status without_time = status;
    without_time.clear_time();
    const std::string key = without_time.SerializeAsString();
    if (Redraws(globals)) {
      Redraw(RenderStatus(globals, status, true) + TroubleLine(poller));
    } else if (last_key != key) {
      const bool blank = !last_key.empty() && globals.output != Output::kJson;
      WriteOut((blank ? "\n" : "") + RenderStatus(globals, status, true));
    }
    last_key = key;
    Pause(kPollInterval);
  }
}

}  // namespace lb::cli
