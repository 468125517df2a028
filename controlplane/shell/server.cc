#include "controlplane/shell/server.h"

#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstdlib>
#include <map>
#include <optional>
#include <thread>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "base/grpc_log.h"
#include "base/http_server.h"
#include "base/log.h"
#include "base/overloaded.h"
#include "base/sd_notify.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "controlplane/access/rules.h"
#include "controlplane/shell/admin_service.h"
#include "controlplane/shell/api_server.h"
#include "controlplane/shell/config_reader.h"
#include "controlplane/shell/config_source.h"
#include "controlplane/shell/dns_client.h"
#include "controlplane/shell/gossip_transport.h"
#include "controlplane/shell/kubernetes_client.h"
#include "controlplane/shell/pages.h"
#include "controlplane/shell/prober.h"
#include "controlplane/shell/process_setup.h"
#include "controlplane/shell/process_watch.h"
#include "controlplane/shell/revision_store.h"
#include "controlplane/shell/runner.h"
#include "controlplane/shell/service_manager.h"
#include "controlplane/shell/state_file.h"
#include "controlplane/shell/stranger_audit.h"
#include "controlplane/shell/tls_keys.h"
#include "controlplane/shell/unix_users.h"
#include "controlplane/shell/worker_service.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// More than members need to pass it on (swim::Cluster).
constexpr std::chrono::seconds kGoodByeTimeout{8};
constexpr char kServiceUser[] = "lb";
constexpr char kWorkerGroup[] = "lb";
constexpr char kAdminGroup[] = "lb-admin";
constexpr mode_t kOpenMode = 0666;

}  // namespace

class Server::Impl final {
 public:
  Impl(const Flags& flags, std::string config_digest, SdNotify service_manager)
      : flags_(flags),
        notify_(std::move(service_manager)),
        signals_(io_, SIGTERM, SIGINT, SIGQUIT),
        stop_timer_(io_),
        runner_(io_, [this](Action action) { CarryOut(std::move(action)); }),
        sink_([this](Event event) { runner_.Post(std::move(event)); }),
        prober_(io_, Prober::MaxInFlight(RaiseDescriptorLimit()), sink_),
        dns_client_(io_, sink_),
        processes_(io_, ProcessWatch::kMaxDescriptors, sink_),
        worker_service_(io_, sink_),
        admin_service_(io_, sink_),
        config_source_(io_, ConfigOptions(flags, std::move(config_digest)), sink_),
        gossip_(io_, [this](swim::ClusterEvent event) { sink_(GossipIn{std::move(event)}); }),
        service_manager_(io_, &notify_, [this] { return StateForManager(); }) {
    signals_.add(SIGHUP);
  }

  ~Impl() {
    if (stopper_.joinable()) stopper_.join();
    if (worker_api_ != nullptr) worker_api_->Shutdown();
    if (admin_api_ != nullptr) admin_api_->Shutdown();
  }

  absl::Status Start(ConfigRead config, FileStamps stamps) {
    LB_ASSIGN_OR_RETURN(state_file_, StateFile::Open(flags_.state_dir));
    if (!flags_.tls.none()) {
      LB_ASSIGN_OR_RETURN(tls_, TlsKeys::Start(io_, flags_.tls));
    }
    LB_RETURN_IF_ERROR(StartWorkerApi());
    LB_RETURN_IF_ERROR(StartAdminApi());
    if (tls_ != nullptr) tls_->OnNewAuthorities([this] { HangUpTls(); });
    LB_RETURN_IF_ERROR(StartHttp());
    ControlLoop::Options options = LoopOptions(flags_.node_id, state_file_->Read());
    kubernetes_ = std::make_unique<KubernetesClient>(io_, options.seed, sink_);
    options.revisions = RevisionStore(RevisionsFolder(flags_)).Read();
    std::optional<ConfigRead> last_good;
    if (!config.config) {
      LB_ASSIGN_OR_RETURN(last_good, LastGood(options.revisions, stamps));
    }
    runner_.Start(std::move(options));
    config_source_.Start(last_good ? *last_good : config, std::move(stamps));
    if (last_good) sink_(*std::move(last_good));
    sink_(std::move(config));
    WaitForSignal();
    service_manager_.Start();
    LogInfo("control plane started", {{"version", kVersion},
                                      {"node_id", flags_.node_id},
                                      {"config", flags_.config},
                                      {"worker_api", worker_api_->Addresses()},
                                      {"admin_api", admin_api_->Addresses()},
                                      {"http", http_->address().ToString()}});
    return absl::OkStatus();
  }

  void Run() { io_.run(); }

 private:
  static std::string RevisionsFolder(const Flags& flags) { return flags.state_dir + "/configs"; }

  ConfigSource::Options ConfigOptions(const Flags& flags, std::string digest) {
    ConfigSource::Options options;
    options.path = flags.config;
    options.digest = std::move(digest);
    options.revisions_folder = RevisionsFolder(flags);
    options.before_write = [this] { return state_file_->Flush(); };
    // Behind the event of what was read.
    options.on_reloaded = [this] { asio::post(io_, [this] { service_manager_.ReloadEnds(); }); };
    return options;
  }

