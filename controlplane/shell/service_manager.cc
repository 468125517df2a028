#include "controlplane/shell/service_manager.h"

#include <utility>

#include "base/time.h"

namespace lb::controlplane {

using boost::system::error_code;

ServiceManager::ServiceManager(boost::asio::io_context& io, const SdNotify* manager,
                               std::function<ServiceReports::State()> state)
    : reports_(manager), state_(std::move(state)), timer_(io) {}

void ServiceManager::Changed() {
  if (reports_.present()) reports_.Step(state_(), ReadClocks().steady);
}

void ServiceManager::ReloadBegins() { reports_.ReloadBegins(ReadClocks().steady); }

void ServiceManager::ReloadEnds() {
  reports_.ReloadEnds();
  Changed();
}

void ServiceManager::Tick() {
  if (!reports_.present()) return;
  reports_.Alive(ReadClocks().steady);
  Changed();
  timer_.expires_after(kTick);
  timer_.async_wait([this](const error_code& error) {
    if (!error) Tick();
  });
}

}  // namespace lb::controlplane
