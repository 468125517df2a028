#include "controlplane/membership/msgpack_reader.h"

namespace lb::controlplane::swim {

using Kind = MsgpackHead::Kind;

MsgpackRead MsgpackScanner::Scan(std::string_view bytes) {
  while (depth_ > 0) {
    if (left_[depth_ - 1] == 0) {
      --depth_;
      continue;
    }
    if (at_ >= bytes.size()) return MsgpackRead::kCut;
    MsgpackHead head;
    const MsgpackRead read = ReadMsgpackHead(bytes.substr(at_), head);
    if (read != MsgpackRead::kOk) return read;
    if (bytes.size() - at_ - head.bytes < head.payload) return MsgpackRead::kCut;
    if (head.children > 0 && depth_ == kMaxMsgpackDepth) return MsgpackRead::kBad;
    at_ += head.bytes + static_cast<size_t>(head.payload);
    --left_[depth_ - 1];
    if (head.children > 0) left_[depth_++] = head.children;
  }
  return MsgpackRead::kOk;
}

bool MsgpackReader::Head(MsgpackHead& head) {
  if (ReadMsgpackHead(rest_, head) != MsgpackRead::kOk) return false;
  rest_.remove_prefix(head.bytes);
  return true;
}

bool MsgpackReader::Text(std::string_view& text) {
  MsgpackHead head;
  if (!Head(head)) return false;
  if (head.kind != Kind::kText && head.kind != Kind::kNil) return false;
  if (head.payload > rest_.size()) return false;
  const auto length = static_cast<size_t>(head.payload);
  text = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return true;
}

bool MsgpackReader::Unsigned(uint64_t max, uint64_t& number) {
  MsgpackHead head;
  if (!Head(head)) return false;
  if (head.kind != Kind::kUnsigned && head.kind != Kind::kNil) return false;
  number = head.number;
  return number <= max;
}

bool MsgpackReader::Bool(bool& value) {
  MsgpackHead head;
  if (!Head(head)) return false;
  if (head.kind != Kind::kBool && head.kind != Kind::kUnsigned && head.kind != Kind::kNil) {
    return false;
  }
  value = head.number == 1;
  return head.number <= 1;
}

bool MsgpackReader::Map(uint64_t& pairs) {
  MsgpackHead head;
  if (!Head(head) || head.kind != Kind::kMap) return false;
  pairs = head.children / 2;
  return true;
}

bool MsgpackReader::Array(uint64_t& items) {
  MsgpackHead head;
  if (!Head(head)) return false;
  if (head.kind != Kind::kArray && head.kind != Kind::kNil) return false;
  items = head.children;
  return true;
}

bool MsgpackReader::Skip() {
  MsgpackScanner scanner;
  if (scanner.Scan(rest_) != MsgpackRead::kOk) return false;
  rest_.remove_prefix(scanner.end());
  return true;
}

}  // namespace lb::controlplane::swim
