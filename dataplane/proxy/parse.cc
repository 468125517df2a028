#include "dataplane/proxy/parse.h"

#include "dataplane/proxy/versions.h"

namespace lb::dataplane::proxy {

Parsed Parse(std::string_view bytes) {
  if (bytes.substr(0, kV1Signature.size()) == kV1Signature) return ParseV1(bytes);
  if (bytes.substr(0, kV2Signature.size()) == kV2Signature) return ParseV2(bytes);
  const bool may_become_one = kV1Signature.substr(0, bytes.size()) == bytes ||
                              kV2Signature.substr(0, bytes.size()) == bytes;
  return may_become_one ? Parsed() : Parsed::Bad("not a PROXY header");
}

}  // namespace lb::dataplane::proxy
