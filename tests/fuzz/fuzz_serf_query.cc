// A message of Serf's of any bytes: the decoders decide within their bounds, and what was read can
// be written and read again.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "controlplane/membership/serf_query.h"

namespace swim = lb::controlplane::swim;

namespace {

void LookAtPayload(std::string_view payload) {
  std::string key;
  std::string again;
  if (swim::DecodeKeyRequest(payload, key)) {
    LB_CHECK(key.size() <= swim::kMaxKeyBytes);
    LB_CHECK(swim::DecodeKeyRequest(swim::EncodeKeyRequest(key), again) && again == key);
  }
  swim::KeyAnswer answer;
  if (!swim::DecodeKeyAnswer(payload, answer)) return;
  swim::KeyAnswer second;
  LB_CHECK(swim::DecodeKeyAnswer(swim::EncodeKeyAnswer(answer), second) && second == answer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  LookAtPayload(bytes);
  swim::SerfQuery query;
  if (swim::DecodeQuery(bytes, query)) {
    LookAtPayload(query.payload);
    swim::SerfQuery second;
    query.for_some = false;
    LB_CHECK(swim::DecodeQuery(swim::EncodeQuery(query), second) && second == query);
  }
  swim::SerfAnswer answer;
  if (swim::DecodeAnswer(bytes, answer)) {
    LookAtPayload(answer.payload);
    swim::SerfAnswer second;
    LB_CHECK(swim::DecodeAnswer(swim::EncodeAnswer(answer), second) && second == answer);
  }
  swim::SerfClocks clocks;
  swim::DecodeClocks(bytes, clocks);
  return 0;
}
