#include "controlplane/membership/key_talk.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "controlplane/membership/message_codec.h"

namespace lb::controlplane::swim {
namespace {

// Serf's: sixteen gossip intervals for each power of ten of the members.
constexpr std::chrono::milliseconds kTimeoutUnit{3'200};

Duration TimeoutFor(size_t members) {
  Duration timeout = kTimeoutUnit;
  for (size_t reached = 9; reached < members; reached = 10 * reached + 9) timeout += kTimeoutUnit;
  return timeout;
}

// Longer than any member's name.
std::string PassedOnKey(size_t place) {
  return std::string(kMaxName, 'q') + static_cast<char>('A' + place);
}

// Answers go to members alone: whoever copied a question has nobody flooded.
bool IsMember(const Address& address, const std::map<std::string, Member>& members) {
  return std::any_of(members.begin(), members.end(), [&](const auto& one) {
    return !one.second.gone() && SamePlace(one.second.node.address, address);
  });
}

}  // namespace

void KeyTalk::Hear(std::string_view message, Turn& turn) {
  SerfClocks clocks;
  SerfQuery query;
  SerfAnswer answer;
  if (DecodeClocks(message, clocks)) return book_.Witness(clocks.queries);
  if (DecodeQuery(message, query)) return TakeQuery(message, query, turn);
  if (DecodeAnswer(message, answer)) TakeAnswer(answer, turn);
}

void KeyTalk::PassOn(std::string_view message, Turn& turn) {
  turn.tell.push_back({PassedOnKey(next_passed_on_), std::string(message)});
  next_passed_on_ = (next_passed_on_ + 1) % kMaxPassedOn;
}

void KeyTalk::TakeQuery(std::string_view message, const SerfQuery& query, Turn& turn) {
  if (!book_.Take(query.time, query.id)) return;
  if (query.pass_on && message.size() <= kMaxPassedOnBytes) PassOn(message, turn);
  KeyVerb verb = KeyVerb::kList;
  std::string key;
  if (query.for_some || !KeyVerbOf(query.name, verb) || !DecodeKeyRequest(query.payload, key))
    return;
  SerfAnswer answer{.time = query.time, .id = query.id, .from = turn.name};
  answer.payload = EncodeKeyAnswer(CarryOut(verb, key, query.from, turn));
  if (!IsMember(query.reply_to, turn.members)) return;
  turn.actions.push_back(SendPacket{query.reply_to, {Encode(User{EncodeAnswer(answer)})}, false});
}

KeyAnswer KeyTalk::CarryOut(KeyVerb verb, const std::string& key, const std::string& by,
                            Turn& turn) {
  const std::vector<std::string> before = keys_.keys();
  const absl::Status status = keys_.CarryOut(verb, key);
  KeyAnswer answer{.done = status.ok(), .message = std::string(status.message())};
  answer.keys = keys_.keys();
  if (!answer.keys.empty()) answer.primary = answer.keys.front();
  if (keys_.keys() != before) turn.actions.push_back(SetGossipKeys{{turn.label, keys_.keys()}});
  if (verb != KeyVerb::kList && (keys_.keys() != before || !status.ok()))
    turn.actions.push_back(KeysOrdered{verb, MarkOf(key), by, answer.message});
  return answer;
}

void KeyTalk::Ask(uint64_t number, KeyVerb verb, const std::string& key, Turn& turn) {
  LB_CHECK(!full() && rounds_.count(number) == 0);
  Round& round = rounds_[number];
  round.verb = verb;
  round.key = key;
  for (const auto& [name, member] : turn.members)
    if (!member.gone()) round.answers.emplace(name, std::nullopt);
  round.answers[turn.name] = CarryOut(verb, key, turn.name, turn);
  round.timeout = TimeoutFor(round.answers.size());
  round.again_at = turn.now + round.timeout / 2;
  round.deadline = turn.now + round.timeout;
  if (IsWhole(round)) {
    Finish(number, round, turn.actions);
    rounds_.erase(number);
    return;
  }
  Send(round, turn);
}

void KeyTalk::Send(Round& round, Turn& turn) {
  SerfQuery query{.time = book_.time(),
                  .id = static_cast<uint32_t>(prng_.Next()),
                  .reply_to = turn.address,
                  .from = turn.name,
                  .timeout_ns = static_cast<uint64_t>(
                      std::chrono::nanoseconds(round.deadline - turn.now).count()),
                  .name = std::string(QueryNameOf(round.verb)),
                  .payload = EncodeKeyRequest(round.key)};
  const bool taken = book_.Take(query.time, query.id);
  LB_CHECK(taken);
  round.questions.emplace(query.time, query.id);
  PassOn(EncodeQuery(query), turn);
}

void KeyTalk::TakeAnswer(const SerfAnswer& answer, Turn& turn) {
  if (answer.ack) return;
  for (auto at = rounds_.begin(); at != rounds_.end(); ++at) {
    Round& round = at->second;
    if (round.questions.count({answer.time, answer.id}) == 0) continue;
    const auto member = round.answers.find(answer.from);
    if (member == round.answers.end() || member->second) return;
    KeyAnswer read;
    if (!DecodeKeyAnswer(answer.payload, read)) read = {.message = "its answer cannot be read"};
    member->second = std::move(read);
    if (!IsWhole(round)) return;
    Finish(at->first, round, turn.actions);
    rounds_.erase(at);
    return;
  }
}

void KeyTalk::Step(Turn& turn) {
  for (auto at = rounds_.begin(); at != rounds_.end();) {
    Round& round = at->second;
    if (round.deadline <= turn.now) {
      Finish(at->first, round, turn.actions);
      at = rounds_.erase(at);
      continue;
    }
    if (round.again_at <= turn.now) {
      round.again_at = Instant::max();
      Send(round, turn);
    }
    ++at;
  }
}

void KeyTalk::End(std::vector<ClusterAction>& actions) {
  for (auto& [number, round] : rounds_) Finish(number, round, actions);
  rounds_.clear();
}

Instant KeyTalk::NextDeadline() const {
  Instant next = Instant::max();
  for (const auto& [number, round] : rounds_)
    next = std::min({next, round.again_at, round.deadline});
  return next;
}

bool KeyTalk::IsWhole(const Round& round) {
  return std::all_of(round.answers.begin(), round.answers.end(),
                     [](const auto& one) { return one.second.has_value(); });
}

void KeyTalk::Finish(uint64_t number, Round& round, std::vector<ClusterAction>& actions) {
  KeysAnswered done{number, {}};
  for (auto& [member, answer] : round.answers) {
    KeysAnswered::Row row{.member = member, .answered = answer.has_value()};
    if (answer) {
      row.done = answer->done;
      row.error = std::move(answer->message);
      for (const std::string& key : answer->keys) row.keys.push_back(MarkOf(key));
      if (!answer->primary.empty()) row.primary = MarkOf(answer->primary).fingerprint;
    }
    done.rows.push_back(std::move(row));
  }
  actions.push_back(std::move(done));
}

}  // namespace lb::controlplane::swim
