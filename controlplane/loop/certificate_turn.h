// Files of TLS in force: what came with a configuration, what is wrong with newer ones, whose end
// is near. Threading: none.
#pragma once

#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"

namespace lb::controlplane {

// Takes what a good configuration names, and notes which newer files are no good. Before the
// configuration is put in force.
void TakeMaterial(const ConfigRead& read, Parts& parts, Turn& turn);

// Notes what is wrong with newer files that a refused configuration names: what is in force stays.
void RefuseMaterial(const ConfigRead& read, Parts& parts, Turn& turn);

// Tells of certificates whose end is near. Once a turn.
void StepCertificates(Parts& parts, Turn& turn);
Instant NextCertificateDeadline(const Parts& parts);

}  // namespace lb::controlplane
