#include "cli/operation.h"

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "cli/json.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/views.h"

namespace lb::cli {
namespace {

constexpr std::chrono::milliseconds kInterval{250};  // A person waits.

}  // namespace

absl::StatusOr<api::Operation> FollowOperation(const Globals& globals, AdminClient& client,
                                               api::Operation operation, const std::string& what,
                                               std::chrono::milliseconds limit) {
  const Instant end = ReadClocks().steady + limit;
  std::string last;
  while (!operation.done() && ReadClocks().steady < end) {
    const std::string line = absl::StrCat(what, ": ", Escape(operation.status()), "\n");
    if (!globals.quiet && line != last) WriteErr(line);
    last = line;
    Pause(kInterval);
    LB_ASSIGN_OR_RETURN(operation, client.GetOperation(operation.name()));
  }
  return operation;
}

void PrintMessage(const Globals& globals, const google::protobuf::Message& message,
                  const std::string& name, const std::string& words) {
  if (globals.output == Output::kName) return WriteOut(Escape(name) + "\n");
  if (globals.output == Output::kTable || globals.output == Output::kWide)
    return WriteOut(words + "\n");
  const boost::json::value value = ToJson(message);
  WriteOut(globals.output == Output::kJson ? ToPrettyJson(value) : ToYaml(value));
}

}  // namespace lb::cli
