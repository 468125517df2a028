// A health check by HTTP/1.1: one GET, judged by its status line.
//
// Source: RFC 9112. Bytes in, bytes out: knows no socket. Threading: none.
#pragma once

#include <boost/beast/http.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "controlplane/loop/action.h"
#include "controlplane/shell/probe_result.h"

namespace lb::controlplane {

class HttpCheck final {
 public:
  explicit HttpCheck(const StartProbe& request);

  // What is to be sent and was not taken yet.
  std::string TakeOutput() { return std::exchange(output_, {}); }
  // Takes what the backend sent. The result, once the header is whole or cannot become so.
  std::optional<ProbeResult> Receive(std::string_view bytes);
  // The result when the backend ends the connection before there is one.
  ProbeResult Ended() const;

 private:
  const unsigned expect_status_;
  std::string output_;
  std::string unparsed_;
  size_t header_bytes_ = 0;
  boost::beast::http::response_parser<boost::beast::http::empty_body> parser_;
};

}  // namespace lb::controlplane
