// Asks again and again over one connection, and rides over a control plane that restarts.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "cli/client.h"
#include "cli/globals.h"

namespace lb::cli {

class Poller final {
 public:
  using Ask = std::function<absl::Status(AdminClient&)>;

  explicit Poller(const Globals& globals) : globals_(globals) {}

  // Connects when needed and calls `ask`. An error of the first call is returned; later ones of the
  // connection are said once and give OK, since the next call may do better. Sets `trouble()`.
  absl::Status Poll(const Ask& ask);

  // What is wrong with the connection now, or OK.
  const absl::Status& trouble() const { return trouble_; }

 private:
  absl::Status Try(const Ask& ask);

  const Globals& globals_;
  std::unique_ptr<AdminClient> client_;
  absl::Status trouble_;
  bool answered_ = false;
};

// Clears the terminal and shows `frame`, cut to its height: one write, so that nothing flickers.
void Redraw(std::string frame);

}  // namespace lb::cli
