// One line of the access log: a JSON object with every field in every line, null where there is
// nothing to say. docs/operations.md tells what each means. Pure; threading: none.
#pragma once

#include <string>
#include <string_view>

#include "base/prng.h"
#include "base/time.h"
#include "dataplane/access_log/access_record.h"

namespace lb::dataplane {

// Appends the line with its end to `out`. `began` is the wall time of record.began_at. `ids` gives
// the random part of the line's id, which sorts by `began` (RFC 9562 section 5.7, UUID version 7).
void AppendAccessLine(const AccessRecord& record, std::string_view worker, WallTime began,
                      Prng& ids, std::string& out);

}  // namespace lb::dataplane
