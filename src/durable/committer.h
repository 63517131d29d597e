#pragma once
// Group commit: what many threads want of a store at the same time shares transactions.
//
//   a caller that waits    posts its tasks. If nobody leads, it leads: commits what is there, its own included, then
//                          hands the lead to the caller that has waited longest. A lone caller so commits on its own
//                          thread, and while one transaction is flushed the next one fills.
//   whoever does not wait  (a worker with an attempt's end, or enqueue_async) posts, and goes on. The hub's thread
//                          leads for it if no caller does.
//
// A transaction also carries what the store's queues want to claim, so that a task that is enqueued is in its worker's
// hands when its enqueue returns.

#include <errand/clock.h>
#include <errand/random.h>
#include <errand/store.h>

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"

namespace errand {
inline namespace v0 {
namespace durable {

/// A queue's part in its store's transactions. Called by whoever leads, one call at a time, with no lock held.
class Member {
 public:
  virtual ~Member() = default;

  /// A new task of this queue is part of the next transaction. What is finished here goes before it there. Then
  /// wishes() is asked.
  virtual void coming(const NewTask& task, WallTime now) = 0;
  /// Slots of its schedules that are due by `now`, and what becomes of them: part of the next transaction. Then
  /// wishes() is asked.
  [[nodiscard]] virtual std::vector<Advance> slots(WallTime) { return {}; }
  /// They are in the store, or were refused by it; where the transaction failed, this is not called.
  virtual void advanced(std::vector<Result<Advanced>>) {}
  /// Whether it wants to claim something now, and what.
  [[nodiscard]] virtual bool wishes(ClaimRequest& request, WallTime now) = 0;
  virtual void claimed(Claimed claimed) = 0;
  /// An attempt's end is in the store, or was refused by it (`lease_lost`).
  virtual void finished(const Finish& finish, const Result<void>& result) = 0;
  /// So is that of an attempt of a member that is gone.
  virtual void finished_elsewhere(const Finish&) {}
  /// There may be more to claim than it knows of: a transaction failed, or something came another way.
  virtual void look_again() = 0;
  [[nodiscard]] virtual const std::string& name() const noexcept = 0;
  /// These were discarded, unstarted, when nobody claimed anything.
  virtual void expired(const std::vector<TaskId>& ids) = 0;
  /// Ends of attempts, of whichever member, or tasks that were posted were in the last transaction: settled() may be
  /// true.
  virtual void settled() = 0;
  /// When it may wish for something again, or has slots, if nothing is enqueued meanwhile.
  [[nodiscard]] virtual std::optional<WallTime> next_due() const = 0;
};

/// A task that is posted by somebody who does not wait for it.
struct Post {
  Post(Member& member, NewTask given)
      : member(&member),
        size(sizeof(NewTask) + given.payload.size()),
        task(std::make_unique<NewTask>(std::move(given))) {}
  virtual ~Post() = default;
  Post(const Post&) = delete;
  Post& operator=(const Post&) = delete;
  /// What became of it; once. Called by whoever leads, with no lock held.
  virtual void resolved(const Result<Added>& result) noexcept = 0;

  Member* const member;
  const std::size_t size;         // bytes that it holds, more or less
  std::unique_ptr<NewTask> task;  // until it is committed: whoever keeps the post keeps no more than it needs
};

/// Threads: any.
class Committer {
 public:
  Committer(Store& store, std::shared_ptr<Clock> clock, std::uint64_t seed);

  /// Returns when the tasks are in the store, with a result for each; `would_block` on a thread that leads.
  [[nodiscard]] std::vector<Result<Added>> add(Member& member, std::vector<NewTask> tasks);
  /// Returns at once; the post says what became of the task.
  void post(std::shared_ptr<Post> post);
  /// Waits while so much is posted that nobody is to post more; or says why that can't be waited for.
  Result<void> wait_for_room();
  /// An attempt ends: ending() is called while its member still has it, and finish() once that is ready for the task to
  /// come again.
  void ending() noexcept { endings_begun_.fetch_add(1, std::memory_order_relaxed); }
  void finish(Member& member, Finish finish);
  /// Ends that did not get to the store before the last member went; nobody uses this one any more. And those that
  /// another one was left with.
  [[nodiscard]] std::vector<Finish> take_endings();
  void adopt_endings(std::vector<Finish> finished);
  /// Notes of one attempt are put together until they are committed: with whatever comes next, at the latest after
  /// kNotesAfter.
  void note(Note note);
  /// What is on its way is tried now, however long the store has been away.
  void hurry();
  /// A member may want to claim something.
  void wish();
  /// Something came to these queues that did not come this way.
  void look_again(std::span<const std::string> queues);
  /// The members are to know that these expired.
  void expired(std::vector<TaskId> ids);
  /// `would_block` where this thread can't wait for the store: it leads, or is inside a transaction of the store's.
  [[nodiscard]] Result<void> may_wait() const;
  /// Whether all that was posted is in the store, and whoever posted it knows.
  [[nodiscard]] bool settled() const noexcept {
    return delivered() == endings() && posted_bytes_.load(std::memory_order_acquire) == 0;
  }
  [[nodiscard]] bool attended() const noexcept { return attended_.load(std::memory_order_acquire); }
  /// Returns when what was posted before is in the store; or the error that keeps it from getting there.
  Result<void> sync();

  void attach(Member& member);
  /// No more calls to `member` from here on: waits for the transaction that is on its way. What it has posted is told
  /// to the store all the same.
  void detach(Member& member);

  /// Leads once, if there is something to do and nobody leads. Returns when it is to be called again.
  WaitUntil step();
  /// Moves when step() may have something to do sooner than it said.
  [[nodiscard]] std::atomic<std::uint32_t>& word() noexcept { return word_; }
  /// A thread calls step() whenever that word moves.
  void attend() noexcept { attended_.store(true, std::memory_order_release); }
  /// Ends of attempts that are in the store, and whose members know; and those that have begun. Who asks for the first,
  /// then looks at what a member has, then finds the second to be equal, has missed none on its way.
  [[nodiscard]] std::uint64_t delivered() const noexcept { return delivered_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint64_t endings() const noexcept { return endings_begun_.load(std::memory_order_acquire); }
  /// The error of the last transaction, until one has gone through again; or that one takes longer than it may.
  [[nodiscard]] std::optional<Error> trouble() const;
  /// Waits for the transaction that is on its way. False if that takes longer than it may, and where this thread can't
  /// wait: then the store is not to be asked.
  [[nodiscard]] bool answers();

  /// The store's time: the clock's, in whole microseconds.
  [[nodiscard]] WallTime now() const;

 private:
  static constexpr Duration kNotesAfter = std::chrono::milliseconds(500);
  static constexpr Duration kMostRound = std::chrono::seconds(10);  // from there on it hangs
  static constexpr std::size_t kMostPosted = std::size_t{4} << 20;  // bytes, more or less
  // Posts in a transaction. More would make a flush cheaper by next to nothing, and all that comes after it later.
  static constexpr std::size_t kMostAtOnce = 512;

  static constexpr std::uint32_t kWaiting = 0;
  static constexpr std::uint32_t kLead = 1;
  static constexpr std::uint32_t kOver = 2;

  // Somebody who waits for a transaction: with all others who came while the one before it was on its way.
  struct Call {
    Member* member;
    std::vector<NewTask> tasks;
    std::vector<Result<Added>> results{};
    std::optional<Error> error{};
    std::uint32_t group = 0;
    // Of the one who came first, which is the one to lead if nobody does: kWaiting, kLead or kOver. Release and
    // acquire: results, and what the leader before did.
    std::atomic<std::uint32_t> word{kWaiting};
  };
  struct Ending {
    Member* member;  // null: it is gone
    Finish finish;
  };
  // What one transaction is made of.
  struct Round {
    std::vector<std::shared_ptr<Post>> posts{};
    std::vector<Call*> calls{};
    std::uint32_t group = 0;
    std::vector<Ending> endings{};
    std::vector<Note> notes{};
    std::vector<TaskId> expired{};
    std::vector<Member*> members{};
    std::vector<std::string> changed{};
    std::vector<Advance> advances{};
    std::vector<std::pair<Member*, std::size_t>> advancers{};  // whose they are, and how many
  };

  // `more` happened after `note`.
  static void put_together(Note& note, Note more);
  [[nodiscard]] Round take() ERRAND_EXCLUDES(mu_);
  // `own`: the caller's, if it is one that leads.
  void run_round(const Call* own) ERRAND_EXCLUDES(mu_);
  void release(const Round& round, const Call* own);
  [[nodiscard]] Result<Committed> commit(Round& round, std::vector<Member*>& claimers, std::vector<Finish>& finished);
  void deliver(Round& round, Committed& committed, const std::vector<Member*>& claimers,
               const std::vector<Finish>& finished);
  void put_back(Round& round, const Error& error) ERRAND_EXCLUDES(mu_);
  void note_due(const Round& round) ERRAND_EXCLUDES(mu_);
  void lead(const Call* own = nullptr) ERRAND_EXCLUDES(mu_);
  void lead_or_wait(Call& first, bool leads) ERRAND_EXCLUDES(mu_);
  // What whoever has posted something, and does not wait for it, is to do about it.
  enum class Then : unsigned char { nothing, lead, tell };
  [[nodiscard]] Then after_posting() ERRAND_REQUIRES(mu_);
  void see_to_it(Then then) ERRAND_EXCLUDES(mu_);
  void resolve(const std::vector<std::shared_ptr<Post>>& posts, const Error& error);
  void make_room(std::size_t bytes);
  void wake_service();
  [[nodiscard]] bool has_work(SteadyTime now) const ERRAND_REQUIRES(mu_);
  void wait_for(Call& call) ERRAND_EXCLUDES(mu_);
  void see_out_round() ERRAND_EXCLUDES(mu_);
  void disown_endings(const Member& member) ERRAND_REQUIRES(mu_);
  [[nodiscard]] bool crowded() const noexcept { return posted_bytes_.load(std::memory_order_relaxed) > kMostPosted; }

  Store& store_;
  const std::shared_ptr<Clock> clock_;
  const bool durable_;
  std::atomic<std::uint32_t> word_{0};
  // Relaxed: whoever sees that a member has it no more, under that one's lock, sees it counted here.
  std::atomic<std::uint64_t> endings_begun_{0};
  std::atomic<std::uint64_t> delivered_{0};   // release: what members did about it
  std::atomic<std::size_t> posted_bytes_{0};  // release and acquire where it comes to nothing: see settled()
  std::atomic<bool> wished_{false};           // only to spare wakes: the members know what they wish for
  std::atomic<std::uint32_t> room_{0};        // moves when there may be room again; release: what made it
  std::atomic<bool> attended_{false};         // release: the thread's beginning

  // The logger, and on_wake, are user code that may call a queue while this thread leads: it can't wait for itself.
  std::atomic<std::thread::id> leader_{};

  // Lock order: nothing is taken or called under it but the clock.
  mutable Mutex mu_;
  bool leading_ ERRAND_GUARDED_BY(mu_) = false;
  bool asked_ ERRAND_GUARDED_BY(mu_) = false;        // step() came while somebody led, and said nothing
  bool told_ ERRAND_GUARDED_BY(mu_) = false;         // the store's thread was woken, and has not looked yet
  std::vector<Call*> calls_ ERRAND_GUARDED_BY(mu_);  // a group; empty while nobody leads
  std::uint32_t group_ ERRAND_GUARDED_BY(mu_) = 0;   // its number
  // The number behind that of the last group that is over; one for those with even numbers, one for the others, so that
  // all but the first of a group are woken with one call, and the next group is not. Release: results.
  std::atomic<std::uint32_t> over_[2] = {};
  std::deque<std::shared_ptr<Post>> posts_ ERRAND_GUARDED_BY(mu_);
  std::vector<Ending> endings_ ERRAND_GUARDED_BY(mu_);
  std::unordered_map<std::uint64_t, Note> notes_ ERRAND_GUARDED_BY(mu_);
  std::vector<TaskId> expired_ ERRAND_GUARDED_BY(mu_);
  SteadyTime notes_at_ ERRAND_GUARDED_BY(mu_) = SteadyTime::max();
  std::vector<Member*> members_ ERRAND_GUARDED_BY(mu_);
  std::vector<std::string> changed_ ERRAND_GUARDED_BY(mu_);  // queues to look at again
  std::optional<WallTime> due_ ERRAND_GUARDED_BY(mu_);
  // Of the transaction on its way; max(): there is none. Relaxed: it orders nothing.
  std::atomic<SteadyTime> round_began_{SteadyTime::max()};
  std::atomic<std::uint32_t> rounds_{0};                   // that are over; release: what their leaders did
  std::uint32_t rounds_taken_ ERRAND_GUARDED_BY(mu_) = 0;  // that have begun
  std::optional<Error> trouble_ ERRAND_GUARDED_BY(mu_);
  Duration back_off_ ERRAND_GUARDED_BY(mu_){};
  SteadyTime retry_at_ ERRAND_GUARDED_BY(mu_) = SteadyTime::min();
  SteadyTime next_line_ ERRAND_GUARDED_BY(mu_) = SteadyTime::min();
  Rng rng_ ERRAND_GUARDED_BY(mu_);
};

}  // namespace durable
}  // namespace v0
}  // namespace errand
