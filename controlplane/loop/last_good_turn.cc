#include "controlplane/loop/last_good_turn.h"

#include <algorithm>

#include "controlplane/loop/config_call_turn.h"
#include "controlplane/snapshot/encode.h"

namespace lb::controlplane {

void NoteRan(const type::v1::ConfigVersion& version, Parts& parts, Turn& turn) {
  const Revision* newest = parts.history.newest();
  if (!parts.versions.Ran(version) || newest == nullptr) return;
  if (parts.ran_revision == newest->number) return;
  parts.ran_revision = newest->number;
  turn.dirty = true;
}

void AskForLastGood(Parts& parts, Turn& turn) {
  if (parts.last_good_asked || !parts.versions.has_content()) return;
  if (parts.versions.last_good() != nullptr) return;
  const auto& sessions = parts.workers.sessions();
  const bool wanted = std::any_of(sessions.begin(), sessions.end(), [&](const auto& session) {
    return parts.workers.Find(session.second)->lane.WantsLastGood();
  });
  const Revision* ran = parts.history.Find(parts.ran_revision);
  if (!wanted || ran == nullptr || ran == parts.history.newest()) return;
  // Where too many are being checked already, a later turn asks.
  ConfigQuestion question;
  question.kind = ConfigQuestion::Kind::kLastGood;
  parts.last_good_asked = !Ask(question, ran->content, parts, turn);
}

void TakeLastGood(const ConfigRead& read, Parts& parts) {
  const Revision* ran = parts.history.Find(parts.ran_revision);
  // What it names may be gone since, such as a variable: then there is nothing older to run.
  if (!read.config || ran == nullptr || ran->digest != read.digest) return;
  if (parts.versions.last_good() != nullptr) return;
  LiveRules live = Expand(*read.config, parts.resolver.addresses(), parts.services.services());
  parts.overrides.Apply(live);
  parts.versions.SetLastGood(Encode(live, read.material.get()), ran->version);
}

}  // namespace lb::controlplane
