// The screen of top: what keys do, what it orders, and that it fits any terminal.
#include "cli/top_view.h"

#include <gtest/gtest.h>

#include "absl/strings/str_split.h"
#include "cli/text.h"

namespace lb::cli {
namespace {

using Kind = Key::Kind;

constexpr Instant kStart{std::chrono::hours(1)};
constexpr TerminalSize kSize{100, 12};

api::Backend MakeBackend(const std::string& name, uint64_t connections) {
  api::Backend backend;
  backend.set_name("rules/web/backends/" + name);
  backend.set_health(lb::type::v1::HEALTH_STATE_HEALTHY);
  backend.set_connections(connections);
  return backend;
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class TopViewTest : public testing::Test {
 protected:
  void SetUp() override { Take({MakeBackend("a", 3), MakeBackend("b", 20), MakeBackend("c", 9)}); }

  void Take(Items items) {
    api::Status status;
    status.set_connections(32);
    view_.Take({Type::kBackend, std::move(items), status, now_});
    now_ += std::chrono::seconds(1);
  }

  TopOrder Press(char letter) { return view_.Press({Kind::kText, letter}); }
  TopOrder Press(Kind kind) { return view_.Press({kind}); }
  std::string Frame(TerminalSize size = kSize) const { return view_.Frame(size, now_); }

  // Names of the rows from the top, "> " before the selected one.
  std::string Rows() const {
    std::string rows;
    for (const absl::string_view view : absl::StrSplit(Frame(), '\n')) {
      const std::string line(view.data(), view.size());
      const size_t at = line.find("web/");
      if (at != 2) continue;
      rows += (line[0] == '>' ? ">" : "") + line.substr(6, line.find(' ', 6) - 6) + " ";
    }
    return rows;
  }

  TopView view_{Type::kBackend, {}};
  Instant now_ = kStart;
};

TEST_F(TopViewTest, SortsByConnectionsThenByWhatIsChosen) {
  EXPECT_EQ(Rows(), ">b c a ");
  Press('r');
  EXPECT_EQ(Rows(), ">a c b ");
  // CONNECTS/S, FAILURES/S, DETAIL, then the name, smallest first.
  for (int i = 0; i < 4; ++i) Press('s');
  EXPECT_TRUE(Has(Frame(), "by BACKEND, smallest first")) << Frame();
  EXPECT_EQ(Rows(), ">a b c ");
}

TEST_F(TopViewTest, TheSelectionStaysWithItsRow) {
  Press(Kind::kDown);
  EXPECT_EQ(Rows(), "b >c a ");
  Take({MakeBackend("a", 3), MakeBackend("b", 20), MakeBackend("c", 900)});
  EXPECT_EQ(Rows(), ">c b a ");
  Take({MakeBackend("a", 3), MakeBackend("b", 20)});
  EXPECT_EQ(Rows(), "b >a ") << "the one in its place, when it is gone";
  Press(Kind::kHome);
  Press(Kind::kUp);
  EXPECT_EQ(Rows(), ">b a ");
  Press(Kind::kEnd);
  Press('j');
  EXPECT_EQ(Rows(), "b >a ");
}

TEST_F(TopViewTest, AFilterIsTypedAndTakenBack) {
  Press('/');
  for (const char letter : std::string("WEB/Bz")) Press(letter);
  EXPECT_EQ(Rows(), "");
  EXPECT_TRUE(Has(Frame(), "no backends with this text")) << Frame();
  Press(Kind::kBackspace);
  EXPECT_EQ(Rows(), ">b ") << Frame();
  Press(Kind::kEnter);
  EXPECT_EQ(Press('q').kind, TopOrder::Kind::kQuit) << "after Enter keys are keys again";
  Press(Kind::kEscape);
  EXPECT_EQ(Rows(), ">b c a ");
}

TEST_F(TopViewTest, AFilterHasABound) {
  Press('/');
  for (int i = 0; i < 1000; ++i) Press('x');
  EXPECT_TRUE(Has(Frame({400, 12}), std::string(TopView::kFilterBytesMax, 'x') + "_"));
  EXPECT_FALSE(Has(Frame({400, 12}), std::string(TopView::kFilterBytesMax + 1, 'x')));
}

TEST_F(TopViewTest, DrainAsksWithTheNumberAndTakesOnlyYes) {
  EXPECT_EQ(Press('d').kind, TopOrder::Kind::kNone);
  EXPECT_TRUE(Has(Frame(), "Drain rules/web/backends/b (20 connections)? [y/N]")) << Frame();
  EXPECT_EQ(Press(Kind::kEnter).kind, TopOrder::Kind::kNone);
  EXPECT_TRUE(Has(Frame(), "nothing was changed"));
  Press('d');
  // The order changes while the question stands.
  Take({MakeBackend("a", 999), MakeBackend("b", 20)});
  const TopOrder order = Press('y');
  EXPECT_EQ(order.kind, TopOrder::Kind::kDrain);
  EXPECT_EQ(order.type, Type::kBackend);
  EXPECT_EQ(order.name, "rules/web/backends/b");
}

TEST_F(TopViewTest, ADrainOfWhatVanishedMeanwhileIsStillOfThatName) {
  Press('d');
  Take({MakeBackend("a", 999)});
  EXPECT_EQ(Press('y').name, "rules/web/backends/b");
}

TEST_F(TopViewTest, RulesAreNotDrained) {
  Press('1');
  EXPECT_EQ(Press('d').kind, TopOrder::Kind::kNone);
  EXPECT_TRUE(Has(Frame(), "a rule cannot be drained")) << Frame();
  EXPECT_EQ(Press('y').kind, TopOrder::Kind::kNone);
}

TEST_F(TopViewTest, EnterDescribesAndATextIsReadAndLeft) {
  const TopOrder order = Press(Kind::kEnter);
  EXPECT_EQ(order.kind, TopOrder::Kind::kDescribe);
  EXPECT_EQ(order.name, "rules/web/backends/b");
  std::string text;
  for (int i = 0; i < 50; ++i) text += "line " + std::to_string(i) + "\n";
  view_.ShowText(text);
  EXPECT_TRUE(Has(Frame(), "line 0\n"));
  Press(Kind::kEnd);
  EXPECT_TRUE(Has(Frame(), "line 49\n"));
  Press('q');
  EXPECT_EQ(Rows(), ">b c a ");
}

TEST_F(TopViewTest, SwitchingAsksForASampleAtOnce) {
  EXPECT_EQ(Press('3').type, Type::kWorker);
  EXPECT_EQ(view_.type(), Type::kWorker);
  Take({MakeBackend("a", 3)});
  EXPECT_EQ(Rows(), "") << "an answer of before the switch is not shown";
  const TopOrder order = Press(Kind::kTab);
  EXPECT_EQ(order.kind, TopOrder::Kind::kSample);
  EXPECT_EQ(order.type, Type::kRule);
}

TEST_F(TopViewTest, PausedItShowsTheSameUntilItGoesOn) {
  Press('p');
  Take({MakeBackend("z", 1)});
  EXPECT_EQ(Rows(), ">b c a ");
  EXPECT_TRUE(Has(Frame(), "PAUSED"));
  EXPECT_EQ(Press('p').kind, TopOrder::Kind::kSample);
  Take({MakeBackend("z", 1)});
  EXPECT_EQ(Rows(), ">z ");
}

TEST_F(TopViewTest, WithoutItsServerTheLastFrameStaysAndSaysHowOldItIs) {
  view_.SetTrouble(absl::UnavailableError("cannot reach unix:/x"));
  now_ += std::chrono::seconds(4);
  EXPECT_EQ(Rows(), ">b c a ");
  EXPECT_TRUE(Has(Frame(), "data is old (5.0s): cannot reach unix:/x")) << Frame();
  view_.SetTrouble(absl::OkStatus());
  EXPECT_FALSE(Has(Frame(), "data is old"));
}

TEST_F(TopViewTest, FitsEveryTerminalAndEscapesNames) {
  Items items;
  for (int i = 0; i < 60; ++i)
    items.push_back(MakeBackend("evil\x1b[2J\n" + std::string(40, 'x') + std::to_string(i), 1));
  Take(items);
  Press(Kind::kEnd);
  for (size_t columns = 1; columns < 140; columns += 3) {
    for (size_t rows = 1; rows < 30; rows += 4) {
      const std::string frame = Frame({columns, rows});
      EXPECT_EQ(frame.find('\x1b'), std::string::npos);
      const std::vector<std::string> lines = absl::StrSplit(frame, '\n');
      EXPECT_LE(lines.size(), rows);
      for (const std::string& line : lines)
        EXPECT_LE(DisplayWidth(line), columns) << columns << "x" << rows << ": " << line;
    }
  }
  EXPECT_TRUE(Has(Frame({200, 30}), "> web/evil\\x1b[2J\\n")) << Frame({200, 30});
}

TEST(TopViewRowsTest, AtMostSoManyRows) {
  TopView view(Type::kBackend, {2, false});
  view.Take({Type::kBackend,
             {MakeBackend("a", 3), MakeBackend("b", 20), MakeBackend("c", 9)},
             {},
             kStart});
  const std::string frame = view.Frame(kSize, kStart);
  EXPECT_TRUE(Has(frame, "web/c"));
  EXPECT_FALSE(Has(frame, "web/a"));
}

}  // namespace
}  // namespace lb::cli
