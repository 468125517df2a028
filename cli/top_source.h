// What `lbctl top` asks of the control plane, on a thread of its own: a call that hangs must not
// hold up the keys. gRPC stays behind AdminClient.
//
// Threading: all functions from one thread; answers come through Take().
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "cli/client.h"
#include "cli/globals.h"
#include "cli/top_rows.h"
#include "cli/top_view.h"

namespace lb::cli {

// One round: connects when `client` is empty, and empties it when the connection fails.
absl::StatusOr<TopSample> TakeTopSample(const Globals& globals, Type type,
                                        std::unique_ptr<AdminClient>& client);

class TopSource final {
 public:
  // What came of an order.
  struct Answer {
    TopOrder order;
    absl::Status status;              // Of the call.
    std::optional<TopSample> sample;  // kSample that went well.
    std::string text;                 // kDescribe: the description; kDrain: what happened.
  };

  explicit TopSource(const Globals& globals, std::unique_ptr<AdminClient> client);
  // Does not wait for a call that hangs: its thread is left to the end of the process.
  ~TopSource();
  TopSource(const TopSource&) = delete;
  TopSource& operator=(const TopSource&) = delete;

  // Orders are carried out one after the other. At most one sample waits.
  void Ask(const TopOrder& order);

  // Whether a sample was asked for and is not here yet.
  bool sampling() const { return sampling_; }

  // Readable when there is an answer.
  int fd() const;

  // The answers so far.
  std::vector<Answer> Take();

 private:
  struct Shared;
  static void Run(std::shared_ptr<Shared> shared);

  std::shared_ptr<Shared> shared_;
  bool sampling_ = false;
};

}  // namespace lb::cli
