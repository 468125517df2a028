// Orders about backends: overrides, and drains that are followed to their end. Threading: none.
#pragma once

#include "controlplane/admin/failure.h"
#include "controlplane/admin/view.h"
#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"

namespace lb::controlplane {

// What an order about a backend is given.
struct BackendCall {
  const AdminRequest& event;
  const View& view;
  Parts& parts;
  Turn& turn;
};

// Each checks everything, then, unless it is only to be validated, sets the override; the answer is
// the same either way.
Outcome<admin::v1::Operation> DrainBackend(const BackendCall& call,
                                           const admin::v1::DrainBackendRequest& request);
Outcome<admin::v1::Backend> UndrainBackend(const BackendCall& call,
                                           const admin::v1::UndrainBackendRequest& request);
Outcome<admin::v1::Backend> MaintainBackend(const BackendCall& call,
                                            const admin::v1::MaintainBackendRequest& request);
Outcome<admin::v1::Backend> SetBackendWeight(const BackendCall& call,
                                             const admin::v1::SetBackendWeightRequest& request);
Outcome<admin::v1::Backend> ResetBackend(const BackendCall& call,
                                         const admin::v1::ResetBackendRequest& request);

}  // namespace lb::controlplane
