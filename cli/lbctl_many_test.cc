// `lbctl get` with as many rows as a control plane may have.
#include <sys/resource.h>

#include <algorithm>
#include <boost/json.hpp>
#include <iostream>

#include "base/check.h"
#include "cli/lbctl_fixture.h"

namespace lb::cli {
namespace {

namespace json = boost::json;

class LbctlManyTest : public LbctlTest {};

size_t Lines(const std::string& text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

// What lbctl's processes took so far, for people who read the log.
void PrintUsage(const char* what) {
  rusage usage{};
  LB_CHECK(::getrusage(RUSAGE_CHILDREN, &usage) == 0);
  std::cout << what << ": " << usage.ru_utime.tv_sec << " s CPU, peak " << usage.ru_maxrss / 1024
            << " MiB\n";
}

TEST_F(LbctlManyTest, AllPagesOfAHundredThousandRowsAreShown) {
  constexpr int kRows = 100'000;
  fakes::AdminServer::Data data = ExampleData();
  const lb::admin::v1::Backend backend = data.backends[0];
  data.backends.assign(kRows, backend);
  for (int i = 0; i < kRows; ++i)
    data.backends[static_cast<size_t>(i)].set_name("rules/web/backends/b" + std::to_string(i));
  server_->Set(data);
  const ProcessResult table = Run({"get", "backends"});
  EXPECT_EQ(Lines(table.out), size_t{kRows} + 1);
  const ProcessResult sorted = Run({"get", "backends", "--sort-by", "conns:desc", "-o", "name"});
  EXPECT_EQ(Lines(sorted.out), size_t{kRows});
  PrintUsage("tables");
  const ProcessResult as_json = Run({"get", "backends", "-o", "json"});
  EXPECT_EQ(json::parse(as_json.out).at("items").as_array().size(), size_t{kRows});
  PrintUsage("tables and JSON");
}

}  // namespace
}  // namespace lb::cli
