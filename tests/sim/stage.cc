#include "stage.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace sim {

thread_local Stage::Actor* Stage::self_ = nullptr;

Stage::Stage(std::uint64_t seed, errand::Clock& clock, std::function<void()> when_all_wait)
    : rng_(seed), clock_(clock), when_all_wait_(std::move(when_all_wait)) {}

void Stage::Turn::give() {
  given_.store(1, std::memory_order_release);
  errand::real_clock()->wake(given_, 1);
}

void Stage::Turn::take() {
  while (given_.exchange(0, std::memory_order_acquire) == 0) errand::real_clock()->wait(given_, 0, {});
}

bool Stage::is_actor() noexcept {
  return self_ != nullptr;
}

void Stage::add(std::function<void()> part) {
  auto actor = std::make_unique<Actor>();
  actor->part = std::move(part);
  actors_.push_back(std::move(actor));
}

void Stage::play() {
  for (const auto& actor : actors_) {
    actor->thread = std::thread([this, one = actor.get()] {
      one->turn.take();
      self_ = one;
      one->part();
      leave();
    });
  }
  if (Actor* first = next()) {
    first->turn.give();
    over_.take();
  }
  for (const auto& actor : actors_) actor->thread.join();
}

void Stage::pause() {
  ++doings_;
  give_way();
}

void Stage::idle() {
  self_->idles = true;
  self_->idle_since = doings_;
  give_way();
  self_->idles = false;
}

void Stage::wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, const errand::WaitUntil& until) {
  ++doings_;
  // Relaxed: one thread goes on at a time.
  if (word.load(std::memory_order_relaxed) == expected) {
    self_->word = &word;
    self_->until = until;
    self_->waits_since = ++waits_;
  }
  give_way();
  self_->word = nullptr;
}

void Stage::wake(const std::atomic<std::uint32_t>& word, int count) {
  for (; count > 0; --count) {
    Actor* longest = nullptr;
    for (const auto& actor : actors_) {
      if (actor->word != &word) continue;
      if (longest == nullptr || actor->waits_since < longest->waits_since) longest = actor.get();
    }
    if (longest == nullptr) return;
    longest->word = nullptr;
  }
}

void Stage::end(bool now) {
  ending_ = true;
  released_ = released_ || now;
}

std::optional<errand::SteadyTime> Stage::next_moment() const {
  std::optional<errand::SteadyTime> next;
  for (const auto& actor : actors_) {
    if (actor->gone || actor->word == nullptr) continue;
    std::optional<errand::SteadyTime> at = actor->until.mono;
    if (actor->until.wall) {
      const errand::SteadyTime wall = clock_.mono() + (*actor->until.wall - clock_.now());
      at = at ? std::min(*at, wall) : wall;
    }
    if (at && (!next || *at < *next)) next = at;
  }
  return next;
}

bool Stage::can_go_on(const Actor& actor) const {
  if (actor.gone) return false;
  if (actor.word != nullptr) {
    const errand::WaitUntil& until = actor.until;
    return released_ || (until.mono && *until.mono <= clock_.mono()) || (until.wall && *until.wall <= clock_.now());
  }
  return !actor.idles || ending_ || actor.idle_since != doings_;
}

// Null: all have left.
Stage::Actor* Stage::next() {
  for (int tries = 0; tries < 1000; ++tries) {
    std::size_t can = 0;
    bool all_gone = true;
    for (const auto& actor : actors_) {
      if (can_go_on(*actor)) ++can;
      all_gone = all_gone && actor->gone;
    }
    if (all_gone) return nullptr;
    if (can == 0) {
      when_all_wait_();
      ++doings_;
      continue;
    }
    std::size_t chosen = rng_.below(can);
    for (std::size_t i = 0; i < actors_.size(); ++i) {
      if (!can_go_on(*actors_[i]) || chosen-- != 0) continue;
      ++turns_;
      trace_ = (trace_ ^ i) * 0x100000001b3;
      return actors_[i].get();
    }
  }
  // They could not even be told to leave.
  std::fputs("sim: all actors wait, and nothing ends it\n", stderr);
  std::abort();
}

void Stage::give_way() {
  Actor* const one = next();
  if (one == self_) return;
  one->turn.give();
  self_->turn.take();
}

void Stage::leave() {
  self_->gone = true;
  ++doings_;
  if (Actor* const one = next()) {
    one->turn.give();
  } else {
    over_.give();
  }
}

}  // namespace sim
