#include "controlplane/membership/swim.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/overloaded.h"
#include "controlplane/membership/exchanger.h"
#include "controlplane/membership/message_codec.h"
#include "controlplane/membership/prober.h"
#include "controlplane/membership/rumors.h"

namespace lb::controlplane::swim {
namespace {

// A leave is told for so long at most.
constexpr std::chrono::seconds kLeaveTimeout{5};

}  // namespace

class Swim::Impl final {
 public:
  Impl(Options options, uint64_t seed, Instant now)
      : shared_(std::move(options), seed),
        rumors_(shared_),
        prober_(shared_, rumors_),
        exchanger_(shared_, rumors_) {
    LB_CHECK(!shared_.options.name.empty() && !shared_.options.address.ip.empty());
    std::vector<Action> none;
    Turn turn{now, none};
    rumors_.Start(turn);
    prober_.Start(turn);
    exchanger_.Start(turn);
    gossip_at_ = now + shared_.Part(shared_.options.timing.gossip_interval);
    LB_CHECK(none.empty());
  }

  void Handle(const Event& event, Turn& turn) {
    std::visit([&](const auto& one) { Take(one, turn); }, event);
    rumors_.ExpireSuspicions(turn);
    StepLeave(turn);
  }

  Instant NextDeadline() const {
    Instant next = std::min({prober_.NextDeadline(), exchanger_.NextDeadline(),
                             shared_.table.NextDeadline(), leave_until_});
    if (!shared_.queue.empty() && shared_.table.size() > 1) next = std::min(next, gossip_at_);
    return next;
  }

  bool Forget(const std::string& name) { return shared_.departed.erase(name) != 0; }

  const Shared& shared() const { return shared_; }

 private:
  void Take(const TimerFired&, Turn& turn) {
    prober_.Step(turn);
    exchanger_.Step(turn);
    Gossip(turn);
  }

  void Take(const PacketIn& packet, Turn& turn) {
    ++shared_.counters.packets_in;
    Message message;
    for (const std::string& part : packet.parts) {
      const WireError error = Decode(part, message);
      if (error != WireError::kNone)
        ++shared_.counters.bad_messages[static_cast<size_t>(error)];
      else
        TakeMessage(message, packet.from, turn);
    }
  }

  void TakeMessage(const Message& message, const Address& from, Turn& turn) {
    std::visit(Overloaded{
                   [&](const Ping& ping) { prober_.Take(ping, from, turn); },
                   [&](const IndirectPing& ping) { prober_.Take(ping, from, turn); },
                   [&](const Ack& ack) { prober_.Take(ack, turn); },
                   [&](const Nack& nack) { prober_.Take(nack, turn); },
                   [&](const User& user) { turn.actions.push_back(UserIn{user.payload}); },
                   [&](const auto& rumor) { rumors_.Take(rumor, turn); },
               },
               message);
  }

  void Take(const StreamIn& in, Turn& turn) {
    if (const auto* table = std::get_if<PushPull>(&in.message)) {
      TellOfState(*table, turn);
      return exchanger_.Answer(in.stream, *table, turn);
    }
    StreamReply reply{in.stream, std::nullopt};
    const auto* const ping = std::get_if<Ping>(&in.message);
    if (ping != nullptr && (ping->node.empty() || shared_.IsSelf(ping->node)))
      reply.message = Ack{ping->seq_no};
    if (const auto* user = std::get_if<User>(&in.message))
      turn.actions.push_back(UserIn{user->payload});
    turn.actions.push_back(std::move(reply));
  }

  static void TellOfState(const PushPull& table, Turn& turn) {
    if (!table.user_state.empty()) turn.actions.push_back(UserIn{table.user_state});
  }

  void Take(const ExchangeDone& done, Turn& turn) {
    if (const auto* table = done.answer ? std::get_if<PushPull>(&*done.answer) : nullptr)
      TellOfState(*table, turn);
    if (!prober_.Take(done)) exchanger_.Take(done, turn);
  }

  void Take(const SetSeeds& seeds, Turn& turn) { exchanger_.Take(seeds, turn); }
  void Take(const Call& call, Turn& turn) { exchanger_.Take(call, turn); }
  void Take(const Tell& tell, Turn&) { shared_.queue.Add(tell.key, Encode(User{tell.payload})); }
  void Take(const SetMeta& meta, Turn& turn) { rumors_.SetMeta(meta.meta, turn); }

  void Take(const SetState& set, Turn&) { shared_.user_state = set.state; }

  void Take(const Leave&, Turn& turn) {
    if (shared_.leaving) return;
    rumors_.Leave(turn);
    leave_until_ = turn.now + kLeaveTimeout;
  }

  void StepLeave(Turn& turn) {
    if (leave_until_ == Instant::max()) return;
    const auto& all = shared_.table.all();
    const bool nobody =
        std::all_of(all.begin(), all.end(), [](const auto& one) { return one.second.gone(); });
    const bool told = nobody || !shared_.queue.Has(shared_.options.name);
    if (!told && turn.now < leave_until_) return;
    leave_until_ = Instant::max();
    turn.actions.push_back(Gone{});
  }

  void Gossip(Turn& turn) {
    if (gossip_at_ > turn.now) return;
    const Timing& timing = shared_.options.timing;
    // After a quiet time the first news goes out at once; what follows is paced.
    const auto behind = (turn.now - gossip_at_) / timing.gossip_interval;
    gossip_at_ += timing.gossip_interval * (behind + 1);
    if (shared_.queue.empty()) return;
    for (const Member* const member : shared_.table.Pick(
             timing.gossip_nodes,
             [&](const Member& one) {
               if (shared_.IsSelf(one.node.name) || one.node.state == State::kLeft) return false;
               return one.node.state != State::kDead ||
                      turn.now - one.changed_at <= timing.gossip_to_the_dead;
             },
             shared_.prng))
      shared_.SendBroadcasts(*member, turn);
  }

  Shared shared_;
  Rumors rumors_;
  Prober prober_;
  Exchanger exchanger_;
  Instant gossip_at_;
  Instant leave_until_ = Instant::max();
};

Swim::Swim(Options options, uint64_t seed, Instant now)
    : impl_(std::make_unique<Impl>(std::move(options), seed, now)) {}
Swim::~Swim() = default;

void Swim::Handle(const Event& event, Instant now, std::vector<Action>& actions) {
  Turn turn{now, actions};
  impl_->Handle(event, turn);
}

bool Swim::Forget(const std::string& name) { return impl_->Forget(name); }
const std::string& Swim::name() const { return impl_->shared().options.name; }
bool Swim::serf() const { return impl_->shared().options.serf; }
Instant Swim::NextDeadline() const { return impl_->NextDeadline(); }
const std::map<std::string, Member>& Swim::members() const { return impl_->shared().table.all(); }
const std::map<std::string, Departed>& Swim::departed() const { return impl_->shared().departed; }
const Counters& Swim::counters() const { return impl_->shared().counters; }
int Swim::awareness() const { return impl_->shared().awareness(); }
size_t Swim::queued() const { return impl_->shared().queue.size(); }

}  // namespace lb::controlplane::swim
