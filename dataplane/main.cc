// lb-worker: flags and wiring. The main thread is the control thread.

#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/grpc_log.h"
#include "base/http_probe.h"
#include "base/log.h"
#include "base/sd_notify.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "base/version.h"
#include "dataplane/control/worker.h"
#include "dataplane/handover/manager_sockets.h"
#include "dataplane/http_door.h"
#include "dataplane/worker_flags.h"

namespace lb::dataplane {
namespace {

std::string Text(const absl::Status& status) {
  return std::string(status.message().data(), status.message().size());
}

// Every client costs two descriptors: take what the administrator allows at most.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    LogWarn("cannot raise the limit of open files", {{"error", std::strerror(errno)}});
  }
}

absl::StatusOr<std::string> RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  // getrandom(2): up to 256 bytes come whole once the kernel's pool is ready.
  if (::getrandom(bytes.data(), count, 0) != static_cast<ssize_t>(count)) {
    return absl::UnavailableError(absl::StrCat("getrandom: ", std::strerror(errno)));
  }
  return bytes;
}

absl::StatusOr<Worker::Options> MakeOptions(const WorkerFlags& flags) {
  constexpr size_t kIncarnationBytes = 16;
  Worker::Options options;
  options.control = flags.control;
  options.tls = flags.tls;
  options.tls_server_name = flags.tls_server_name;
  options.threads = flags.threads;
  options.max_connections = flags.max_connections;
  LB_ASSIGN_OR_RETURN(const std::string incarnation, RandomBytes(kIncarnationBytes));
  std::memcpy(&options.seed, incarnation.data(), sizeof options.seed);
  options.identity.set_id(flags.id);
  options.identity.set_incarnation(ToHex(incarnation));
  options.identity.set_version(kVersion);
  options.identity.set_pid(static_cast<uint32_t>(::getpid()));
  const auto since_epoch = ReadClocks().wall.time_since_epoch();
  options.identity.mutable_start_time()->set_seconds(
      std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count());
  return options;
}

// The first TERM or INT drains, after a time in which balancers in front look elsewhere; the next,
// or QUIT at any time, ends the process at once. After INT, which is RestartKillSignal= of our
// unit, another process comes for what the service manager stores. HUP opens the access log anew.
class Signals final {
 public:
  Signals(boost::asio::io_context& io, Worker& worker, const WorkerFlags& flags)
      : io_(io),
        worker_(worker),
        min_drain_(flags.min_drain),
        drain_timeout_(flags.drain_timeout),
        drain_(io),
        set_(io, SIGTERM, SIGINT, SIGQUIT) {
    set_.add(SIGHUP);
    Wait();
  }

 private:
  void Wait() {
    set_.async_wait([this](const boost::system::error_code& error, int signal) {
      if (!error) Handle(signal);
    });
  }

  void Handle(int signal) {
    if (signal == SIGHUP) {
      worker_.ReopenAccessLog();
      return Wait();
    }
    if (draining_ || signal == SIGQUIT) {
      LogInfo("ending at once", {{"signal", ::sigabbrev_np(signal)}});
      return io_.stop();
    }
    draining_ = true;
    LogInfo("draining", {{"signal", ::sigabbrev_np(signal)},
                         {"min_s", absl::StrCat(min_drain_.count())},
                         {"timeout_s", absl::StrCat(drain_timeout_.count())}});
    if (worker_.AnnounceDrain(signal == SIGINT) && min_drain_.count() > 0) {
      drain_.expires_after(min_drain_);
      drain_.async_wait([this](const boost::system::error_code& error) {
        if (!error) Drain();
      });
    } else {
      Drain();
    }
    Wait();
  }

  void Drain() {
    worker_.DrainToExit(drain_timeout_, [this] {
      LogInfo("drained");
      io_.stop();
    });
  }

