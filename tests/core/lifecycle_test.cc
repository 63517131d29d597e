#include "core/lifecycle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace errand {
namespace {

constexpr TaskState kStates[] = {TaskState::refused,   TaskState::scheduled, TaskState::blocked,
                                 TaskState::available, TaskState::running,   TaskState::retryable,
                                 TaskState::completed, TaskState::cancelled, TaskState::discarded};
constexpr TaskState kLive[] = {TaskState::scheduled, TaskState::blocked, TaskState::available, TaskState::running,
                               TaskState::retryable};
constexpr TaskState kFinal[] = {TaskState::completed, TaskState::cancelled, TaskState::discarded};

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(ERRAND_SOURCE_DIR "/" + path);
  EXPECT_TRUE(file.is_open()) << path;
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// The cells of "| a | b |", without the spaces around them.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::size_t begin = line.find('|');
  while (begin != std::string::npos) {
    const std::size_t end = line.find('|', begin + 1);
    if (end == std::string::npos) break;
    const std::string cell = line.substr(begin + 1, end - begin - 1);
    const std::size_t first = cell.find_first_not_of(' ');
    cells.push_back(first == std::string::npos ? "" : cell.substr(first, cell.find_last_not_of(' ') - first + 1));
    begin = end;
  }
  return cells;
}

// The rows of the table whose heading row begins with these cells; without the heading.
std::vector<std::vector<std::string>> table(const std::string& path, const std::vector<std::string>& heading) {
  std::vector<std::vector<std::string>> rows;
  bool inside = false;
  for (const std::string& line : lines_of(path)) {
    const auto cells = cells_of(line);
    if (cells.empty()) {
      inside = false;
    } else if (cells.size() >= heading.size() && std::equal(heading.begin(), heading.end(), cells.begin())) {
      inside = true;
    } else if (inside && cells[0].find_first_not_of('-') != std::string::npos) {
      rows.push_back(cells);
    }
  }
  return rows;
}

// The lines of the picture, from the one with "──due──►" on, without what stands before each.
std::vector<std::string> picture(const std::string& path, const std::string& prefix) {
  std::vector<std::string> lines;
  for (const std::string& line : lines_of(path)) {
    if (lines.empty() && line.find("──due──►") == std::string::npos) continue;
    if (!line.starts_with(prefix)) break;
    lines.push_back(line.substr(prefix.size()));
  }
  return lines;
}

TEST(Lifecycle, DocumentedMovesAreTheTable) {
  using Names = std::tuple<std::string, std::string, std::string>;
  std::vector<Names> documented;
  for (const auto& cells : table("docs/lifecycle.md", {"from", "event", "to"})) {
    ASSERT_EQ(cells.size(), 4u);
    EXPECT_FALSE(cells[3].empty()) << cells[0] << " " << cells[1] << " has no words";
    documented.emplace_back(cells[0], cells[1], cells[2]);
  }
  std::vector<Names> coded;
  for (const Move& move : moves()) coded.emplace_back(to_string(move.from), to_string(move.event), to_string(move.to));
  EXPECT_EQ(documented, coded);
}

TEST(Lifecycle, DocumentedPictureIsTheHeaders) {
  const auto documented = picture("docs/lifecycle.md", "    ");
  EXPECT_EQ(documented.size(), 8u);
  EXPECT_EQ(documented, picture("src/core/lifecycle.h", "//   "));
}

TEST(Lifecycle, DocumentedStatesAreAllButRefused) {
  std::vector<std::string> documented;
  for (const auto& cells : table("docs/lifecycle.md", {"state", "means"})) documented.push_back(cells[0]);
  std::vector<std::string> coded;
  for (const TaskState state : kStates) {
    if (state != TaskState::refused) coded.emplace_back(to_string(state));
  }
  EXPECT_EQ(documented, coded);
}