  // The newest configuration that was in force before and is good today.
  absl::StatusOr<ConfigRead> LastGood(const std::map<uint64_t, std::string>& revisions,
                                      FileStamps& stamps) const {
    for (auto newest = revisions.rbegin(); newest != revisions.rend(); ++newest) {
      ConfigRead read =
          LoadedFrom(flags_.config, {absl::OkStatus(), newest->second, Sha256(newest->second)},
                     {.at_start = true, .stamps = &stamps});
      read.from_history = true;
      if (read.config) return read;
    }
    return absl::FailedPreconditionError(
        absl::StrCat(flags_.config, " has errors, and no good configuration is kept in ",
                     flags_.state_dir, " from before"));
  }

  void AddTlsTo(ApiServer::Options& options) {
    options.grpc.tls = tls_.get();
    options.grpc.cluster = flags_.tls_cluster;
    options.grpc.on_refused = [this](const auto& peer, const auto& uri_sans, auto method,
                                     const Failure& refusal) {
      strangers_.Refused(peer, uri_sans, method, refusal);
    };
  }

  // Certificates are looked at when a connection begins.
  void HangUpTls() {
    LogInfo("other authorities than before: connections over TLS have to begin anew");
    worker_api_->HangUpTcp();
    admin_api_->HangUpTcp();
  }

  // First, since it has none of the helpers that are switched on for the admin API.
  absl::Status StartWorkerApi() {
    ApiServer::Options options;
    options.name = "worker";
    options.addresses = flags_.worker_api;
    options.listener = {{}, kServiceUser, kWorkerGroup, "--worker-api"};
    options.max_connections = kMaxWorkerConnections;
    options.max_connections_per_source = kMaxConnectionsPerSource;
    options.identify = TrustedUsers(kServiceUser);
    options.by_process = true;
    options.grpc.max_local_peers = kMaxWorkerProcesses;
    options.grpc.services = {worker_service_.service()};
    options.grpc.max_memory_bytes = kMaxWorkerMemoryBytes;
    options.grpc.tls_guard = CheckWorkerCall;
    AddTlsTo(options);
    LB_ASSIGN_OR_RETURN(worker_api_, ApiServer::Start(io_, std::move(options)));
    return absl::OkStatus();
  }

  absl::Status StartAdminApi() {
    const RoleGroups groups = ReadRoleGroups();
    ApiServer::Options options;
    options.name = "admin";
    options.addresses = flags_.admin_api;
    options.listener = {{}, kServiceUser, kAdminGroup, "--admin-api"};
    // A file has one group: for others everybody may connect, and who has no role is turned away.
    if (groups.viewer || groups.operate) options.listener.mode = kOpenMode;
    options.max_connections = kMaxAdminConnections;
    options.max_connections_per_source = kMaxConnectionsPerSource;
    options.identify = UsersWithRole(groups);
    options.grpc.services = admin_service_.services();
    options.grpc.helpers = true;
    options.grpc.local_guard = CheckAdminEntry;
    options.grpc.tls_guard = CheckAdminEntry;
    AddTlsTo(options);
    options.grpc.health_of = AdminServices();
    LB_ASSIGN_OR_RETURN(admin_api_, ApiServer::Start(io_, std::move(options)));
    runner_.WhenReady([this] {
      admin_api_->SetServing(true);
      service_manager_.Changed();
    });
    return absl::OkStatus();
  }

  absl::Status StartHttp() {
    pages_ = {[this] { return runner_.ready(); }, [this] { return Metrics(); }};
    auto http =
        HttpServer::Start(io_, flags_.http, [this](const std::string& path, const auto& respond) {
          respond(RenderPage(pages_, path));
        });
    if (!http.ok())
      return absl::Status(http.status().code(),
                          absl::StrCat(http.status().message(), "; see --http"));
    http_ = *std::move(http);
    return absl::OkStatus();
  }

  void CarryOut(Action action) {
    std::visit(Overloaded{
                   [this](TryConfig& config) { config_source_.Try(std::move(config)); },
                   [this](KeepRevision& keep) { config_source_.Keep(std::move(keep)); },
                   [this](DropRevision& drop) { config_source_.Drop(drop); },
                   [this](SendToWorker& send) { worker_service_.Send(send); },
                   [this](CloseSession& close) { worker_service_.Close(close); },
                   [this](WatchProcess& watch) { processes_.Watch(watch); },
                   [this](StartProbe& probe) { prober_.Start(std::move(probe)); },
                   [this](ResolveName& name) { dns_client_.Start(std::move(name)); },
                   [this](WatchServices& watch) { kubernetes_->Set(std::move(watch)); },
                   [this](Reply& reply) { admin_service_.Answer(std::move(reply)); },
                   [this](StreamItem& item) { admin_service_.Stream(std::move(item)); },
                   [this](SaveState& state) { state_file_->Save(std::move(state.bytes)); },
                   [](WriteLog& line) { Log(line.level, line.message, line.fields); },
                   [](SetLogLevel& set) { SetLevel(set); },
                   [this](GossipOut& gossip) { CarryOut(gossip); },
               },
               action);
  }

