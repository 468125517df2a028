#include "controlplane/shell/kubernetes_watch.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <iterator>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/overloaded.h"
#include "base/prng.h"
#include "base/status_macros.h"
#include "base/time.h"
#include "controlplane/discovery/list_reader.h"
#include "controlplane/discovery/watch_reader.h"
#include "controlplane/shell/kubernetes_call.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr unsigned kGone = 410;  // RFC 9110 section 15.5.11

// Whether an answer to a watch means that none can go on from this version. One that is told to
// come later, or to show another token, need not ask for all of it again.
bool IsBadVersion(unsigned http_status) {
  constexpr unsigned kLater[] = {401, 403, 408, 429};  // RFC 9110 section 15.5, RFC 6585 section 4
  return http_status >= 400 && http_status < 500 &&
         std::find(std::begin(kLater), std::end(kLater), http_status) == std::end(kLater);
}

// RFC 3986 section 2.1.
std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain)
      out += c;
    else
      absl::StrAppendFormat(&out, "%%%02X", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace

class KubernetesWatch::Impl final : public std::enable_shared_from_this<KubernetesWatch::Impl> {
 public:
  Impl(asio::io_context& io, ProbeTlsContexts& contexts, Options options, Callbacks callbacks)
      : io_(io),
        contexts_(contexts),
        options_(std::move(options)),
        callbacks_(std::move(callbacks)),
        prng_(options_.seed),
        wait_(io),
        settle_(io) {
    counts_.heard = ReadClocks().steady;
  }

  void Start() { StartAfter(milliseconds(0)); }

  void Stop() {
    stopped_ = true;
    wait_.cancel();
    settle_.cancel();
    call_.reset();
  }

  void TellAgain() {
    if (slices_known_ && !lost_) Settle();
  }

  const Counts& counts() const { return counts_; }

 private:
  void StartAfter(milliseconds time) {
    wait_.expires_after(time);
    wait_.async_wait([weak = weak_from_this()](const error_code& error) {
      auto self = weak.lock();
      if (error || self == nullptr || self->stopped_) return;
      if (self->version_.empty())
        self->List("");
      else
        self->Watch();
    });
  }

  std::string Target(const std::string& query) const {
    return absl::StrCat("/apis/discovery.k8s.io/v1/namespaces/", Escaped(options_.space),
                        "/endpointslices?labelSelector=",
                        Escaped(absl::StrCat("kubernetes.io/service-name=", options_.name)), query);
  }

  // Makes a request whose answers go to the callbacks while it is the newest one.
  void Call(const std::string& query, milliseconds total_timeout,
            KubernetesCall::Callbacks callbacks) {
    absl::StatusOr<ApiAccess> access = FindApiServer(options_.kubernetes, ReadClocks().wall);
    if (!access.ok()) return Failed(access.status());
    call_ = std::make_unique<KubernetesCall>(io_, contexts_,
                                             ApiRequest{.access = *std::move(access),
                                                        .target = Target(query),
                                                        .dns = options_.dns,
                                                        .total_timeout = total_timeout,
                                                        .turn = prng_.Next()},
                                             std::move(callbacks));
  }

  void List(const std::string& key) {
    if (key.empty()) {
      listed_ = SliceSet();
      pages_ = 0;
    }
    if (++pages_ > kMaxPages)
      return Failed(absl::ResourceExhaustedError(absl::StrCat("more than ", kMaxPages, " pages")));
    page_ = ListReader();
    const std::string next = key.empty() ? "" : absl::StrCat("&continue=", Escaped(key));
    Call(absl::StrCat("&limit=", kPageSlices, next), kListTimeout,
         {.on_answer = [] {},
          .on_body = [this](std::string_view bytes) { return TakePage(bytes); },
          .on_end = [this](const ApiEnd& end) { PageEnded(end); }});
  }

  absl::Status TakePage(std::string_view bytes) {
    counts_.heard = ReadClocks().steady;
    std::vector<Slice> slices;
    LB_RETURN_IF_ERROR(page_.Take(bytes, slices));
    for (Slice& slice : slices) LB_RETURN_IF_ERROR(listed_.Put(std::move(slice)));
    return absl::OkStatus();
  }

  void PageEnded(const ApiEnd& end) {
    if (end.http_status == kGone) return Relist();  // The next page is no longer known.
    if (!end.status.ok()) return Failed(end.status, end.retry_after);
    const absl::StatusOr<ListMetadata> metadata = page_.Finish();
    if (!metadata.ok()) return Failed(metadata.status());
    if (!metadata->continue_key.empty()) return List(metadata->continue_key);
    ++counts_.lists;
    slices_ = std::exchange(listed_, {});
    slices_known_ = true;
    version_ = metadata->version;
    lost_ = false;
    Tell();
    StartAfter(milliseconds(0));
  }

  void Watch() {
    const auto half = static_cast<uint64_t>(kWatchTime.count()) / 2;
    const std::chrono::seconds time(half + prng_.Below(half + 1));
    began_ = ReadClocks().steady;
    lines_ = WatchReader();
    relist_ = false;
    Call(absl::StrCat("&watch=1&allowWatchBookmarks=true&resourceVersion=", Escaped(version_),
                      "&timeoutSeconds=", time.count()),
         time + kWatchSlack,
         {.on_answer = [this] { WatchBegan(); },
          .on_body = [this](std::string_view bytes) { return TakeWords(bytes); },
          .on_end = [this](const ApiEnd& end) { WatchEnded(end); }});
  }

  void WatchBegan() {
    ++counts_.watches;
    counts_.heard = ReadClocks().steady;
    if (std::exchange(lost_, false)) Tell();
  }

  absl::Status TakeWords(std::string_view bytes) {
    counts_.heard = ReadClocks().steady;
    std::vector<WatchWord> words;
    LB_RETURN_IF_ERROR(lines_.Take(bytes, words));
    for (WatchWord& word : words) LB_RETURN_IF_ERROR(TakeWord(word));
    return absl::OkStatus();
  }

  absl::Status TakeWord(WatchWord& word) {
    heard_word_ = true;
    return std::visit(
        Overloaded{[&](SlicePut& put) {
                     version_ = put.slice.version;
                     Settle();
                     return slices_.Put(std::move(put.slice));
                   },
                   [&](SliceGone& gone) {
                     version_ = gone.version;
                     slices_.Remove(gone.name);
                     Settle();
                     return absl::OkStatus();
                   },
                   [&](Bookmark& bookmark) {
                     version_ = bookmark.version;
                     return absl::OkStatus();
                   },
                   [&](WatchError& error) -> absl::Status {
                     relist_ = true;
                     gone_ = error.status.code == static_cast<int>(kGone);
                     return absl::UnavailableError(absl::StrCat(
                         "the watch ended with ", error.status.code, ": ", error.status.message));
                   }},
        word);
  }

  void WatchEnded(const ApiEnd& end) {
    const bool gone = std::exchange(gone_, false) || end.http_status == kGone;
    // Of itself, not for want of a server: what stands between ends what is silent after a while.
    const bool lasted = end.http_status == 200 && ReadClocks().steady - began_ > backoff_;
    if (std::exchange(heard_word_, false) || lasted) backoff_ = milliseconds(0);
    if (gone) return Relist();
    // What does not parse, or is too much, would not go away by watching on.
    const bool broken =
        !end.status.ok() && end.http_status == 200 && !absl::IsUnavailable(end.status);
    if (relist_ || broken || IsBadVersion(end.http_status)) version_.clear();
    if (relist_ || end.http_status != 200 || broken) return Failed(end.status, end.retry_after);
    // It ended as it was asked to, or the connection broke: on from there.
    StartAfter(NextBackoff());
  }

  void Relist() {
    version_.clear();
    const auto jitter = static_cast<uint64_t>(kRelistJitter.count());
    StartAfter(NextBackoff() + milliseconds(prng_.Below(jitter + 1)));
  }

  // Not before `retry_after`, which the API server asks for.
  void Failed(const absl::Status& error, std::chrono::seconds retry_after = {}) {
    ++counts_.failures;
    lost_ = true;
    callbacks_.on_lost(error);
    StartAfter(NextBackoff() + retry_after);
  }

  milliseconds NextBackoff() {
    backoff_ = std::clamp<milliseconds>(backoff_ * 2, kBackoffMin, kBackoffMax);
    const auto half = static_cast<uint64_t>(backoff_.count()) / 2;
    return milliseconds(half + prng_.Below(half + 1));
  }

  // Tells soon.
  void Settle() {
    if (std::exchange(settling_, true)) return;
    settle_.expires_after(std::max<Duration>(kSettleTime, kSettleShare * tell_took_));
    settle_.async_wait([weak = weak_from_this()](const error_code& error) {
      auto self = weak.lock();
      if (error || self == nullptr || self->stopped_) return;
      self->settling_ = false;
      if (!self->lost_) self->Tell();
    });
  }

  void Tell() {
    const Instant start = ReadClocks().steady;
    callbacks_.on_slices(slices_);
    tell_took_ = ReadClocks().steady - start;
  }

  asio::io_context& io_;
  ProbeTlsContexts& contexts_;
  const Options options_;
  const Callbacks callbacks_;
  Prng prng_;
  asio::steady_timer wait_;
  asio::steady_timer settle_;
  std::unique_ptr<KubernetesCall> call_;
  Counts counts_;
  SliceSet slices_;  // What is known.
  bool slices_known_ = false;
  std::string version_;  // Of slices_; empty: a list is needed.
  SliceSet listed_;      // By the list that is being read.
  size_t pages_ = 0;
  ListReader page_;
  WatchReader lines_;
  milliseconds backoff_{0};
  Instant began_;  // The watch.
  Duration tell_took_{0};
  bool lost_ = false;
  bool relist_ = false;      // The watch said that it cannot go on.
  bool gone_ = false;        // Since its version is too old.
  bool heard_word_ = false;  // In this watch.
  bool settling_ = false;
  bool stopped_ = false;
};

KubernetesWatch::KubernetesWatch(asio::io_context& io, ProbeTlsContexts& contexts, Options options,
                                 Callbacks callbacks)
    : impl_(std::make_shared<Impl>(io, contexts, std::move(options), std::move(callbacks))) {
  impl_->Start();
}

KubernetesWatch::~KubernetesWatch() { impl_->Stop(); }

void KubernetesWatch::TellAgain() { impl_->TellAgain(); }

const KubernetesWatch::Counts& KubernetesWatch::counts() const { return impl_->counts(); }

}  // namespace lb::controlplane
