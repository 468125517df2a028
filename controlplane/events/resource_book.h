// What each watched resource was when it was looked at last, and in what order they changed.
//
// Every change has a number that only grows within one life of the control plane. A resource stands
// under the number of its newest change only: whoever comes back after a while gets what changed
// meanwhile, once, as it is now. So nothing has to be kept while nobody watches, and a look finds
// what happened since the last one. Threading: none.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "controlplane/admin/failure.h"
#include "lb/admin/v1/watch.pb.h"

namespace lb::controlplane {

// What somebody watches.
struct ResourceScope {
  std::vector<admin::v1::ResourceType> types;  // Sorted, each once.
  std::string parent;                          // Itself and what is below; empty: all.

  bool Has(admin::v1::ResourceType type, const std::string& name) const;
};

class ResourceBook final {
 public:
  // Deletions remembered for those who come back.
  static constexpr size_t kMaxGone = 10'000;

  struct Change {
    uint64_t number = 0;
    admin::v1::ResourceType type = admin::v1::RESOURCE_TYPE_UNSPECIFIED;
    std::string name;
    admin::v1::ResourceChange::Kind kind = admin::v1::ResourceChange::KIND_UNSPECIFIED;
  };

  explicit ResourceBook(std::string life) : life_(std::move(life)) {}

  // A look at all resources of a type: each is noted with a digest of its state, and those that
  // were not are gone.
  void BeginLook() { ++look_; }
  void Note(admin::v1::ResourceType type, const std::string& name, uint64_t state);
  void EndLook(admin::v1::ResourceType type);

  // Appends what changed after the number `after`, in the order of numbers, `most` at most, and
  // returns the number up to which all was said. What came and went after `after` is left out, and
  // so are deletions up to the number `begin`.
  uint64_t After(uint64_t after, uint64_t begin, const ResourceScope& scope, size_t most,
                 std::vector<Change>& changes) const;

  // The number of the newest change; 0 before the first.
  uint64_t newest() const { return newest_; }
  // Resources that are there.
  size_t size() const { return by_number_.size() - gone_.size(); }

  // What a watch of `scope` that has taken everything up to `number` goes on with.
  std::string TokenOf(uint64_t number, const ResourceScope& scope) const;
  // Its number. OutOfRange RESUME_TOKEN_TOO_OLD when a deletion after it may be forgotten, or it is
  // of another life; InvalidArgument RESUME_TOKEN_INVALID when it is no token of this scope.
  Outcome<uint64_t> Resume(const std::string& token, const ResourceScope& scope) const;

 private:
  struct Entry {
    uint64_t state = 0;
    uint64_t created = 0;  // The number under which it came.
    uint64_t changed = 0;
    uint64_t look = 0;  // That saw it last.
    bool gone = false;
  };
  using Entries = std::map<std::string, Entry>;
  struct Place {
    admin::v1::ResourceType type;
    Entries::iterator entry;
  };

  Entries& Of(admin::v1::ResourceType type) { return entries_.at(static_cast<size_t>(type)); }
  void Renumber(admin::v1::ResourceType type, Entries::iterator entry);
  void ForgetOldestGone();

  const std::string life_;
  std::array<Entries, admin::v1::ResourceType_ARRAYSIZE> entries_;
  std::map<uint64_t, Place> by_number_;
  std::map<uint64_t, Place> gone_;  // Of by_number_, those that are gone.
  uint64_t newest_ = 0;
  uint64_t forgotten_ = 0;  // The newest deletion that is remembered no more.
  uint64_t look_ = 0;
};

}  // namespace lb::controlplane
