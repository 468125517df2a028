#include "controlplane/budget/usage_exchange.h"

#include <algorithm>
#include <utility>

#include "controlplane/budget/usage_word.h"

namespace lb::controlplane {

void UsageExchange::Begin(Instant now) {
  book_.reset();
  const HostChannel::Self* const self = channel_.self();
  if (self == nullptr) return;
  book_.emplace(self->name, now);
  book_->SetSettings(settings_);
  tell_at_ = now;
}

void UsageExchange::SetSettings(const HostBook::Settings& settings) {
  settings_ = settings;
  if (book_) book_->SetSettings(settings);
}

void UsageExchange::SetSeeds(size_t seeds) {
  if (book_) book_->SetSeeds(seeds);
}

void UsageExchange::NoteHosts() {
  if (!book_) return;
  for (const HostChannel::Host& host : channel_.hosts()) book_->Joined(host.name);
}

void UsageExchange::Failed(const std::string& host, Instant now) {
  if (!book_) return;
  for (const std::string& forgotten : book_->Failed(host, now)) channel_.Forget(forgotten);
}

void UsageExchange::Left(const std::string& host, RateLedger& ledger) {
  if (!book_) return;
  book_->Left(host);
  channel_.Forget(host);
  ledger.ForgetHost(host);
}

bool UsageExchange::Receive(const HostChannel::Word& received, RateLedger& ledger, Instant now) {
  if (!book_) return false;
  const std::optional<UsageWord> word = DecodeUsage(received.text);
  if (!word) {
    channel_.CountMalformed();
    return false;
  }
  if (!book_->Heard(received.host, word->told, now)) return false;
  ledger.SetOthers(Others(ledger, now));
  std::vector<RateLedger::Usage> usage;
  for (const UsageWord::Client& client : word->clients)
    if (const std::string* rule = ledger.FindRule(client.rule))
      usage.push_back({*rule, client.prefix, client.demand_per_s, client.slow_demand_per_s,
                       client.used, client.young});
  ledger.ReportHost(received.host, usage, word->watermark_ratio, now);
  return true;
}

// Of those that could be anybody nobody may be pushed below an even part. What they say they keep
// for workers without a stream counts nothing then, and each of them has no more workers than this
// host.
RateParts::Others UsageExchange::Others(const RateLedger& ledger, Instant now) const {
  RateParts::Others others = book_->Others(now);
  if (!channel_.self()->keys.empty() || channel_.hosts().empty()) return others;
  const double own = std::max(static_cast<double>(ledger.serving()), 1.0);
  others.floor_ratio = 1;
  others.kept_ratio = 0;
  others.serving = std::min(others.serving, own * static_cast<double>(channel_.hosts().size()));
  return others;
}

std::string UsageExchange::Word(RateLedger& ledger, Instant now) {
  UsageWord word;
  word.told = {static_cast<double>(ledger.serving()), ledger.kept_ratio()};
  const size_t room = kMaxUsageClients - (ledger.left_out().clients > 0 ? 1 : 0);
  for (const RateLedger::Usage& usage : ledger.TakeUsage(room, now))
    word.clients.push_back({HashOfRule(usage.rule), usage.prefix, usage.demand_per_s,
                            usage.slow_demand_per_s, usage.used, usage.young});
  if (word.clients.size() < kMaxUsageClients)
    word.watermark_ratio = ledger.left_out().watermark_ratio;
  clients_sent_ += word.clients.size();
  return EncodeUsage(word);
}

// As soon as the bandwidth allows.
Duration UsageExchange::NewsAfter() const {
  const double bytes = static_cast<double>(channel_.hosts().size()) * kMaxWordBytes;
  const auto after =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(bytes / kMaxBytesPerS));
  return std::clamp<Duration>(after, kNewsAfter, kEvery);
}

void UsageExchange::Step(RateLedger& ledger, Instant now, std::vector<HostChannel::Datagram>& out) {
  if (!book_) return ledger.SetOthers({});
  ledger.SetOthers(Others(ledger, now));
  const bool news = ledger.has_news() && now >= told_at_ + NewsAfter();
  if (channel_.hosts().empty() || (!news && now < tell_at_)) return;
  told_at_ = now;
  tell_at_ = std::max<Instant>(tell_at_ + kEvery, now);
  channel_.ToAll(Word(ledger, now), out);
}

Instant UsageExchange::NextDeadline(const RateLedger& ledger, Instant now) const {
  if (!book_) return Instant::max();
  if (channel_.hosts().empty()) return book_->NextChange(now);
  const Instant tell =
      ledger.has_news() ? std::min<Instant>(tell_at_, told_at_ + NewsAfter()) : tell_at_;
  return std::min(tell, book_->NextChange(now));
}

}  // namespace lb::controlplane
