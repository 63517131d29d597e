// What whoever leads does: takes what was posted, makes one transaction of it, and tells everybody what became of it.

#include <algorithm>
#include <climits>
#include <iterator>

#include "base/log.h"
#include "base/time.h"
#include "durable/committer.h"

namespace errand {
inline namespace v0 {
namespace durable {

namespace {

// A store that fails is asked again after this, then after twice as long, up to the most.
constexpr Duration kFirstBackOff = std::chrono::milliseconds(100);
constexpr Duration kMostBackOff = std::chrono::seconds(5);
constexpr Duration kLineEvery = std::chrono::seconds(10);

// In a log that has lines of other stores too, whose tasks wait.
void tell_outage(const std::vector<Member*>& members, const Error& error) {
  std::string names;
  for (const Member* member : members) names += (names.empty() ? "\"" : ", \"") + member->name() + "\"";
  const char* const queues = members.size() == 1 ? "queue " : "queues ";
  log(LogLevel::error, members.size() == 1 ? members.front()->name() : std::string(),
      error.message() + (names.empty() ? "" : "; named tasks of " + (queues + names) + " wait until it is back"));
}

}  // namespace

// REQUIRES: this thread has set leading_, or was given the lead.
void Committer::lead(const Call* own) {
  leader_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  run_round(own);
  leader_.store(std::thread::id(), std::memory_order_relaxed);
  Call* next = nullptr;
  bool more = false;
  {
    MutexLock lock(mu_);
    if (!calls_.empty()) {
      next = calls_.front();
    } else {
      leading_ = false;
      // The store's thread knows neither what it was not told because somebody led, nor when to try again after a
      // failure that it was not there for.
      more = std::exchange(asked_, false) || trouble_ || has_work(clock_->mono());
    }
  }
  if (next != nullptr) {
    // Release: the lead. It can't return before it has led.
    next->word.store(kLead, std::memory_order_release);
    clock_->wake(next->word, 1);
  } else if (more) {
    wake_service();
  }
}

bool Committer::has_work(SteadyTime now) const {
  if (!calls_.empty() || !posts_.empty() || !expired_.empty()) return true;
  return now >= retry_at_ && (!endings_.empty() || now >= notes_at_ || wished_.load(std::memory_order_acquire));
}

Committer::Round Committer::take() {
  Round round;
  MutexLock lock(mu_);
  // Whoever waits, waits for what was posted before, and is not to wait for what others post meanwhile: with calls all
  // of it is taken, which has a limit of its own.
  const std::size_t most = calls_.empty() ? kMostAtOnce : posts_.size();
  const auto end = posts_.begin() + static_cast<std::ptrdiff_t>(std::min(posts_.size(), most));
  round.posts.assign(std::make_move_iterator(posts_.begin()), std::make_move_iterator(end));
  posts_.erase(posts_.begin(), end);
  round.calls.swap(calls_);
  round.group = group_;
  if (!round.calls.empty()) ++group_;
  round.endings.swap(endings_);
  round.expired.swap(expired_);
  for (auto& [id, note] : notes_) round.notes.push_back(std::move(note));
  notes_.clear();
  notes_at_ = SteadyTime::max();
  round.members = members_;
  round.changed.swap(changed_);
  ++rounds_taken_;
  return round;
}

void Committer::run_round(const Call* own) {
  round_began_.store(clock_->mono(), std::memory_order_relaxed);
  wished_.store(false, std::memory_order_release);
  Round round = take();
  std::vector<Member*> claimers;
  std::vector<Finish> finished;
  auto committed = commit(round, claimers, finished);
  if (committed) {
    deliver(round, *committed, claimers, finished);
    MutexLock lock(mu_);
    trouble_.reset();
    back_off_ = {};
    retry_at_ = SteadyTime::min();
  } else {
    for (std::size_t i = 0; i < finished.size(); ++i) round.endings[i].finish = std::move(finished[i]);
    put_back(round, committed.error());
  }
  if (!round.expired.empty()) {
    for (Member* member : round.members) member->expired(round.expired);
  }
  if (!round.endings.empty() || !round.posts.empty()) {
    for (Member* member : round.members) member->settled();
  }
  note_due(round);
  if (!round.calls.empty()) release(round, own);
  round_began_.store(SteadyTime::max(), std::memory_order_relaxed);
  rounds_.fetch_add(1, std::memory_order_release);
  clock_->wake(rounds_, INT_MAX);
}

// Release: the results. Whoever waits is gone from here on, and what is woken may be another word by then.
void Committer::release(const Round& round, const Call* own) {
  Call* const first = round.calls.front();
  const bool alone = round.calls.size() == 1;
  first->word.store(kOver, std::memory_order_release);
  if (first != own) clock_->wake(first->word, 1);
  std::atomic<std::uint32_t>& over = over_[round.group % 2];
  over.store(round.group + 1, std::memory_order_release);
  if (!alone) clock_->wake(over, INT_MAX);
}

// When the members may wish for something again: step() waits for it.
void Committer::note_due(const Round& round) {
  std::optional<WallTime> due;
  for (const Member* member : round.members) {
    const auto one = member->next_due();
    if (one && (!due || *one < *due)) due = one;
  }
  bool sooner = false;
  {
    MutexLock lock(mu_);
    sooner = due && (!due_ || *due < *due_);
    due_ = due;
  }
  if (sooner) wake_service();
}

Result<Committed> Committer::commit(Round& round, std::vector<Member*>& claimers, std::vector<Finish>& finished) {
  const WallTime now = this->now();
  std::vector<NewTask> added;
  std::size_t count = round.posts.size();
  for (const Call* call : round.calls) count += call->tasks.size();
  added.reserve(count);
  finished.reserve(round.endings.size());
  // Before what callers wait for: whoever posted and then called wants it in this order.
  for (const auto& post : round.posts) {
    post->member->coming(*post->task, now);
    added.push_back(std::move(*post->task));
    post->task.reset();
  }
  for (Call* call : round.calls) {
    for (NewTask& task : call->tasks) {
      call->member->coming(task, now);
      added.push_back(std::move(task));
    }
  }
  for (Member* member : round.members) {
    if (std::find(round.changed.begin(), round.changed.end(), member->name()) != round.changed.end())
      member->look_again();
  }
  for (Member* member : round.members) {
    std::vector<Advance> slots = member->slots(now);
    if (slots.empty()) continue;
    round.advancers.emplace_back(member, slots.size());
    std::move(slots.begin(), slots.end(), std::back_inserter(round.advances));
  }
  {
    // A member may have given something back for what comes.
    MutexLock lock(mu_);
    std::move(endings_.begin(), endings_.end(), std::back_inserter(round.endings));
    endings_.clear();
  }
  for (Ending& ending : round.endings) finished.push_back(std::move(ending.finish));
  std::vector<ClaimRequest> claims;
  for (Member* member : round.members) {
    ClaimRequest request;
    if (!member->wishes(request, now)) continue;
    claims.push_back(request);
    claimers.push_back(member);
  }
  // After a failure the store is asked all the same: whether it is back is not known from doing nothing.
  const bool nothing = added.empty() && finished.empty() && round.notes.empty() && claims.empty();
  if (nothing && round.advances.empty() && !trouble()) return Committed{};
  const Batch batch{
      .notes = round.notes, .finished = finished, .added = added, .advanced = round.advances, .claims = claims};
  return store_.commit(batch, now);
}

void Committer::deliver(Round& round, Committed& committed, const std::vector<Member*>& claimers,
                        const std::vector<Finish>& finished) {
  auto advanced = committed.advanced.begin();
  for (const auto& [member, count] : round.advancers) {
    const auto end = advanced + static_cast<std::ptrdiff_t>(count);
    member->advanced({std::make_move_iterator(advanced), std::make_move_iterator(end)});
    advanced = end;
  }
  for (std::size_t i = 0; i < claimers.size(); ++i) claimers[i]->claimed(std::move(committed.claims[i]));
  for (std::size_t i = 0; i < finished.size(); ++i) {
    if (Member* const member = round.endings[i].member) {
      member->finished(finished[i], committed.finished[i]);
    } else if (committed.finished[i]) {
      for (Member* one : round.members) one->finished_elsewhere(finished[i]);
    }
  }
  delivered_.fetch_add(finished.size(), std::memory_order_release);
  std::size_t next = 0;
  std::size_t bytes = 0;
  for (const auto& post : round.posts) {
    bytes += post->size;
    post->resolved(committed.added[next++]);
  }
  make_room(bytes);
  for (Call* call : round.calls) {
    for (std::size_t i = 0; i < call->tasks.size(); ++i) call->results.push_back(std::move(committed.added[next++]));
  }
}

void Committer::resolve(const std::vector<std::shared_ptr<Post>>& posts, const Error& error) {
  std::size_t bytes = 0;
  for (const auto& post : posts) {
    bytes += post->size;
    post->resolved(error);
  }
  make_room(bytes);
}

// Whoever waits for room has seen more than there may be, so whoever makes that less wakes it.
void Committer::make_room(std::size_t bytes) {
  if (bytes == 0 || posted_bytes_.fetch_sub(bytes, std::memory_order_release) <= kMostPosted) return;
  room_.fetch_add(1, std::memory_order_release);
  clock_->wake(room_, INT_MAX);
}

// Nothing of the transaction happened. Who waits is told; what became of attempts is tried again until it is in.
void Committer::put_back(Round& round, const Error& error) {
  resolve(round.posts, error);
  for (Call* call : round.calls) {
    call->error = error;
    for (std::size_t i = 0; i < call->tasks.size(); ++i) call->results.push_back(error);
  }
  for (Member* member : round.members) member->look_again();
  // What they wished for, they still do.
  wished_.store(true, std::memory_order_release);
  bool speak = false;
  {
    MutexLock lock(mu_);
    for (Ending& ending : round.endings) {
      if (std::find(members_.begin(), members_.end(), ending.member) == members_.end()) ending.member = nullptr;
    }
    endings_.insert(endings_.begin(), std::make_move_iterator(round.endings.begin()),
                    std::make_move_iterator(round.endings.end()));
    for (Note& note : round.notes) {
      const auto [at, is_new] = notes_.try_emplace(note.id.value);
      if (!is_new) put_together(note, std::move(at->second));
      at->second = std::move(note);
    }
    const SteadyTime now = clock_->mono();
    if (!notes_.empty()) notes_at_ = now;
    // Callers may meet the fault many times before then: the store is not away any longer for that.
    if (now >= retry_at_) {
      back_off_ = back_off_ == Duration::zero() ? kFirstBackOff : std::min(2 * back_off_, kMostBackOff);
      const auto half = static_cast<std::uint64_t>(back_off_.count() / 2);
      retry_at_ = saturating_add(now, back_off_ / 2 + Duration(rng_.below(half + 1)));
    }
    trouble_ = error;
    speak = now >= next_line_;
    if (speak) next_line_ = saturating_add(now, kLineEvery);
  }
  if (speak) tell_outage(round.members, error);
}

WaitUntil Committer::step() {
  // Inside a transaction of the store's: what there is to do is done after it.
  if (!store_.may_wait()) return {.mono = clock_->mono()};
  bool leads = false;
  {
    MutexLock lock(mu_);
    told_ = false;
    const SteadyTime now = clock_->mono();
    const bool due = now >= retry_at_ && due_ && *due_ <= clock_->now();
    leads = !leading_ && (due || has_work(now));
    if (leads) leading_ = true;
  }
  if (leads) lead();
  MutexLock lock(mu_);
  WaitUntil until;
  if (leading_) {
    // What there is to wait for is known when whoever leads lets go, and wakes us.
    asked_ = true;
    return until;
  }
  SteadyTime at = SteadyTime::max();
  if (!endings_.empty() || wished_.load(std::memory_order_acquire)) at = retry_at_;
  if (!posts_.empty() || !expired_.empty()) at = clock_->mono();  // more than one transaction takes
  if (notes_at_ != SteadyTime::max()) at = std::min(at, std::max(notes_at_, retry_at_));
  // A store that is away is not asked sooner because something came due.
  if (due_ && clock_->mono() < retry_at_) {
    at = std::min(at, retry_at_);
  } else {
    until.wall = due_;
  }
  if (at != SteadyTime::max()) until.mono = at;
  return until;
}

}  // namespace durable
}  // namespace v0
}  // namespace errand
