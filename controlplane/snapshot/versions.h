// The version of what workers should run: (epoch, revision) only grows, whatever was stored or
// lost.
//
// An epoch belongs to one life of one control plane. When a worker shows a version that this life
// did not make, and that is not older, the epoch is raised above it, so that a lost state folder
// locks no worker out. Threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "controlplane/snapshot/encode.h"
#include "lb/type/v1/type.pb.h"

namespace lb::controlplane {

class Versions final {
 public:
  // Largest epoch ever: beyond any number of restarts, and far from overflow. An epoch that has
  // come so far, which only a wrong hello can bring about, stays there, so that workers that took
  // it over are still welcome; only revisions grow then.
  static constexpr uint64_t kEpochMax = uint64_t{1} << 62;

  // Starts a life after the one that stored `stored` (a default value when nothing was).
  explicit Versions(const type::v1::ConfigVersion& stored);

  // Takes new content; returns true when it differs from the current one, which gives a new
  // revision.
  bool SetContent(EncodedSnapshot content);

  // Looks at the version a worker runs; returns true when that raised the epoch. Requires an epoch
  // of at most kEpochMax.
  bool Observe(const type::v1::ConfigVersion& running);

  // False until the first SetContent.
  bool has_content() const { return has_content_; }
  // The current version. Requires has_content().
  const type::v1::ConfigVersion& current() const;
  // The serialised snapshot of the current version. Requires has_content().
  const std::string& bytes() const;

  // A snapshot that workers ran.
  struct Content {
    type::v1::ConfigVersion version;
    std::shared_ptr<const std::string> bytes;
  };

  // A worker runs this version; returns true when it is the current one, which is the last good one
  // from then on.
  bool Ran(const type::v1::ConfigVersion& version);

  // Sets the last good one as it was in an earlier life, under a version older than the current.
  // Requires has_content().
  void SetLastGood(EncodedSnapshot content, const type::v1::ConfigVersion& was);

  // What workers ran before the current content, for one that refuses the current and runs
  // nothing; nullptr when none is known. It is older than the current version, which therefore can
  // follow it.
  const Content* last_good() const;

  // What to store; before the first content, the epoch with the revision stored before.
  const type::v1::ConfigVersion& to_store() const { return current_; }

 private:
  // Revisions of this life that are remembered as ours. A worker acks at most one of them late;
  // one that shows an older one costs a needless new epoch, no more.
  static constexpr size_t kMaxRemembered = 256;

  void Remember();

  bool has_content_ = false;
  type::v1::ConfigVersion current_;
  std::shared_ptr<const std::string> bytes_;
  std::optional<Content> last_good_;
  std::map<std::pair<uint64_t, uint64_t>, std::string> ours_;  // (epoch, revision) to digest.
};

}  // namespace lb::controlplane
