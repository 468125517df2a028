#include "controlplane/shell/http_check.h"

#include <boost/asio/buffer.hpp>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"

namespace lb::controlplane {
namespace {

namespace http = boost::beast::http;

std::string RequestText(const StartProbe& request) {
  http::request<http::empty_body> get(http::verb::get, request.path, 11);
  get.set(http::field::host, request.host);
  get.set(http::field::user_agent, "lb-healthcheck");
  get.set(http::field::accept, "*/*");
  get.set(http::field::connection, "close");
  std::ostringstream text;
  text << get;
  return text.str();
}

}  // namespace

HttpCheck::HttpCheck(const StartProbe& request)
    : expect_status_(request.expect_status), output_(RequestText(request)) {
  parser_.header_limit(kMaxProbeHeaderBytes);
}

std::optional<ProbeResult> HttpCheck::Receive(std::string_view bytes) {
  unparsed_.append(bytes);
  boost::system::error_code error;
  const size_t taken = parser_.put(boost::asio::buffer(unparsed_), error);
  unparsed_.erase(0, taken);
  header_bytes_ += taken;
  if (parser_.is_header_done()) {
    const unsigned status = parser_.get().result_int();
    std::string detail = absl::StrCat("HTTP ", status);
    return status == expect_status_ ? ProbeResult::Passed(std::move(detail))
                                    : ProbeResult::Failed(std::move(detail));
  }
  const bool too_large = header_bytes_ + unparsed_.size() >= kMaxProbeHeaderBytes;
  if (error == http::error::header_limit || (error == http::error::need_more && too_large))
    return ProbeResult::Failed("response header too large");
  if (!error || error == http::error::need_more) return std::nullopt;
  return ProbeResult::Failed(absl::StrCat("not an HTTP response: ", error.message()));
}

ProbeResult HttpCheck::Ended() const {
  return ProbeResult::Failed("closed before a whole response header");
}

}  // namespace lb::controlplane
