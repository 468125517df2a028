#include "controlplane/admin/list_query.h"

#include "gtest/gtest.h"
#include "lb/admin/v1/admin.pb.h"

namespace lb::controlplane {
namespace {

using admin::v1::Backend;
using admin::v1::ListBackendsRequest;
using admin::v1::Worker;

template <typename Parsed>
std::string ReasonOf(const Outcome<Parsed>& outcome) {
  const auto* failure = std::get_if<Failure>(&outcome);
  return failure == nullptr ? "" : failure->reason;
}

Backend MakeBackend(const std::string& name, uint64_t connections) {
  Backend backend;
  backend.set_name("rules/web/backends/" + name);
  backend.set_connections(connections);
  backend.set_health(type::v1::HEALTH_STATE_HEALTHY);
  return backend;
}

bool Matches(const std::string& text, const google::protobuf::Message& item) {
  const Outcome<Filter> filter = Filter::Parse(text, *item.GetDescriptor());
  EXPECT_EQ(ReasonOf(filter), "") << text;
  return ReasonOf(filter).empty() && std::get<Filter>(filter).Matches(item);
}

TEST(FilterTest, ComparesEachTypeOfField) {
  Backend backend = MakeBackend("a b", 7);
  backend.mutable_check_time()->set_nanos(1'500'000);
  backend.mutable_last_change_time()->set_seconds(1'000);
  const struct {
    const char* filter;
    bool matches;
  } kCases[] = {
      {"", true},
      {"connections = 7", true},
      {"connections=7", true},
      {"connections != 7", false},
      {"connections > 7", false},
      {"connections >= 7 AND connections < 8", true},
      {"connections >= 7 AND connections < 7", false},
      {"name = \"rules/web/backends/a b\"", true},
      {"name = 'rules/web/backends/a b'", true},
      {"name:backends", true},
      {"name:BACKENDS", false},
      {"health = HEALTHY", true},
      {"health = HEALTH_STATE_HEALTHY", true},
      {"health != UNHEALTHY", true},
      {"check_time < 2s AND check_time > 0.001s", true},
      {"check_time:*", true},
      {"last_change_time = \"1970-01-01T00:16:40Z\"", true},
      {"last_change_time > 1970-01-01T00:16:40Z", false},
      {"unresolved:*", false},
      {"unresolved = \"\"", true},
  };
  for (const auto& c : kCases) EXPECT_EQ(Matches(c.filter, backend), c.matches) << c.filter;
}

TEST(FilterTest, ReachesIntoMessagesAndRepeatedFields) {
  Worker worker;
  EXPECT_FALSE(Matches("process.pid = 7", worker));
  EXPECT_TRUE(Matches("process.pid != 7", worker)) << "what is not there is unequal";
  worker.mutable_process()->set_pid(7);
  worker.add_problems()->set_field("rules[0].listen");
  worker.add_problems()->set_field("rules[1].name");
  EXPECT_TRUE(Matches("process.pid = 7 AND process:*", worker));
  EXPECT_TRUE(Matches("problems.field:name", worker)) << "one of several is enough";
  EXPECT_FALSE(Matches("problems.field:balance", worker));
  EXPECT_TRUE(Matches("problems:*", worker));
  EXPECT_FALSE(Matches("acked:*", worker));
}

TEST(FilterTest, SaysWhereItIsWrong) {
  const struct {
    const char* filter;
    const char* message;
  } kCases[] = {
      {"nmae = x", "column 1: 'nmae' is no field of Backend"},
      {"name = x AND weihgt = 1", "column 14: 'weihgt' is no field of Backend"},
      {"name", "column 5: expected one of"},
      {"name =", "column 7: expected a value"},
      {"weight = heavy", "column 10: 'heavy' is no value of 'weight'"},
      {"weight = -1", "column 10: '-1' is no value"},
      {"health = WELL", "column 10: 'WELL' is no value of 'health'"},
      {"name = \"x", "column 8: the quotes are not closed"},
      {"name = x OR name = y", "column 10: expected AND"},
      {"name = x AND", "column 13: a term is missing"},
      {"(name = x)", "column 1: expected a field"},
      {"name.first = x", "column 1: 'name.first' is no field"},
  };
  for (const auto& c : kCases) {
    const Outcome<Filter> filter = Filter::Parse(c.filter, *Backend::descriptor());
    ASSERT_EQ(ReasonOf(filter), "FILTER_INVALID") << c.filter;
    const std::string message(std::get<Failure>(filter).status.message());
    EXPECT_NE(message.find(c.message), std::string::npos) << c.filter << ": " << message;
  }
  std::string many = "weight=1";
  for (size_t i = 0; i < Filter::kMaxTerms; ++i) many += " AND weight=1";
  EXPECT_EQ(ReasonOf(Filter::Parse(many, *Backend::descriptor())), "FILTER_INVALID");
  const std::string huge(Filter::kMaxBytes + 1, ' ');
  EXPECT_EQ(ReasonOf(Filter::Parse(huge, *Backend::descriptor())), "FILTER_INVALID");
}

// Pages through all backends as a caller would; gives their names, each page after a '|'.
std::string Walk(const std::vector<Backend>& all, ListBackendsRequest request) {
  std::string names;
  do {
    const Outcome<ListQuery> query = ListQuery::Read("key", request, *Backend::descriptor());
    EXPECT_EQ(ReasonOf(query), "");
    if (!ReasonOf(query).empty()) return names;
    PageMaker<Backend> page(std::get<ListQuery>(query));
    for (const Backend& backend : all)
      if (backend.name() > std::get<ListQuery>(query).after() &&
          !page.Offer(backend, backend.name()))
        break;
    admin::v1::ListBackendsResponse out;
    page.Finish(*out.mutable_backends(), *out.mutable_next_page_token());
    names += "|";
    for (const Backend& backend : out.backends()) names += backend.name().back();
    request.set_page_token(out.next_page_token());
  } while (!request.page_token().empty());
  return names;
}

TEST(ListQueryTest, PagesHoldOnlyWhatWasAskedForInTheOrderAskedFor) {
  const std::vector<Backend> all = {MakeBackend("a", 3), MakeBackend("b", 300), MakeBackend("c", 0),
                                    MakeBackend("d", 3), MakeBackend("e", 70)};
  ListBackendsRequest request;
  request.set_page_size(2);
  EXPECT_EQ(Walk(all, request), "|ab|cd|e");
  request.set_order_by("connections desc");
  EXPECT_EQ(Walk(all, request), "|be|ad|c");
  request.set_order_by("connections, name desc");
  EXPECT_EQ(Walk(all, request), "|cd|ae|b");
  request.set_filter("connections > 0");
  EXPECT_EQ(Walk(all, request), "|da|eb");
  request.set_order_by("");
  EXPECT_EQ(Walk(all, request), "|ab|de");
  request.set_filter("connections > 1000");
  EXPECT_EQ(Walk(all, request), "|");
}

TEST(ListQueryTest, ATokenBelongsToItsFilterAndOrder) {
  ListBackendsRequest request;
  request.set_filter("weight = 1");
  const auto first = ListQuery::Read("key", request, *Backend::descriptor());
  request.set_page_token(std::get<ListQuery>(first).TokenFor("a"));
  request.set_page_size(5);
  request.mutable_read_mask()->add_paths("name");
  EXPECT_EQ(ReasonOf(ListQuery::Read("key", request, *Backend::descriptor())), "");
  for (auto change : {+[](ListBackendsRequest& r) { r.set_filter("weight = 2"); },
                      +[](ListBackendsRequest& r) { r.set_order_by("name"); },
                      +[](ListBackendsRequest& r) { r.set_parent("rules/web"); }}) {
    ListBackendsRequest changed = request;
    change(changed);
    EXPECT_EQ(ReasonOf(ListQuery::Read("key", changed, *Backend::descriptor())),
              "PAGE_TOKEN_INVALID");
  }
}

TEST(ListQueryTest, AMaskLeavesOnlyItsFields) {
  ListBackendsRequest request;
  request.mutable_read_mask()->add_paths("name");
  request.mutable_read_mask()->add_paths("check_time.seconds");
  const auto query = ListQuery::Read("key", request, *Backend::descriptor());
  Backend backend = MakeBackend("a", 3);
  backend.mutable_check_time()->set_seconds(1);
  std::get<ListQuery>(query).Trim(backend);
  EXPECT_EQ(backend.name(), "rules/web/backends/a");
  EXPECT_EQ(backend.check_time().seconds(), 1);
  EXPECT_EQ(backend.connections(), 0u);
  request.mutable_read_mask()->add_paths("colour");
  EXPECT_EQ(ReasonOf(ListQuery::Read("key", request, *Backend::descriptor())),
            "FIELD_MASK_INVALID");
}

TEST(OrderTest, RefusesWhatCannotBeSorted) {
  for (const char* text : {"nmae", "name down", "name desc asc", "problems", "process",
                           "name,,name", "name,name,name,name,name"})
    EXPECT_EQ(ReasonOf(Order::Parse(text, *Worker::descriptor())), "ORDER_BY_INVALID") << text;
}

TEST(OrderTest, KeysSortAsValuesDo) {
  const Outcome<Order> parsed = Order::Parse("last_seen_time, name", *Worker::descriptor());
  const Order& order = std::get<Order>(parsed);
  Worker none;
  std::vector<std::string> keys = {order.KeyOf(none, "")};
  for (const int64_t seconds : {-1'000, -1, 0, 1, 256, 65'536}) {
    Worker worker;
    worker.mutable_last_seen_time()->set_seconds(seconds);
    for (const char* name : {"", "a", "a!", "aa", "b"}) {
      worker.set_name(name);
      keys.push_back(order.KeyOf(worker, "z"));
    }
  }
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
}

}  // namespace
}  // namespace lb::controlplane
