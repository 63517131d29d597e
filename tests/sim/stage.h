#pragma once
// Actors that take turns: threads of which one goes on at a time, and a seed says which.
//
// Code that waits for other threads can so be taken through its steps as it is, waiting included, and does the same
// each time. Nothing runs beside the one whose turn it is, until that gives way: in pause(), or where it waits on the
// clock. So there is no race, and no lock may be held then that another actor could want.

#include <errand/clock.h>
#include <errand/random.h>

#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace sim {

class Stage {
 public:
  /// `when_all_wait` is called when no actor can go on: it moves the time, or calls end(); else the play stands still.
  Stage(std::uint64_t seed, errand::Clock& clock, std::function<void()> when_all_wait);
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  /// Before play().
  void add(std::function<void()> actor);
  /// Returns when all actors have.
  void play();

  // --- for actors, and what they call ---
  /// Whether this thread is an actor.
  [[nodiscard]] static bool is_actor() noexcept;
  /// Anybody may be next, this one as well.
  void pause();
  /// The same, and not this one before somebody else has done something.
  void idle();
  /// Until the word is woken, or a moment has come; at once if it is not `expected`. As a futex: whoever changes the
  /// word and wakes nobody is not noticed.
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, const errand::WaitUntil& until);
  /// For whoever waits longest.
  void wake(const std::atomic<std::uint32_t>& word, int count);

  /// Actors are to come to their end: from now on none is idle. With `now`, waits are over as well, for no reason.
  void end(bool now);
  [[nodiscard]] bool ending() const noexcept { return ending_; }
  /// The earliest moment that somebody waits for, on the monotonic side.
  [[nodiscard]] std::optional<errand::SteadyTime> next_moment() const;
  /// Turns taken so far, and a hash of whose they were.
  [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }
  [[nodiscard]] std::uint64_t trace() const noexcept { return trace_; }

 private:
  // Given to one thread, which waits for it. Release and acquire: all that was done by those who had it before.
  class Turn {
   public:
    void give();
    void take();

   private:
    std::atomic<std::uint32_t> given_{0};
  };
  struct Actor {
    std::function<void()> part;
    Turn turn{};
    bool gone = false;
    bool idles = false;
    std::uint64_t idle_since = 0;                      // doings_ then
    const std::atomic<std::uint32_t>* word = nullptr;  // waits for it
    errand::WaitUntil until{};
    std::uint64_t waits_since = 0;
    std::thread thread{};
  };

  [[nodiscard]] bool can_go_on(const Actor& actor) const;
  [[nodiscard]] Actor* next();
  void give_way();
  void leave();

  static thread_local Actor* self_;

  errand::Rng rng_;
  errand::Clock& clock_;
  const std::function<void()> when_all_wait_;
  std::vector<std::unique_ptr<Actor>> actors_;
  Turn over_{};
  bool ending_ = false;
  bool released_ = false;
  std::uint64_t doings_ = 0;
  std::uint64_t turns_ = 0;
  std::uint64_t waits_ = 0;
  std::uint64_t trace_ = 0xcbf29ce484222325;
};

}  // namespace sim
