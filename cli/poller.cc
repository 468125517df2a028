#include "cli/poller.h"

#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "cli/terminal.h"

namespace lb::cli {

absl::Status Poller::Try(const Ask& ask) {
  if (client_ == nullptr) {
    auto client = AdminClient::Connect({globals_.endpoints, globals_.timeout, globals_.verbose});
    if (!client.ok()) return client.status();
    client_ = *std::move(client);
  }
  return ask(*client_);
}

absl::Status Poller::Poll(const Ask& ask) {
  const absl::Status status = Try(ask);
  const bool first_trouble = trouble_.ok();
  if (status.ok()) {
    if (!first_trouble && !globals_.quiet) WriteErr("lbctl: the control plane answers again\n");
    answered_ = true;
    trouble_ = status;
    return status;
  }
  if (!answered_ || ExitCodeFor(status) != ExitCode::kUnreachable) return status;
  client_.reset();
  trouble_ = status;
  if (first_trouble && !globals_.quiet)
    WriteErr(absl::StrCat(RenderError(status), "  trying again until interrupted\n"));
  return absl::OkStatus();
}

void Redraw(std::string frame) {
  const size_t height = StdoutSize().rows;
  size_t end = 0;
  for (size_t line = 1; line < height && end < frame.size(); ++line) {
    const size_t next = frame.find('\n', end);
    end = next == std::string::npos ? frame.size() : next + 1;
  }
  if (height > 0 && end < frame.size()) frame = frame.substr(0, end) + "...";
  // ECMA-48: cursor home, erase below.
  WriteOut("\x1b[H\x1b[2J" + frame);
}

}  // namespace lb::cli
