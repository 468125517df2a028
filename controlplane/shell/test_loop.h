// For tests of the shell's parts: an io_context run on the test's own thread until something is so,
// and the events that were posted. Threading: the sink may be called from any thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/check.h"
#include "controlplane/shell/event_sink.h"

namespace lb::controlplane {

class TestLoop final {
 public:
  // Far longer than anything takes: a test that reaches it has failed.
  static constexpr std::chrono::seconds kBound{30};

  boost::asio::io_context& io() { return io_; }

  EventSink sink() {
    return [this](Event event) {
      boost::asio::post(io_, [this, event = std::move(event)] { events_.push_back(event); });
    };
  }

  // Runs the io_context until `condition` holds; false when it does not within the bound.
  bool RunUntil(const std::function<bool()>& condition) {
    const auto give_up = std::chrono::steady_clock::now() + kBound;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(5));
    }
    return true;
  }

  // Runs for a while in which nothing of interest should happen.
  void RunFor(std::chrono::milliseconds time) {
    io_.restart();
    io_.run_for(time);
  }

  // The posted events of one kind, oldest first.
  template <typename T>
  std::vector<T> Of() const {
    std::vector<T> found;
    for (const Event& event : events_)
      if (const T* one = std::get_if<T>(&event)) found.push_back(*one);
    return found;
  }

 private:
  std::vector<Event> events_;
  boost::asio::io_context io_{1};
};

// A folder of the test's own whose path is short enough for a socket's (unix(7): 107 bytes), which
// TEST_TMPDIR is not.
class SocketFolder final {
 public:
  SocketFolder() { LB_CHECK(::mkdtemp(path_.data()) != nullptr); }
  ~SocketFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/lb-test-XXXXXX";
};

}  // namespace lb::controlplane
