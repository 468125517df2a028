#include "controlplane/loop/stored_override.h"

#include <algorithm>
#include <optional>

#include "controlplane/admin/proto_time.h"

namespace lb::controlplane {

void StoreOverride(const Override& override, state::v1::StoredState::Override& stored) {
  stored.set_admin_state(override.admin_state);
  if (override.weight) stored.set_weight(*override.weight);
  if (override.weight_percent) stored.set_weight_percent(*override.weight_percent);
  stored.set_author(override.author);
  *stored.mutable_set_time() = ToProto(override.set_time);
}

Override RestoreOverride(const state::v1::StoredState::Override& stored) {
  Override override{.admin_state = stored.admin_state(),
                    .weight = std::nullopt,
                    .weight_percent = std::nullopt,
                    .author = stored.author(),
                    .set_time = FromProto(stored.set_time())};
  if (stored.has_weight()) override.weight = std::min(stored.weight(), Overrides::kMaxWeight);
  if (stored.has_weight_percent())
    override.weight_percent = std::min(stored.weight_percent(), Overrides::kMaxPercent);
  return override;
}

}  // namespace lb::controlplane
