#include "dataplane/forward/pipe_pool.h"

#include <fcntl.h>
#include <sys/resource.h>

#include <cstdint>

#include "base/check.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using namespace std::chrono_literals;

// Lowers the limit of descriptors to those there are, for as long as it lives.
class NoDescriptors final {
 public:
  NoDescriptors() {
    LB_CHECK(getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = before_.rlim_max};
    LB_CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  ~NoDescriptors() { LB_CHECK(setrlimit(RLIMIT_NOFILE, &before_) == 0); }

 private:
  rlimit before_{};
};

TEST(PipePoolTest, LendsNoMoreThanItsLimit) {
  PipePool pool(2);
  auto first = pool.Borrow(Instant{});
  auto second = pool.Borrow(Instant{});
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(pool.Borrow(Instant{}), nullptr);
  pool.Return(std::move(first));
  EXPECT_NE(pool.Borrow(Instant{}), nullptr);
}

TEST(PipePoolTest, APipeHoldsEnoughToBeWorthIt) {
  PipePool pool(1);
  const auto pipe = pool.Borrow(Instant{});
  ASSERT_NE(pipe, nullptr);
  EXPECT_GE(fcntl(pipe->write.get(), F_GETPIPE_SZ), PipePool::kMinPipeBytes);
}

TEST(PipePoolTest, APipeThatHoldsBytesIsClosed) {
  PipePool pool(1);
  auto pipe = pool.Borrow(Instant{});
  ASSERT_NE(pipe, nullptr);
  pipe->bytes = 1;
  pool.Return(std::move(pipe));
  EXPECT_EQ(pool.open(), 0u);
  EXPECT_NE(pool.Borrow(Instant{}), nullptr);
}

TEST(PipePoolTest, ARefusalOfTheSystemIsNotAskedForAgainAtOnce) {
  PipePool pool(1);
  const Instant now{};
  {
    const NoDescriptors none;
    EXPECT_EQ(pool.Borrow(now), nullptr);
  }
  EXPECT_EQ(pool.Borrow(now), nullptr);
  EXPECT_NE(pool.Borrow(now + PipePool::kRetryAfter), nullptr);
}

}  // namespace
}  // namespace lb::dataplane
