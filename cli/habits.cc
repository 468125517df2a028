#include "cli/habits.h"

#include <array>

namespace lb::cli {
namespace {

struct Habit {
  std::string_view command;
  std::string_view word;
  std::string_view hint;
};

constexpr char kDrain[] = "write: lbctl backend drain RULE/BACKEND, or lbctl worker drain NAME";
constexpr char kUndrain[] =
    "write: lbctl backend undrain RULE/BACKEND, or lbctl worker undrain NAME";

constexpr std::array kHabits = {
    Habit{"lbctl", "drain", kDrain},
    Habit{"lbctl", "undrain", kUndrain},
    Habit{"lbctl", "weight", "write: lbctl backend weight RULE/BACKEND N"},
    Habit{"lbctl", "kill", "write: lbctl connections kill --rule RULE"},
    Habit{"lbctl", "events", "write: lbctl watch events, or lbctl get events"},
    Habit{"lbctl", "history", "write: lbctl rollout history"},
    Habit{"lbctl", "logs", "write: lbctl watch events; the logs are those of the programs"},
    Habit{"lbctl", "list", "write: lbctl get rules, backends, workers or operations"},
    Habit{"lbctl apply", "-f", "write: lbctl apply FILE"},
    Habit{"lbctl apply", "--file", "write: lbctl apply FILE"},
    Habit{"lbctl apply", "--filename", "write: lbctl apply FILE"},
    Habit{"lbctl backend", "maintenance", "write: lbctl backend maint RULE/BACKEND"},
    Habit{"lbctl backend", "enable", "write: lbctl backend ready RULE/BACKEND"},
    Habit{"lbctl backend", "disable", "write: lbctl backend maint RULE/BACKEND"},
};

}  // namespace

std::string HintForHabit(std::string_view command, std::string_view word) {
  for (const Habit& habit : kHabits)
    if (habit.command == command && habit.word == word) return std::string(habit.hint);
  return "";
}

}  // namespace lb::cli
