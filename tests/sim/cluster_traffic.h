// Clients of a simulated cluster: they open connections at hosts by a pattern and hold them for a
// while, and what they were let do is counted. Threading: none.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/prng.h"
#include "tests/sim/cluster_host.h"
#include "tests/sim/event_queue.h"

namespace lb::sim {

class ClusterTraffic final {
 public:
  // At which hosts a client connects; one that is down is passed over for the next.
  enum class Pattern : uint8_t {
    kUniform,
    kSkewed,  // Half of it at one host, half of the rest at the next, and so on.
    kOneHost,
    kMoving,  // At one host, for three seconds.
  };
  // "moving"
  static const char* NameOf(Pattern pattern);
  static constexpr std::array<Pattern, 4> kPatterns{Pattern::kUniform, Pattern::kSkewed,
                                                    Pattern::kOneHost, Pattern::kMoving};
  static constexpr std::chrono::seconds kMoveEvery{3};
  // Seconds of a window in which rates are looked at.
  static constexpr size_t kWindow = 10;
  // So long after the last disturbance windows count as calm: what hosts think of a client's bucket
  // differs for a while.
  static constexpr std::chrono::seconds kSettle{20};

  struct Client {
    std::string rule;
    double per_s = 0;  // Connections that it tries, on average (a Poisson process).
    Duration hold{};   // Of a connection, on average (exponential).
    Pattern pattern = Pattern::kUniform;
    size_t home = 0;  // The first of its hosts.
  };
  // Let in by the rate limit in a window, in connections per second.
  struct Extremes {
    double least = 1e9;
    double most = 0;
  };
  struct Record {
    Client client;
    uint64_t arrived = 0;
    uint64_t admitted = 0;  // By the rate limit.
    uint64_t opened = 0;
    std::vector<uint32_t> seconds{};  // Admitted in each of the last kWindow, the newest last.
    Extremes calm{};                  // Over windows without a disturbance.
    Extremes disturbed{};
    double window_per_s = -1;  // The last window; below 0: there was none yet.
    bool window_is_calm = false;
  };
  struct Seams {
    EventQueue& queue;
    const std::vector<std::unique_ptr<ClusterHost>>& hosts;
    // A connection was opened.
    std::function<void(size_t host, const std::string& rule, const std::string& backend)> opened;
    std::function<void(uint64_t)> trace;
  };

  ClusterTraffic(uint64_t seed, Seams seams) : seams_(std::move(seams)), prng_(seed) {}

  // A client with an address of its own begins, with the whole burst.
  void Add(const Client& client);
  // Something happens that rates suffer from.
  void Disturb() { disturbed_at_ = seams_.queue.now(); }
  // Call it each second.
  void CloseSecond();

  const std::vector<Record>& records() const { return records_; }
  // Windows begin anew.
  void ForgetWindows();
  // What was the least and the most so far does.
  void ForgetExtremes();
  // Over all clients of a rule, whatever the times.
  Extremes Of(const std::string& rule) const;

 private:
  void Arrive(size_t client);
  size_t ChooseHost(const Client& client);
  SimWorker* ChooseWorker(size_t host);
  Duration Exponential(double mean_s);
  static SocketAddress AddressOf(size_t client);

  const Seams seams_;
  Prng prng_;
  std::vector<Record> records_;
  std::vector<uint32_t> this_second_;
  Instant disturbed_at_{};
};

}  // namespace lb::sim