  boost::asio::io_context& io_;
  Worker& worker_;
  const std::chrono::seconds min_drain_;
  const std::chrono::seconds drain_timeout_;
  boost::asio::steady_timer drain_;
  boost::asio::signal_set set_;
  bool draining_ = false;
};

// What to do about an address for the pages that cannot be had.
absl::Status Advise(const absl::Status& status, const WorkerFlags& flags) {
  if (status.ok()) return status;
  if (absl::IsNotFound(status)) {
    return absl::NotFoundError(absl::StrCat(
        status.message(), "; make its folder, or name another place with --http (and --control)"));
  }
  return absl::Status(status.code(),
                      absl::StrCat(status.message(), "; is another worker called ", flags.id,
                                   "? Give each its own --id, or another --http"));
}

absl::Status Serve(const WorkerFlags& flags) {
  // Before the first thread: it changes the environment.
  LB_ASSIGN_OR_RETURN(const SdNotify service_manager,
                      SdNotify::FromEnvironment(TakeFromEnvironment, ::getpid()));
  // Said at once, and not only when the control plane is first called.
  if (!flags.tls.none()) LB_RETURN_IF_ERROR(ReadTlsFiles(flags.tls).status());
  boost::asio::io_context io(1);
  LB_ASSIGN_OR_RETURN(Worker::Options options, MakeOptions(flags));
  options.service_manager = &service_manager;
  LB_ASSIGN_OR_RETURN(auto descriptors, TakeListenDescriptors(TakeFromEnvironment, ::getpid()));
  for (const auto& descriptor : descriptors) options.stored.push_back(descriptor.name);
  options.sockets = TakeManagerSockets(std::move(descriptors));
  if (!flags.wait_when_replaced) options.replaced_timeout = flags.drain_timeout;
  Worker* serving = nullptr;  // Its pages are asked for once the loop runs.
  HttpDoor http(io, flags.http, [&serving](const auto& path, const auto& respond) {
    respond(serving->Page(path));
  });
  options.on_serving = [&http] { http.Take(); };
  options.on_replaced = [&http] { http.Leave(); };
  options.on_alone_again = [&http] { http.Return(); };
  options.on_done = [&io] {
    LogInfo("drained: another process has taken over");
    io.stop();
  };
  Worker worker(io, std::move(options));
  serving = &worker;
  const Signals signals(io, worker, flags);
  worker.TakeOver();
  LB_RETURN_IF_ERROR(Advise(http.Open(worker.replaces()), flags));
  LB_RETURN_IF_ERROR(worker.Start());
  LogInfo("lb-worker started", {{"version", kVersion},
                                {"id", flags.id},
                                {"threads", absl::StrCat(flags.threads)},
                                {"control", flags.control.ToString()},
                                {"http", flags.http.ToString()}});
  io.run();
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  const ParsedFlags parsed = ParseFlags(argc, argv);
  if (!parsed.run) {
    std::fputs(parsed.output.c_str(), parsed.exit_code == 0 ? stdout : stderr);
    return parsed.exit_code;
  }
  if (!parsed.run->probe.empty()) {
    return HttpProbe::Run("lb-worker", parsed.run->http, parsed.run->probe);
  }
  if (const auto log = SetUpLog(parsed.run->log_level, parsed.run->log_format); !log.ok()) {
    std::fprintf(stderr, "lb-worker: %s\n", Text(log).c_str());
    return 2;
  }
  RouteGrpcLog();
  std::signal(SIGPIPE, SIG_IGN);
  RaiseDescriptorLimit();
  const absl::Status served = Serve(*parsed.run);
  if (served.ok()) return 0;
  LogError("lb-worker cannot serve", {{"error", Text(served)}});
  return 1;
}

}  // namespace
}  // namespace lb::dataplane

int main(int argc, char** argv) {
  try {
    return lb::dataplane::Main(argc, argv);
  } catch (const std::exception& error) {
    // Out of memory or descriptors while starting: say it instead of a bare abort.
    std::fprintf(stderr, "lb-worker: %s\n", error.what());
    return 1;
  }
}
