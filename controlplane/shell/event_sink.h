// Where the parts of the shell put what happened. May be called from any thread; the event is
// handled later on the loop's thread, never inside the call, and in the order of the calls.
#pragma once

#include <functional>

#include "controlplane/loop/event.h"

namespace lb::controlplane {

using EventSink = std::function<void(Event event)>;

}  // namespace lb::controlplane
