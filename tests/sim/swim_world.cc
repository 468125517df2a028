#include "tests/sim/swim_world.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/overloaded.h"

namespace lb::sim {
namespace {

constexpr uint16_t kPort = 7'946;
constexpr size_t kChecksumBytes = 5;
constexpr size_t kCompoundBytes = 2;

}  // namespace

std::string SwimWorld::Name(size_t member) { return absl::StrCat("m", member); }

size_t SwimWorld::IndexOf(std::string_view name) {
  size_t index = 0;
  LB_CHECK(absl::SimpleAtoi(absl::string_view(name.data() + 1, name.size() - 1), &index));
  return index;
}

SwimWorld::SwimWorld(Settings settings)
    : settings_(settings),
      network_(settings.members, settings.faults, settings.seed ^ 0x5eed),
      nodes_(settings.members) {}

// 10.0.0.0 and up.
swim::Address SwimWorld::AddressOf(size_t member) const {
  return {{'\x0a', '\0', static_cast<char>(member >> 8), static_cast<char>(member & 0xff)}, kPort};
}

size_t SwimWorld::MemberAt(const swim::Address& address) const {
  LB_CHECK(address.ip.size() == 4 && address.port == kPort);
  const auto byte = [&](size_t i) {
    return static_cast<size_t>(static_cast<uint8_t>(address.ip[i]));
  };
  const size_t member = byte(2) << 8 | byte(3);
  LB_CHECK(member < nodes_.size());
  return member;
}

void SwimWorld::Trace(uint64_t value) { trace_ = (trace_ ^ value) * 0x100000001b3u; }

void SwimWorld::Start(size_t member, size_t seeds) {
  Node& node = nodes_.at(member);
  LB_CHECK(node.swim == nullptr);
  network_.SetDown(member, false);
  node.life = ++lives_;
  node.timer_at = Instant::max();
  node.incarnation = 0;
  swim::Options options;
  options.name = Name(member);
  options.address = AddressOf(member);
  options.timing = settings_.timing;
  options.tcp_ping = settings_.tcp_ping;
  node.swim = std::make_unique<swim::Swim>(std::move(options),
                                           settings_.seed * 1'000'003 + node.life, now());
  swim::SetSeeds set;
  for (size_t seed = 0; seed < seeds; ++seed)
    if (seed != member) set.seeds.push_back(AddressOf(seed));
  Handle(member, set);
}

void SwimWorld::StartAll(size_t seeds) {
  for (size_t member = 0; member < nodes_.size(); ++member) Start(member, seeds);
}

void SwimWorld::Settle(Duration limit) {
  StartAll(1);
  const auto settled = [this] { return AllAgree() && IsQuiet(); };
  const Instant end = now() + limit;
  while (!settled()) {
    LB_CHECK(now() < end);
    RunFor(std::chrono::seconds(1));
  }
  ClearCounts();
}

void SwimWorld::Crash(size_t member) {
  nodes_.at(member).swim.reset();
  network_.SetDown(member, true);
}

void SwimWorld::Leave(size_t member) { Handle(member, swim::Leave{}); }

void SwimWorld::Say(size_t member, const std::string& meta) { Handle(member, swim::SetMeta{meta}); }

void SwimWorld::RunFor(Duration time) {
  const Instant end = now() + time;
  bool over = false;
  queue_.At(end, [&over] { over = true; });
  while (!over) LB_CHECK(queue_.RunOne(end));
}

bool SwimWorld::RunUntil(const std::function<bool()>& holds, Duration limit) {
  const Instant end = now() + limit;
  while (!holds())
    if (!queue_.RunOne(end)) return false;
  return true;
}

swim::State SwimWorld::StateAt(size_t observer, size_t about) const {
  const auto& members = nodes_.at(observer).swim->members();
  const auto it = members.find(Name(about));
  return it == members.end() ? swim::State::kDead : it->second.node.state;
}

bool SwimWorld::AllAgree() const {
  const auto up = std::count_if(nodes_.begin(), nodes_.end(),
                                [](const Node& node) { return node.swim != nullptr; });
  return std::all_of(nodes_.begin(), nodes_.end(), [&](const Node& node) {
    if (node.swim == nullptr) return true;
    std::ptrdiff_t alive = 0;
    for (const auto& [name, member] : node.swim->members()) {
      if (member.node.state != swim::State::kAlive) continue;
      if (!IsUp(IndexOf(name))) return false;
      ++alive;
    }
    return alive == up;
  });
}

bool SwimWorld::IsQuiet() const {
  return std::all_of(nodes_.begin(), nodes_.end(), [](const Node& node) {
    return node.swim == nullptr || node.swim->queued() == 0;
  });
}

size_t SwimWorld::FalseFailures() const {
  return static_cast<size_t>(
      std::count_if(notices_.begin(), notices_.end(), [this](const Notice& notice) {
        return notice.kind == swim::MemberNotice::Kind::kFailed && IsUp(notice.about);
      }));
}

void SwimWorld::ClearCounts() {
  notices_.clear();
  packets_ = 0;
  bytes_ = 0;
}

void SwimWorld::Handle(size_t member, const swim::Event& event) {
  Node& node = nodes_[member];
  if (node.swim == nullptr) return;
  std::vector<swim::Action> actions;
  node.swim->Handle(event, now(), actions);
  CheckSelf(member);
  for (swim::Action& action : actions) Do(member, action);
  SetTimer(member);
}

// Nobody but a member itself raises its incarnation, and it calls itself alive until it leaves.
void SwimWorld::CheckSelf(size_t member) {
  Node& node = nodes_[member];
  const swim::NodeState& self = node.swim->members().at(Name(member)).node;
  LB_CHECK(self.incarnation >= node.incarnation);
  LB_CHECK(self.state == swim::State::kAlive || self.state == swim::State::kLeft);
  node.incarnation = self.incarnation;
}

void SwimWorld::SetTimer(size_t member) {
  Node& node = nodes_[member];
  const Instant next = node.swim->NextDeadline();
  if (next >= node.timer_at) return;
  node.timer_at = next;
  queue_.At(next, [this, member, next, life = node.life] {
    Node& timed = nodes_[member];
    if (timed.life != life || timed.timer_at != next) return;
    timed.timer_at = Instant::max();
    if (timed.swim == nullptr) return;
    if (timed.swim->NextDeadline() > now()) return SetTimer(member);
    Handle(member, swim::TimerFired{});
  });
}

void SwimWorld::Do(size_t member, swim::Action& action) {
  std::visit(Overloaded{
                 [&](swim::SendPacket& packet) { Send(member, packet); },
                 [&](swim::StartExchange& call) { Call(member, call); },
                 [&](swim::StreamReply& reply) { Reply(member, reply); },
                 [&](swim::MemberNotice& notice) {
                   const size_t about = IndexOf(notice.name);
                   Trace(about << 8 | static_cast<uint64_t>(notice.kind));
                   notices_.push_back({now(), member, about, notice.kind});
                 },
                 [](const auto&) {},
             },
             action);
}

void SwimWorld::Send(size_t member, swim::SendPacket& packet) {
  const size_t to = MemberAt(packet.to);
  size_t bytes = packet.checksum ? kChecksumBytes : 0;
  for (const std::string& part : packet.parts) bytes += part.size();
  if (packet.parts.size() > 1) bytes += kCompoundBytes + swim::kPartOverhead * packet.parts.size();
  LB_CHECK(bytes <= swim::kPacketBytes + kChecksumBytes);
  LB_CHECK(packet.parts.size() <= swim::kMaxPartsSent);
  ++packets_;
  bytes_ += bytes;
  Trace(static_cast<uint64_t>(now().time_since_epoch().count()) ^ bytes << 32 ^ to);
  const auto event =
      std::make_shared<swim::Event>(swim::PacketIn{AddressOf(member), std::move(packet.parts)});
  for (const Instant arrival : network_.Packet(member, to, now()))
    queue_.At(arrival, [this, to, event] { Handle(to, *event); });
}

void SwimWorld::Call(size_t member, swim::StartExchange& call) {
  const size_t to = MemberAt(call.to);
  const auto stream = std::make_shared<Stream>(
      Stream{member, nodes_[member].life, call.exchange, now() + call.timeout});
  queue_.At(stream->until, [this, stream] { End(stream, std::nullopt); });
  const Instant arrival = network_.Connect(member, to, now());
  if (arrival >= stream->until) return;
  queue_.At(arrival, [this, to, stream, message = std::move(call.message)] {
    const swim::StreamId id = next_stream_++;
    streams_.emplace(id, stream);
    Handle(to, swim::StreamIn{id, message});
  });
}

void SwimWorld::Reply(size_t member, swim::StreamReply& reply) {
  const auto node = streams_.extract(reply.stream);
  LB_CHECK(!node.empty());
  const std::shared_ptr<Stream> stream = node.mapped();
  const Instant arrival = network_.Segment(member, stream->initiator, now());
  if (arrival >= stream->until) return;
  queue_.At(arrival, [this, stream, answer = std::move(reply.message)] { End(stream, answer); });
}

void SwimWorld::End(const std::shared_ptr<Stream>& stream,
                    std::optional<swim::StreamMessage> answer) {
  if (std::exchange(stream->done, true)) return;
  if (nodes_[stream->initiator].life != stream->life) return;
  Handle(stream->initiator, swim::ExchangeDone{stream->exchange, std::move(answer)});
}

}  // namespace lb::sim
