#include "controlplane/loop/outlier_turn.h"

#include <chrono>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/admin/rule_answers.h"

namespace lb::controlplane {
namespace {

// `worker` is who said so, or nullptr.
void Tell(const std::vector<OutlierBook::Change>& changes, const WorkerKey* worker, Turn& turn) {
  for (const OutlierBook::Change& change : changes) {
    const std::string name = BackendName(change.backend.rule, change.backend.backend);
    LogFields fields{{"rule", change.backend.rule}, {"backend", change.backend.backend}};
    if (worker != nullptr) fields.emplace_back("worker", worker->id);
    if (!change.ejected) {
      turn.Emit("backend.returned", name, LogLevel::kInfo, "backend is no longer left out",
                std::move(fields));
      continue;
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(change.ejection.until - turn.now);
    fields.emplace_back("reason", change.ejection.reason);
    fields.emplace_back("failures", absl::StrCat(change.ejection.failures));
    fields.emplace_back("returns_in_ms", absl::StrCat(left.count()));
    turn.Emit("backend.ejected", name, LogLevel::kWarn,
              "backend fails real connections and is left out for a while", std::move(fields));
  }
}

}  // namespace

void NoteOutliers(const WorkerKey& worker, const worker::v1::StatsReport& stats, Parts& parts,
                  Turn& turn) {
  Tell(parts.outliers.Report(worker, stats, parts.live, turn.now), &worker, turn);
}

void ForgetOutliers(const WorkerKey& worker, Parts& parts, Turn& turn) {
  Tell(parts.outliers.Forget(worker, turn.now), &worker, turn);
}

void StepOutliers(Parts& parts, Turn& turn) { Tell(parts.outliers.Step(turn.now), nullptr, turn); }

}  // namespace lb::controlplane
