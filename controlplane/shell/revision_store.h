// The contents of configurations kept for rollbacks: one file each in the state folder, readable by
// its owner only, since they may hold secrets. It blocks: for start-up and helper threads.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"

namespace lb::controlplane {

class RevisionStore final {
 public:
  // Files looked at when reading: more than are ever kept.
  static constexpr size_t kMaxFiles = 1000;

  // `folder` is made by the first Keep().
  explicit RevisionStore(std::string folder) : folder_(std::move(folder)) {}

  // The contents found, by number. One that cannot be read is logged and left out.
  std::map<uint64_t, std::string> Read() const;

  absl::Status Keep(uint64_t number, const std::string& content);
  absl::Status Drop(uint64_t number);

 private:
  std::string Name(uint64_t number) const;

  const std::string folder_;
};

}  // namespace lb::controlplane
