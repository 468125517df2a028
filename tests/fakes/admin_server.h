// A control plane's admin API with canned data, on a unix socket, for tests of lbctl.
//
// Data and faults may be changed at any time from the test's thread; calls see one state or the
// other. Paging, NOT_FOUND and the details of errors are as the real server's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lb/admin/v1/admin.pb.h"
#include "lb/admin/v1/certificate.pb.h"
#include "lb/admin/v1/limit.pb.h"
#include "lb/admin/v1/member.pb.h"
#include "tests/fakes/admin_changes.h"

namespace lb::fakes {

class AdminServer final {
 public:
  struct Data {
    lb::admin::v1::Status status;
    std::vector<lb::admin::v1::Rule> rules;
    std::vector<lb::admin::v1::Backend> backends;
    std::vector<lb::admin::v1::Worker> workers;
    std::vector<lb::admin::v1::Certificate> certificates;
    std::vector<lb::admin::v1::Member> members;
    lb::admin::v1::ListLimitsResponse limits;
    lb::admin::v1::ListClientsResponse clients;
    lb::admin::v1::ExplainConnectionResponse explained;
    // What GetOperation answers, one after the other; the last one for ever.
    std::vector<lb::admin::v1::Operation> operations;
    ChangeAnswers changes;
    bool undrain_waits = false;  // An undrain is not done when it is given.
  };

  struct Fault {
    int code = 0;  // A gRPC status code; 0 is no fault.
    std::string message;
    std::string reason;  // Of the ErrorInfo; empty leaves it out.
    bool hang = false;   // Calls do not return before their deadline.
    bool endless_pages = false;
    size_t skip = 0;                                // Calls that pass before.
    size_t most = SIZE_MAX;                         // Calls that meet it; those after it pass.
    std::map<std::string, std::string> metadata{};  // Of the ErrorInfo.
    std::vector<std::string> violations{};          // Descriptions, of the BadRequest.
  };

  // Listens on `path`, which must not exist.
  explicit AdminServer(const std::string& path);
  ~AdminServer();

  // "unix:PATH", as for --endpoint.
  std::string endpoint() const;

  void Set(Data data);
  void Set(Fault fault);
  // Most items in one page, whatever is asked for; at first 1000.
  void SetPageSize(size_t page_size);

  // What DrainWorker and UndrainWorker were called with so far.
  std::vector<lb::admin::v1::DrainWorkerRequest> drains() const;
  std::vector<lb::admin::v1::UndrainWorkerRequest> undrains() const;

  // What changes were asked for so far.
  ChangeRequests seen() const;

  // Calls of any kind so far.
  size_t calls() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lb::fakes
