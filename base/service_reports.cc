#include "base/service_reports.h"

namespace lb {

void ServiceReports::Step(const State& state, Instant now) {
  if (!present()) return;
  const bool was_ready = told_ready_;
  if (state.stopping && !told_stopping_) told_stopping_ = manager_->Stopping().ok();
  if (state.stopping && now >= next_extension_ && manager_->ExtendTimeout(kExtension).ok())
    next_extension_ = now + kExtensionInterval;
  if (state.ready && !told_ready_ && !reloading_ && !state.stopping)
    told_ready_ = manager_->Ready().ok();
  // What it waited for until now must not stand beside "ready".
  if (told_ready_ && !was_ready) next_status_ = now;
  if (now < next_status_ || state.status == told_status_) return;
  if (!manager_->Status(state.status).ok()) return;
  told_status_ = state.status;
  next_status_ = now + kStatusInterval;
}

// Half of the timeout, as sd_watchdog_enabled(3) has it.
void ServiceReports::Alive(Instant now) {
  if (!present() || !manager_->watchdog_timeout() || now < next_watchdog_) return;
  if (manager_->Watchdog().ok()) next_watchdog_ = now + *manager_->watchdog_timeout() / 2;
}

void ServiceReports::ReloadBegins(Instant now) {
  if (!present() || !told_ready_ || !manager_->Reloading(now).ok()) return;
  reloading_ = true;
  told_ready_ = false;
}

}  // namespace lb
