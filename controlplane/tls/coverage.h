// Whether revocation lists are those of the authorities whose certificates they are asked about.
// Pure; threading: none.
#pragma once

#include "controlplane/tls/material_result.h"

namespace lb::controlplane {

// Adds an error where none of the authorities in `bundle` has a list in `revocations`, since every
// certificate would be refused then, and a warning where some have none. A list is one of an
// authority that it names as its issuer and whose key signed it; lists of others, such as
// intermediates, count for nothing here. What is no authority needs no list.
void CheckCoverage(const TrustBundle& bundle, const RevocationList& revocations,
                   MaterialProblems& problems);

}  // namespace lb::controlplane