  void CarryOut(GossipOut& gossip) {
    std::visit(Overloaded{
                   [](swim::MemberNotice&) {},
                   [](swim::KeysOrdered&) {},
                   [](swim::KeyOrdersDropped&) {},
                   [](swim::StrangersHeard&) {},
                   [](swim::KeysAnswered&) {},
                   [this](swim::LeftCluster&) { Stop(); },
                   [this](auto& action) { gossip_.CarryOut(std::move(action)); },
               },
               gossip.action);
  }

  static void SetLevel(const SetLogLevel& set) {
    if (set.grpc) return ChangeGrpcLogLevel(set.level);
    ChangeLogLevel(set.level);
  }

  std::vector<MetricFamily> Metrics() const {
    std::vector<MetricFamily> families = runner_.Metrics(ReadClocks());
    prober_.AppendMetrics(families);
    worker_service_.AppendMetrics(families);
    state_file_->AppendMetrics(families);
    gossip_.AppendMetrics(families);
    kubernetes_->AppendMetrics(families);
    MetricFamily open{
        "lb_api_connections", "Open connections of an API.", MetricFamily::Type::kGauge, {}};
    MetricFamily accepted{"lb_api_connections_total",
                          "Connections an API has taken.",
                          MetricFamily::Type::kCounter,
                          {}};
    MetricFamily refused{"lb_api_refused_total",
                         "Connections an API has refused, or could not accept for a while.",
                         MetricFamily::Type::kCounter,
                         {}};
    worker_api_->AddMetrics(open, accepted, refused);
    admin_api_->AddMetrics(open, accepted, refused);
    families.insert(families.end(), {open, accepted, refused});
    AppendProcessMetrics("lb-controlplane", families);
    return families;
  }

  void WaitForSignal() {
    signals_.async_wait([this](const error_code& error, int signal) {
      if (error) return;
      if (signal == SIGHUP && !stopping_) {
        LogInfo("reading the configuration again", {{"signal", "HUP"}});
        service_manager_.ReloadBegins();
        config_source_.Reload();
      } else if (signal != SIGHUP) {
        if (stopping_ || signal == SIGQUIT) std::_Exit(EXIT_SUCCESS);
        SayGoodBye();
      }
      WaitForSignal();
    });
  }

  // Every socket is bound before the loop starts.
  ServiceReports::State StateForManager() const {
    return {runner_.ready(), stopping_, stopping_ ? "stopping" : runner_.Summary()};
  }

  // The other members of a cluster; Stop follows.
  void SayGoodBye() {
    stopping_ = true;
    service_manager_.Changed();
    runner_.Post(Stopping{});
    stop_timer_.expires_after(kGoodByeTimeout);
    stop_timer_.async_wait([this](const error_code& error) {
      if (!error) Stop();
    });
  }

  void Stop() {
    if (std::exchange(stopped_, true)) return;
    LogInfo("stopping; workers serve on");
    admin_api_->SetServing(false);
    runner_.Stop();
    // Metrics read the acceptors: the pages go first.
    http_.reset();
    worker_api_->StopAccepting();
    admin_api_->StopAccepting();
    worker_service_.Stop();
    admin_service_.Stop();
    stop_timer_.expires_after(kStopTimeout);
    stop_timer_.async_wait([](const error_code& error) {
      if (!error) std::_Exit(EXIT_SUCCESS);
    });
    // gRPC's calls end through this thread, so somebody else has to wait for them.
    stopper_ = std::thread([this] {
      worker_api_->Shutdown();
      admin_api_->Shutdown();
      asio::post(io_, [this] { io_.stop(); });
    });
  }

  const Flags flags_;
  const SdNotify notify_;
  asio::io_context io_{1};
  asio::signal_set signals_;
  asio::steady_timer stop_timer_;
  std::unique_ptr<StateFile> state_file_;
  Runner runner_;
  const EventSink sink_;
  Prober prober_;
  DnsClient dns_client_;
  ProcessWatch processes_;
  WorkerService worker_service_;
  AdminService admin_service_;
  ConfigSource config_source_;
  GossipTransport gossip_;
  ServiceManager service_manager_;
  std::unique_ptr<KubernetesClient> kubernetes_;
  std::unique_ptr<TlsKeys> tls_;
  StrangerAudit strangers_;
  std::unique_ptr<ApiServer> worker_api_;
  std::unique_ptr<ApiServer> admin_api_;
  PageSources pages_;
  std::unique_ptr<HttpServer> http_;
  std::thread stopper_;
  bool stopping_ = false;  // It says good-bye, or is past that.
  bool stopped_ = false;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() = default;

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Flags& flags, InitialConfig config) {
  LB_ASSIGN_OR_RETURN(SdNotify service_manager,
                      SdNotify::FromEnvironment(TakeFromEnvironment, ::getpid()));
  auto impl = std::make_unique<Impl>(flags, std::move(config.digest), std::move(service_manager));
  if (absl::Status status = impl->Start(std::move(config.read), std::move(config.stamps));
      !status.ok())
    return status;
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

void Server::Run() { impl_->Run(); }

}  // namespace lb::controlplane
