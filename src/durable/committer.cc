// What callers ask of a committer: to post, to wait, and to come and go as a member.

#include "durable/committer.h"

#include <algorithm>
#include <climits>
#include <iterator>

#include "base/time.h"

namespace errand {
inline namespace v0 {
namespace durable {

Committer::Committer(Store& store, std::shared_ptr<Clock> clock, std::uint64_t seed)
    : store_(store), clock_(std::move(clock)), durable_(store.traits().durable), rng_(seed) {}

// Stores take whole microseconds.
WallTime Committer::now() const {
  return down_to_micros(clock_->now());
}

// --- posting ---------------------------------------------------------------------------------------------------------

std::vector<Result<Added>> Committer::add(Member& member, std::vector<NewTask> tasks) {
  Call call{&member, std::move(tasks)};
  wait_for(call);
  return std::move(call.results);
}

Result<void> Committer::sync() {
  Call call{nullptr, {}};
  wait_for(call);
  if (call.error) return *call.error;
  return {};
}

Result<void> Committer::may_wait() const {
  // Relaxed: nobody but this thread writes its own number there.
  if (leader_.load(std::memory_order_relaxed) == std::this_thread::get_id())
    return Error(Code::would_block, "wait for the store: this thread is at work for it, and was called from there");
  return store_.may_wait();
}

// A producer that led would not produce meanwhile; so it does only where nobody else is there to lead.
Result<void> Committer::wait_for_room() {
  while (crowded()) {
    if (auto may = may_wait(); !may) return may;
    if (!attended_.load(std::memory_order_acquire)) return sync();
    const std::uint32_t seen = room_.load(std::memory_order_acquire);
    if (crowded()) clock_->wait(room_, seen, {});
  }
  return {};
}

void Committer::wait_for(Call& call) {
  if (auto may = may_wait(); !may) {
    call.error = may.error();
    call.results.assign(call.tasks.size(), may.error());
    return;
  }
  bool first = false;
  bool leads = false;
  {
    MutexLock lock(mu_);
    call.group = group_;
    first = calls_.empty();
    calls_.push_back(&call);
    if (!leading_) leads = leading_ = true;
  }
  if (first) {
    lead_or_wait(call, leads);
    return;
  }
  std::atomic<std::uint32_t>& over = over_[call.group % 2];
  for (;;) {
    const std::uint32_t seen = over.load(std::memory_order_acquire);
    if (static_cast<std::int32_t>(seen - call.group) > 0) return;
    clock_->wait(over, seen, {});
  }
}

void Committer::lead_or_wait(Call& first, bool leads) {
  while (!leads) {
    const std::uint32_t seen = first.word.load(std::memory_order_acquire);
    if (seen == kOver) return;
    leads = seen == kLead;
    if (!leads) clock_->wait(first.word, seen, {});
  }
  lead(&first);
}

void Committer::finish(Member& member, Finish finish) {
  Then then{};
  {
    MutexLock lock(mu_);
    endings_.push_back({&member, std::move(finish)});
    then = after_posting();
  }
  see_to_it(then);
}

std::vector<Finish> Committer::take_endings() {
  MutexLock lock(mu_);
  std::vector<Finish> left;
  for (Ending& ending : endings_) left.push_back(std::move(ending.finish));
  endings_.clear();
  return left;
}

void Committer::adopt_endings(std::vector<Finish> finished) {
  endings_begun_.fetch_add(finished.size(), std::memory_order_relaxed);
  {
    MutexLock lock(mu_);
    for (Finish& finish : finished) endings_.push_back({nullptr, std::move(finish)});
  }
  wake_service();
}

void Committer::post(std::shared_ptr<Post> post) {
  posted_bytes_.fetch_add(post->size, std::memory_order_relaxed);
  Then then{};
  {
    MutexLock lock(mu_);
    posts_.push_back(std::move(post));
    then = after_posting();
  }
  see_to_it(then);
}

Committer::Then Committer::after_posting() {
  // Whoever leads looks again before it lets go.
  if (leading_) return Then::nothing;
  // Where no flush is to be waited for, it is done at once.
  if (!durable_ && !trouble_) {
    leading_ = true;
    return Then::lead;
  }
  return std::exchange(told_, true) ? Then::nothing : Then::tell;
}

void Committer::see_to_it(Then then) {
  if (then == Then::lead) lead();
  if (then == Then::tell) wake_service();
}

void Committer::put_together(Note& note, Note more) {
  if (more.progress_done) note.progress_done = more.progress_done;
  if (more.progress_total) note.progress_total = more.progress_total;
  if (more.progress_note) note.progress_note = std::move(more.progress_note);
  if (more.metadata) note.metadata = std::move(more.metadata);
  for (std::string& line : more.log) note.log.push_back(std::move(line));
  if (note.log.size() > kKeptLogLines) note.log.erase(note.log.begin(), note.log.end() - kKeptLogLines);
  note.token = more.token;
}

void Committer::note(Note note) {
  bool first = false;
  {
    MutexLock lock(mu_);
    const auto [at, is_new] = notes_.try_emplace(note.id.value);
    if (is_new) {
      at->second = std::move(note);
    } else {
      put_together(at->second, std::move(note));
    }
    first = notes_at_ == SteadyTime::max();
    if (first) notes_at_ = saturating_add(clock_->mono(), kNotesAfter);
  }
  if (first) wake_service();
}

void Committer::wish() {
  if (!wished_.exchange(true, std::memory_order_acq_rel)) wake_service();
}

void Committer::hurry() {
  {
    MutexLock lock(mu_);
    retry_at_ = SteadyTime::min();
  }
  wake_service();
}

void Committer::look_again(std::span<const std::string> queues) {
  {
    MutexLock lock(mu_);
    // Each once: it may be long before anybody leads.
    for (const std::string& queue : queues) {
      if (std::find(changed_.begin(), changed_.end(), queue) == changed_.end()) changed_.push_back(queue);
    }
  }
  wish();
}

void Committer::expired(std::vector<TaskId> ids) {
  {
    MutexLock lock(mu_);
    expired_.insert(expired_.end(), ids.begin(), ids.end());
    if (leading_) return;
  }
  wake_service();
}

void Committer::wake_service() {
  word_.fetch_add(1, std::memory_order_release);
  clock_->wake(word_, INT_MAX);
}

// --- members ---------------------------------------------------------------------------------------------------------

void Committer::attach(Member& member) {
  MutexLock lock(mu_);
  members_.push_back(&member);
}

void Committer::detach(Member& member) {
  std::vector<std::shared_ptr<Post>> late;
  {
    MutexLock lock(mu_);
    members_.erase(std::remove(members_.begin(), members_.end(), &member), members_.end());
    disown_endings(member);
    const auto its =
        std::stable_partition(posts_.begin(), posts_.end(), [&](const auto& post) { return post->member != &member; });
    late.assign(std::make_move_iterator(its), std::make_move_iterator(posts_.end()));
    posts_.erase(its, posts_.end());
  }
  resolve(late, Error(Code::shutting_down, "enqueue to queue \"" + member.name() + "\": it has shut down"));
  see_out_round();
  // What that round gave back meanwhile; or the next one has taken it already.
  {
    MutexLock lock(mu_);
    disown_endings(member);
  }
  see_out_round();
}

// The store is told all the same: it takes these tasks for running until it is.
void Committer::disown_endings(const Member& member) {
  for (Ending& ending : endings_) {
    if (ending.member == &member) ending.member = nullptr;
  }
}

// Rounds are taken under the mutex, one at a time: the one that has begun may still know what the caller has changed,
// and no later one does.
void Committer::see_out_round() {
  std::uint32_t taken = 0;
  {
    MutexLock lock(mu_);
    taken = rounds_taken_;
  }
  for (;;) {
    const std::uint32_t over = rounds_.load(std::memory_order_acquire);
    if (static_cast<std::int32_t>(over - taken) >= 0) return;
    clock_->wait(rounds_, over, {});
  }
}

std::optional<Error> Committer::trouble() const {
  {
    MutexLock lock(mu_);
    if (trouble_) return trouble_;
  }
  const SteadyTime began = round_began_.load(std::memory_order_relaxed);
  if (began == SteadyTime::max() || clock_->mono() - began <= kMostRound) return std::nullopt;
  return Error(Code::unavailable, std::string(store_.traits().name) + ": a transaction has taken over 10 s so far");
}

bool Committer::answers() {
  if (!may_wait()) return false;
  for (const std::uint32_t seen = rounds_.load(std::memory_order_acquire);;) {
    const SteadyTime began = round_began_.load(std::memory_order_relaxed);
    if (began == SteadyTime::max() || rounds_.load(std::memory_order_acquire) != seen) return true;
    const SteadyTime most = began + kMostRound;
    if (clock_->mono() > most) return false;
    clock_->wait(rounds_, seen, {.mono = most + Duration(1)});
  }
}

}  // namespace durable
}  // namespace v0
}  // namespace errand
