#include "controlplane/membership/host_channel.h"

#include <utility>

namespace lb::controlplane {

bool HostChannel::SetSelf(const std::optional<Self>& self) {
  if (self == self_) return false;
  const bool only_keys = self && self_ && self->name == self_->name && self->life == self_->life &&
                         self->label == self_->label;
  self_ = self;
  if (only_keys) {
    sealer_->SetKeys(self->keys);
    opener_->SetKeys(self->keys);
    return false;
  }
  hosts_.clear();
  if (sealer_) sealed_ = sealer_->count();
  if (opener_) taken_ = opener_->TakeWindows();
  sealer_.reset();
  opener_.reset();
  if (self) {
    sealer_.emplace(self->name, self->life, self->keys, self->label, sealed_);
    opener_.emplace(self->keys, self->label, self->life, std::exchange(taken_, {}));
  }
  return true;
}

bool HostChannel::SetHosts(std::vector<Host> hosts) {
  if (!self_ || hosts == hosts_) return false;
  hosts_ = std::move(hosts);
  for (const Host& host : hosts_) opener_->Expect(host.name, host.life);
  return true;
}

void HostChannel::Forget(const std::string& host) {
  if (opener_) opener_->Forget(host);
  std::erase_if(hosts_, [&](const Host& one) { return one.name == host; });
}

std::optional<HostChannel::Word> HostChannel::Open(std::string_view datagram) {
  if (!opener_) return std::nullopt;
  ++counters_.received;
  swim::UsageOpener::Opened opened;
  swim::UsageError error = opener_->Open(datagram, opened);
  if (error == swim::UsageError::kNone && opened.text.empty()) error = swim::UsageError::kMalformed;
  if (error != swim::UsageError::kNone) {
    ++counters_.refused[static_cast<size_t>(error)];
    return std::nullopt;
  }
  return Word{std::move(opened.name), std::move(opened.text)};
}

void HostChannel::CountMalformed() {
  ++counters_.refused[static_cast<size_t>(swim::UsageError::kMalformed)];
}

void HostChannel::ToAll(std::string_view text, std::vector<Datagram>& out) {
  if (!sealer_ || hosts_.empty()) return;
  std::vector<swim::Life> to;
  for (const Host& host : hosts_) to.push_back(host.life);
  std::vector<std::string> sealed = sealer_->Seal(text, to);
  for (size_t i = 0; i < hosts_.size(); ++i) Send(hosts_[i], std::move(sealed[i]), out);
}

void HostChannel::ToOne(const std::string& name, std::string_view text,
                        std::vector<Datagram>& out) {
  for (const Host& host : hosts_)
    if (host.name == name) Send(host, std::move(sealer_->Seal(text, {host.life}).front()), out);
}

void HostChannel::Send(const Host& host, std::string bytes, std::vector<Datagram>& out) {
  ++counters_.sent;
  counters_.sent_bytes += bytes.size();
  out.push_back({host.address, std::move(bytes)});
}

}  // namespace lb::controlplane