TEST(Lifecycle, EveryMoveStandsOnce) {
  std::set<std::tuple<TaskState, Event>> seen;
  for (const Move& move : moves()) {
    EXPECT_TRUE(seen.emplace(move.from, move.event).second) << to_string(move.from) << " " << to_string(move.event);
  }
  EXPECT_EQ(seen.size(), 21u);
}

TEST(Lifecycle, AnEventLeadsToOneState) {
  for (const Move& a : moves()) {
    for (const Move& b : moves()) {
      EXPECT_TRUE(a.event != b.event || a.to == b.to) << to_string(a.event);
    }
  }
}

TEST(Lifecycle, EveryLiveStateCanBeCancelled) {
  for (const TaskState state : kLive) EXPECT_TRUE(allowed(state, TaskState::cancelled)) << to_string(state);
}

TEST(Lifecycle, AFinalTaskOnlyComesBackByHand) {
  for (const Move& move : moves()) {
    if (!is_final(move.from)) continue;
    EXPECT_EQ(move.event, Event::retry_by_hand);
    EXPECT_EQ(move.to, TaskState::available);
  }
  for (const TaskState state : kFinal) EXPECT_TRUE(allowed(state, TaskState::available)) << to_string(state);
}

TEST(Lifecycle, OnlyAvailableTasksAreClaimed) {
  for (const TaskState state : kStates) {
    EXPECT_EQ(allowed(state, TaskState::running), state == TaskState::available) << to_string(state);
  }
}

TEST(Lifecycle, OnlyRunningTasksComplete) {
  for (const TaskState state : kStates) {
    EXPECT_EQ(allowed(state, TaskState::completed), state == TaskState::running) << to_string(state);
  }
}

TEST(Lifecycle, ARunningTaskDoesNotExpire) {
  for (const Move& move : moves()) EXPECT_FALSE(move.from == TaskState::running && move.event == Event::expire);
}

TEST(Lifecycle, RefusedTasksNeverMove) {
  for (const TaskState state : kStates) {
    EXPECT_FALSE(allowed(TaskState::refused, state));
    EXPECT_FALSE(allowed(state, TaskState::refused));
  }
}

TEST(Lifecycle, AllowedIsExactlyTheTable) {
  for (const TaskState from : kStates) {
    for (const TaskState to : kStates) {
      const bool in_table =
          std::ranges::any_of(moves(), [&](const Move& move) { return move.from == from && move.to == to; });
      EXPECT_EQ(allowed(from, to), in_table) << to_string(from) << " to " << to_string(to);
    }
  }
}

TEST(Lifecycle, EveryStateHasAWordOfItsOwn) {
  const std::vector<std::string_view> words = {"refused",   "scheduled", "blocked",   "available", "running",
                                               "retryable", "completed", "cancelled", "discarded"};
  for (std::size_t i = 0; i < words.size(); ++i) EXPECT_EQ(to_string(kStates[i]), words[i]);
  EXPECT_EQ(to_string(static_cast<TaskState>(99)), "unknown");
}

TEST(Lifecycle, FinalStatesAreThree) {
  for (const TaskState state : kStates) {
    EXPECT_EQ(is_final(state), std::ranges::find(kFinal, state) != std::end(kFinal)) << to_string(state);
  }
}

TEST(Lifecycle, StopReasonsAndEventsHaveNames) {
  EXPECT_EQ(to_string(StopReason::none), "none");
  EXPECT_EQ(to_string(StopReason::cancelled), "cancelled");
  EXPECT_EQ(to_string(StopReason::timed_out), "timed_out");
  EXPECT_EQ(to_string(StopReason::shutting_down), "shutting_down");
  EXPECT_EQ(to_string(StopReason::lease_lost), "lease_lost");
  EXPECT_EQ(to_string(StopReason::caller), "caller");
  EXPECT_EQ(to_string(static_cast<StopReason>(99)), "unknown");
  EXPECT_EQ(to_string(static_cast<Event>(99)), "unknown");
}

}  // namespace
}  // namespace errand
