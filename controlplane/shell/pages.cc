#include "controlplane/shell/pages.h"

namespace lb::controlplane {
namespace {

constexpr int kNotFound = 404;
constexpr int kUnavailable = 503;
// prometheus.io/docs/instrumenting/exposition_formats, text format.
constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";

HttpReply Text(int status, std::string body) {
  HttpReply reply;
  reply.status = status;
  reply.body = std::move(body);
  return reply;
}

}  // namespace

HttpReply RenderPage(const PageSources& sources, const std::string& path) {
  if (path == "/livez") return Text(200, "ok\n");
  if (path == "/readyz")
    return sources.ready() ? Text(200, "ok\n") : Text(kUnavailable, "no configuration in force\n");
  if (path == "/metrics") {
    HttpReply reply = Text(200, RenderMetrics(sources.metrics()));
    reply.content_type = kMetricsType;
    return reply;
  }
  return Text(kNotFound, "not found; try /livez, /readyz or /metrics\n");
}

}  // namespace lb::controlplane
