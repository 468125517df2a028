// The pages every probe and scraper asks for: /livez, /readyz, /metrics. Pure; threading: none.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/http_server.h"
#include "base/metrics.h"

namespace lb::controlplane {

// Where the pages' content comes from.
struct PageSources {
  std::function<bool()> ready;  // A configuration is in force.
  std::function<std::vector<MetricFamily>()> metrics;
};

// Returns the page at `path`, 404 for any other.
HttpReply RenderPage(const PageSources& sources, const std::string& path);

}  // namespace lb::controlplane
