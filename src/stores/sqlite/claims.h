#pragma once
// What the owner of the file has claimed, and how far its claims have come.
//
// None of it is on the disk. A row that is claimed still says that it waits; so what was claimed by an owner that died
// is available again at the next open, without a write for the claim or for the rescue.

#include <errand/store.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace errand {
inline namespace v0 {
namespace sqlite {

/// Threads: one at a time.
class Claims {
 public:
  using Number = std::int64_t;  // of a row

  struct Claim {
    std::uint64_t token = 0;
    // What the row says, so that it need not be read again when the task is over.
    std::string_view queue{};  // once it is added: the one that lines_ has
    int priority = 0;
    TaskState state = TaskState::available;
    WallTime run_at{};
    bool ephemeral = false;
    bool tied = false;     // it has a row in errand_ties
    bool in_line = false;  // it has one in errand_waiting
    bool cancel_requested = false;
    // Its unique key: in which states it holds on to it, none where it has no key, and until when. It may lack it when
    // it ends: another one had it as it was claimed, or it does not hold on to it while it runs. The first of the
    // former takes it as it runs, once somebody asks for the key and nobody has it.
    std::uint16_t key_states = 0;
    std::optional<WallTime> key_until{};
    bool may_lack_key = false;
    std::string wanted_key{};

    /// When it may be forgotten if it ends in `state`, where `prune_at` is what its kind says.
    [[nodiscard]] std::optional<WallTime> kept_until(TaskState state, std::optional<WallTime> prune_at) const noexcept {
      if (may_lack_key || (key_states & bit(state)) == 0) return prune_at;
      if (!prune_at || !key_until) return std::nullopt;
      return std::max(*prune_at, *key_until);
    }
  };

  /// Where claims of one queue and priority go on: every waiting task up to the key is claimed. What lies before it and
  /// waits again, or is new, moves it back; tasks that are claimed are passed by then.
  struct Cursor {
    WallTime run_at = WallTime::min();
    Number id = 0;
    /// The next task that is not claimed is not due before; unset: there is none.
    std::optional<WallTime> next = WallTime::min();
  };

  [[nodiscard]] const Claim* find(Number id) const;
  [[nodiscard]] const std::unordered_map<Number, Claim>& all() const noexcept { return claims_; }
  [[nodiscard]] Cursor& cursor(std::string_view queue, int priority) {
    return line(queue).second[static_cast<std::size_t>(priority)];
  }

  void add(Number id, const Claim& claim);
  void remove(Number id);
  void request_cancel(Number id);
  /// It may never have its unique key again, if there is a claim.
  void give_up_key(Number id);
  /// The first task that takes this unique key as it runs; unset: there is none.
  [[nodiscard]] std::optional<Number> wants(const std::string& key, WallTime now) const;
  void move(Number id, WallTime run_at);
  /// It has a row in errand_waiting from now on.
  void lines_up(Number id);
  /// A task waits at this place.
  void waits(std::string_view queue, int priority, WallTime run_at, Number id);

  /// Between begin() and keep() everything can be taken back.
  void begin() { undo_.clear(); }
  void keep() { undo_.clear(); }
  void take_back();

 private:
  using Lines = std::map<std::string, std::array<Cursor, 10>, std::less<>>;
  [[nodiscard]] Lines::value_type& line(std::string_view queue);
  void remember(Number id);

  std::unordered_map<Number, Claim> claims_;
  bool any_wants_ = false;                                     // there was one with a wanted_key
  Lines lines_;                                                // by queue; never one less
  std::vector<std::pair<Number, std::optional<Claim>>> undo_;  // what was there before
};

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
