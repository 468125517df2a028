#include "controlplane/admin/operations.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

const WorkerKey kWorker{"worker-1", "one"};
const WorkerKey kOther{"worker-2", "one"};

worker::v1::Command Drain() {
  worker::v1::Command order;
  order.mutable_drain();
  return order;
}

worker::v1::Command Undrain() {
  worker::v1::Command order;
  order.mutable_undrain();
  return order;
}

worker::v1::DrainStatus Status(const std::string& id, uint64_t left, bool done) {
  worker::v1::DrainStatus status;
  status.set_command_id(id);
  status.set_connections_left(left);
  status.set_done(done);
  return status;
}

TEST(OperationsTest, ADrainGoesOnUntilTheWorkerSaysThatItIsDone) {
  Operations operations("life");
  const std::string id = operations.Start(kWorker, Drain(), 40).id();
  const admin::v1::Operation& operation = *operations.Find("operations/1");
  EXPECT_EQ(operation.target(), "workers/worker-1");
  EXPECT_EQ(operation.connections_left(), 40u) << "before the worker's first word";
  EXPECT_EQ(operations.Unfinished(kWorker).size(), 1u);
  EXPECT_TRUE(operations.Unfinished(kOther).empty());
  operations.Progress(Status(id, 37, false));
  EXPECT_EQ(operation.status(), "37 connections left");
  EXPECT_FALSE(operation.done());
  operations.Progress(Status(id, 0, true));
  EXPECT_TRUE(operation.done());
  EXPECT_EQ(operation.error_code(), 0);
  EXPECT_TRUE(operations.Unfinished(kWorker).empty());
}

TEST(OperationsTest, NoCharacterOfARefusalIsCutInTwo) {
  Operations operations("life");
  worker::v1::DrainStatus refused = Status(operations.Start(kWorker, Drain(), 40).id(), 0, true);
  refused.set_refused("a");
  for (int i = 0; i < 300; ++i) refused.mutable_refused()->append("\xC3\xA9");
  operations.Progress(refused);
  const admin::v1::Operation& operation = *operations.Find("operations/1");
  EXPECT_GT(operation.error_message().size(), 250u);
  EXPECT_TRUE(admin::v1::Operation().ParseFromString(operation.SerializeAsString()));
}

TEST(OperationsTest, WhatADrainClosedAtItsTimeoutIsSaid) {
  Operations operations("life");
  worker::v1::DrainStatus status = Status(operations.Start(kWorker, Drain(), 9).id(), 0, true);
  status.set_connections_closed(4);
  operations.Progress(status);
  const admin::v1::Operation& operation = *operations.Find("operations/1");
  EXPECT_EQ(operation.connections_closed(), 4u);
  EXPECT_EQ(operation.status(), "done; 4 connections closed at the timeout");
}

TEST(OperationsTest, NewsOfOrdersOfAnotherLifeOrOfNoneChangesNothing) {
  Operations operations("life");
  operations.Start(kWorker, Drain(), 0);
  for (const char* id : {"", "1", "old/1", "life/", "life/2", "life/x", "life/-1"})
    operations.Progress(Status(id, 0, true));
  EXPECT_FALSE(operations.Find("operations/1")->done());
}

TEST(OperationsTest, AnUndrainEndsTheDrainOfItsWorkerOnly) {
  Operations operations("life");
  operations.Start(kWorker, Drain(), 0);
  operations.Start(kOther, Drain(), 0);
  operations.Start(kWorker, Undrain(), 0);
  EXPECT_TRUE(operations.Find("operations/1")->done());
  EXPECT_NE(operations.Find("operations/1")->error_code(), 0);
  EXPECT_FALSE(operations.Find("operations/2")->done());
  EXPECT_FALSE(operations.Find("operations/3")->done()) << "the worker has not answered yet";
  EXPECT_EQ(operations.Unfinished(kWorker).size(), 1u);
}

TEST(OperationsTest, AnUndrainThatTheWorkerRefusesFails) {
  Operations operations("life");
  worker::v1::DrainStatus status = Status(operations.Start(kWorker, Undrain(), 0).id(), 3, true);
  status.set_refused("the worker is ending");
  operations.Progress(status);
  const admin::v1::Operation& operation = *operations.Find("operations/1");
  EXPECT_TRUE(operation.done());
  EXPECT_EQ(operation.error_code(), static_cast<int32_t>(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(operation.error_message(), "the worker is ending");
}

TEST(OperationsTest, AProcessThatEndsFailsWhatItHadToDo) {
  Operations operations("life");
  operations.Start(kWorker, Drain(), 0);
  operations.Forget(kWorker);
  EXPECT_TRUE(operations.Find("operations/1")->done());
  EXPECT_EQ(operations.Find("operations/1")->error_code(),
            static_cast<int32_t>(absl::StatusCode::kAborted));
}

TEST(OperationsTest, TheOldestGoWhenThereAreTooMany) {
  Operations operations("life");
  for (size_t i = 0; i <= Operations::kMaxOperations; ++i) operations.Start(kWorker, Undrain(), 0);
  EXPECT_EQ(operations.Find("operations/1"), nullptr);
  EXPECT_NE(operations.Find("operations/2"), nullptr);
  EXPECT_EQ(operations.newest().name(),
            absl::StrCat("operations/", Operations::kMaxOperations + 1));
  for (const char* name : {"", "operations/", "operations/x", "workers/2"})
    EXPECT_EQ(operations.Find(name), nullptr) << name;
}

TEST(OperationsTest, WhatIsUnderWayIsNeverDropped) {
  Operations operations("life");
  const uint64_t drain = operations.Open("DrainBackend", "rules/web/backends/a", 3, "");
  for (size_t i = 0; i < 2 * Operations::kMaxOperations; ++i)
    operations.End(operations.Open("KillConnections", "rules/web", 0, ""), absl::StatusCode::kOk,
                   "done");
  ASSERT_NE(operations.Edit(drain), nullptr);
  EXPECT_FALSE(operations.CheckRoom().has_value());
  for (size_t i = 1; i < Operations::kMaxOperations; ++i)
    operations.Open("KillConnections", "rules/web", 0, "");
  ASSERT_TRUE(operations.CheckRoom().has_value());
  EXPECT_EQ(operations.CheckRoom()->reason, "TOO_MANY_OPERATIONS");
  operations.End(drain, absl::StatusCode::kOk, "done");
  EXPECT_FALSE(operations.CheckRoom().has_value());
}

}  // namespace
}  // namespace lb::controlplane
