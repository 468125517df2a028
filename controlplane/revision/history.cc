#include "controlplane/revision/history.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "controlplane/admin/proto_time.h"

namespace lb::controlplane {

void History::Restore(const state::v1::StoredState& state,
                      std::map<uint64_t, std::string> contents) {
  last_ = state.last_revision();
  // Without the state too no number is given twice: its content may still be kept.
  if (!contents.empty()) last_ = std::max(last_, contents.rbegin()->first);
  for (const state::v1::StoredState::Revision& stored : state.revisions()) {
    const auto content = contents.find(stored.number());
    if (content == contents.end() || Sha256(content->second) != stored.digest()) continue;
    Revision& revision = revisions_[stored.number()];
    revision.number = stored.number();
    revision.content = std::move(content->second);
    revision.digest = stored.digest();
    revision.time = FromProto(stored.create_time());
    revision.origin.source = admin::v1::Config::Source_IsValid(static_cast<int>(stored.source()))
                                 ? static_cast<admin::v1::Config::Source>(stored.source())
                                 : admin::v1::Config::SOURCE_UNSPECIFIED;
    revision.origin.author = stored.author();
    revision.origin.message = stored.message();
    revision.version = stored.version();
    last_ = std::max(last_, stored.number());
  }
}

void History::Store(state::v1::StoredState& state) const {
  state.set_last_revision(last_);
  for (const auto& [number, revision] : revisions_) {
    state::v1::StoredState::Revision& stored = *state.add_revisions();
    stored.set_number(number);
    stored.set_digest(revision.digest);
    *stored.mutable_create_time() = ToProto(revision.time);
    stored.set_source(static_cast<uint32_t>(revision.origin.source));
    stored.set_author(revision.origin.author);
    stored.set_message(revision.origin.message);
    *stored.mutable_version() = revision.version;
  }
}

Revision& History::Add(std::string content, std::string digest, WallTime time, Origin origin,
                       std::vector<uint64_t>& dropped) {
  Revision& fresh = revisions_[++last_];
  fresh.number = last_;
  fresh.content = std::move(content);
  fresh.digest = std::move(digest);
  fresh.time = time;
  fresh.origin = std::move(origin);
  fresh.origin.author = CutUtf8(fresh.origin.author, kMaxTextBytes);
  fresh.origin.message = CutUtf8(fresh.origin.message, kMaxTextBytes);
  size_t bytes = 0;
  for (const auto& [number, revision] : revisions_) bytes += revision.content.size();
  while (revisions_.size() > 2 && (revisions_.size() > kMaxRevisions || bytes > kMaxBytes)) {
    bytes -= revisions_.begin()->second.content.size();
    dropped.push_back(revisions_.begin()->first);
    revisions_.erase(revisions_.begin());
  }
  return fresh;
}

const Revision* History::newest() const {
  return revisions_.empty() ? nullptr : &revisions_.rbegin()->second;
}

Revision* History::newest() { return revisions_.empty() ? nullptr : &revisions_.rbegin()->second; }

const Revision* History::previous() const {
  const Revision* after = newest();
  for (auto at = revisions_.rbegin(); at != revisions_.rend(); ++at) {
    const Revision& revision = at->second;
    const bool given_up =
        after->origin.source == admin::v1::Config::SOURCE_AUTOMATIC_ROLLBACK && after != &revision;
    if (revision.digest != newest()->digest && !given_up) return &revision;
    after = &revision;
  }
  return nullptr;
}

const Revision* History::Find(uint64_t number) const {
  const auto found = revisions_.find(number);
  return found == revisions_.end() ? nullptr : &found->second;
}

std::string EtagOf(const std::string& digest) { return absl::StrCat("\"", ToHex(digest), "\""); }

}  // namespace lb::controlplane
