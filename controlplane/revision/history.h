// The revisions of the configuration: the newest contents with where they came from, by number.
//
// A new content gets the next number, over all restarts. What is kept is bounded in count and
// bytes; the newest one and the one before it always stay, since a rollback needs them.
// Threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "lb/admin/v1/config.pb.h"
#include "lb/state/v1/state.pb.h"
#include "lb/type/v1/type.pb.h"

namespace lb::controlplane {

// Where a content came from, and who says so.
struct Origin {
  admin::v1::Config::Source source = admin::v1::Config::SOURCE_FILE;
  std::string author;
  std::string message;
};

struct Revision {
  uint64_t number = 0;
  std::string content;
  std::string digest;  // SHA-256 of the content, raw.
  WallTime time{};
  Origin origin{};
  type::v1::ConfigVersion version{};  // Of the first snapshot made from it; epoch 0: none yet.
};

class History final {
 public:
  static constexpr size_t kMaxRevisions = 20;
  static constexpr size_t kMaxBytes = 32u << 20;
  // Longest author and message kept.
  static constexpr size_t kMaxTextBytes = 1024;

  // What was stored, with the contents found on disk; one without content, or with another one than
  // was stored, is dropped.
  void Restore(const state::v1::StoredState& state, std::map<uint64_t, std::string> contents);
  void Store(state::v1::StoredState& state) const;

  // Makes the next revision and returns it. `dropped` gets the numbers that are kept no more.
  Revision& Add(std::string content, std::string digest, WallTime time, Origin origin,
                std::vector<uint64_t>& dropped);

  // nullptr when there is none.
  const Revision* newest() const;
  Revision* newest();
  // Where a rollback without a name goes: the newest kept one with another content that was not
  // itself rolled back automatically.
  const Revision* previous() const;
  const Revision* Find(uint64_t number) const;

  // By number.
  const std::map<uint64_t, Revision>& all() const { return revisions_; }

 private:
  std::map<uint64_t, Revision> revisions_;
  uint64_t last_ = 0;
};

// The etag of a content with this digest (AIP-154), quoted as RFC 9110 8.8.3 wants it.
std::string EtagOf(const std::string& digest);

}  // namespace lb::controlplane
