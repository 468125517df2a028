#include "controlplane/admin/ticket_metrics.h"

#include <chrono>

namespace lb::controlplane {

void AddTicketMetrics(const View& view, std::vector<MetricFamily>& out) {
  using Type = MetricFamily::Type;
  const auto add = [&out](const char* name, const char* help, Type type, double value) {
    out.push_back({name, help, type, {{{}, value}}});
  };
  add("lb_ticket_keys", "Keys that TLS session tickets are opened with.", Type::kGauge,
      static_cast<double>(view.tickets.size()));
  add("lb_ticket_keys_shared",
      "1 if all other hosts of the cluster, one at least, have the key that seals here.",
      Type::kGauge, view.tickets.shared() ? 1 : 0);
  add("lb_ticket_key_rotations_total", "Times that another key began to seal.", Type::kCounter,
      static_cast<double>(view.tickets.rotations()));
  const TicketKey* const sealer = view.tickets.sealer();
  if (sealer == nullptr) return;
  add("lb_ticket_key_age_seconds", "Age of the key that seals.", Type::kGauge,
      std::chrono::duration<double>(view.clock.steady - sealer->made).count());
}

}  // namespace lb::controlplane
