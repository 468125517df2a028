#include "controlplane/budget/usage_exchange.h"

#include <algorithm>
#include <utility>

#include "controlplane/budget/usage_word.h"

namespace lb::controlplane {

void UsageExchange::SetSelf(const std::optional<Self>& self, Instant now) {
  if (self == self_) return;
  const bool only_keys = self && self_ && self->name == self_->name && self->life == self_->life &&
                         self->label == self_->label;
  self_ = self;
  if (only_keys) {
    sealer_->SetKeys(self->keys);
    opener_->SetKeys(self->keys);
    return;
  }
  hosts_.clear();
  book_.reset();
  sealer_.reset();
  opener_.reset();
  if (!self) return;
  book_.emplace(self->name, now);
  book_->SetSettings(settings_);
  sealer_.emplace(self->name, self->life, self->keys, self->label);
  opener_.emplace(self->keys, self->label);
  tell_at_ = now;
}

void UsageExchange::SetSettings(const HostBook::Settings& settings) {
  settings_ = settings;
  if (book_) book_->SetSettings(settings);
}

void UsageExchange::SetSeeds(size_t seeds) {
  if (book_) book_->SetSeeds(seeds);
}

void UsageExchange::SetHosts(std::vector<Host> hosts) {
  if (!book_ || hosts == hosts_) return;
  hosts_ = std::move(hosts);
  for (const Host& host : hosts_) {
    book_->Joined(host.name);
    opener_->Expect(host.name, host.life);
  }
}

void UsageExchange::Failed(const std::string& host, Instant now) {
  if (!book_) return;
  for (const std::string& forgotten : book_->Failed(host, now)) opener_->Forget(forgotten);
}

void UsageExchange::Left(const std::string& host, RateLedger& ledger) {
  if (!book_) return;
  book_->Left(host);
  opener_->Forget(host);
  ledger.ForgetHost(host);
}

bool UsageExchange::Receive(std::string_view datagram, RateLedger& ledger, Instant now) {
  if (!book_) return false;
  ++counters_.received;
  swim::UsageOpener::Opened opened;
  swim::UsageError error = opener_->Open(datagram, opened);
  const std::optional<UsageWord> word =
      error == swim::UsageError::kNone ? DecodeUsage(opened.text) : std::nullopt;
  if (error == swim::UsageError::kNone && !word) error = swim::UsageError::kMalformed;
  if (error != swim::UsageError::kNone) {
    ++counters_.refused[static_cast<size_t>(error)];
    return false;
  }
  if (!book_->Heard(opened.name, word->told, now)) return false;
  ledger.SetOthers(Others(now));
  std::vector<RateLedger::Usage> usage;
  for (const UsageWord::Client& client : word->clients)
    if (const std::string* rule = ledger.FindRule(client.rule))
      usage.push_back({*rule, client.prefix, client.demand_per_s, client.slow_demand_per_s,
                       client.used, client.young});
  ledger.ReportHost(opened.name, usage, now);
  return true;
}

// Of those that could be anybody nobody may be pushed below an even part.
RateParts::Others UsageExchange::Others(Instant now) const {
  RateParts::Others others = book_->Others(now);
  if (self_->keys.empty() && !hosts_.empty()) others.floor_ratio = 1;
  return others;
}

std::string UsageExchange::Word(RateLedger& ledger, Instant now) {
  UsageWord word;
  word.told = {static_cast<double>(ledger.serving()), ledger.kept_ratio()};
  for (const RateLedger::Usage& usage : ledger.TakeUsage(kMaxUsageClients, now))
    word.clients.push_back({HashOfRule(usage.rule), usage.prefix, usage.demand_per_s,
                            usage.slow_demand_per_s, usage.used, usage.young});
  counters_.clients_sent += word.clients.size();
  return sealer_->Seal(EncodeUsage(word));
}

std::vector<UsageExchange::Datagram> UsageExchange::Step(RateLedger& ledger, Instant now) {
  std::vector<Datagram> datagrams;
  if (!book_) {
    ledger.SetOthers({});
    return datagrams;
  }
  ledger.SetOthers(Others(now));
  const bool news = ledger.has_news() && now >= told_at_ + kNewsAfter;
  if (hosts_.empty() || (!news && now < tell_at_)) return datagrams;
  told_at_ = now;
  tell_at_ = std::max<Instant>(tell_at_ + kEvery, now);
  const std::string word = Word(ledger, now);
  for (const Host& host : hosts_) {
    datagrams.push_back({host.address, word});
    ++counters_.sent;
    counters_.sent_bytes += word.size();
  }
  return datagrams;
}

Instant UsageExchange::NextDeadline(const RateLedger& ledger, Instant now) const {
  if (!book_) return Instant::max();
  if (hosts_.empty()) return book_->NextChange(now);
  const Instant tell =
      ledger.has_news() ? std::min<Instant>(tell_at_, told_at_ + kNewsAfter) : tell_at_;
  return std::min(tell, book_->NextChange(now));
}

}  // namespace lb::controlplane
