#include "sqlite/claims.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

const Claims::Claim* Claims::find(Number id) const {
  const auto found = claims_.find(id);
  return found != claims_.end() ? &found->second : nullptr;
}

Claims::Lines::value_type& Claims::line(std::string_view queue) {
  auto found = lines_.find(queue);
  if (found == lines_.end()) found = lines_.try_emplace(std::string(queue)).first;
  return *found;
}

void Claims::remember(Number id) {
  const Claim* before = find(id);
  undo_.emplace_back(id, before != nullptr ? std::optional(*before) : std::nullopt);
}

void Claims::add(Number id, const Claim& claim) {
  remember(id);
  any_wants_ = any_wants_ || !claim.wanted_key.empty();
  claims_.insert_or_assign(id, claim).first->second.queue = line(claim.queue).first;
}

void Claims::remove(Number id) {
  remember(id);
  claims_.erase(id);
}

void Claims::request_cancel(Number id) {
  remember(id);
  claims_.find(id)->second.cancel_requested = true;
}

void Claims::give_up_key(Number id) {
  if (find(id) == nullptr) return;
  remember(id);
  Claim& claim = claims_.find(id)->second;
  claim.key_states = 0;
  claim.wanted_key.clear();
}

std::optional<Claims::Number> Claims::wants(const std::string& key, WallTime now) const {
  std::optional<Number> first;
  if (!any_wants_) return first;
  for (const auto& [id, claim] : claims_) {
    const bool is_over = claim.key_until && *claim.key_until <= now;
    if (claim.wanted_key == key && !is_over && (!first || id < *first)) first = id;
  }
  return first;
}

void Claims::move(Number id, WallTime run_at) {
  remember(id);
  claims_.find(id)->second.run_at = run_at;
}

void Claims::lines_up(Number id) {
  remember(id);
  claims_.find(id)->second.in_line = true;
}

void Claims::waits(std::string_view queue, int priority, WallTime run_at, Number id) {
  Cursor& cursor = this->cursor(queue, priority);
  if (std::pair(run_at, id) <= std::pair(cursor.run_at, cursor.id)) {
    cursor.run_at = run_at;
    cursor.id = id - 1;
  }
  if (!cursor.next || run_at < *cursor.next) cursor.next = run_at;
}

void Claims::take_back() {
  for (auto at = undo_.rbegin(); at != undo_.rend(); ++at) {
    if (at->second) {
      claims_.insert_or_assign(at->first, *at->second);
    } else {
      claims_.erase(at->first);
    }
  }
  undo_.clear();
  // Where claims had come to depends on rows that are not there: look from the beginning.
  for (auto& [queue, cursors] : lines_) cursors.fill({});
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
