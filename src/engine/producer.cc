#include "engine/producer.h"

#include <algorithm>

#include "base/thread.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// The thread is ending, and OwnProducers is gone: functions run at exit, and other destructors, may still submit.
constinit thread_local bool ending = false;

// All of this thread's producers, for threads that submit to several queues, and for the end of the thread.
struct OwnProducers {
  struct Entry {
    std::uint64_t queue_uid;
    Producer* producer;
    std::weak_ptr<Producers> home;  // empty once the queue is gone, and the producer with it
  };
  std::vector<Entry> entries;

  ~OwnProducers() {
    last_producer = {};
    ending = true;
    for (const Entry& entry : entries) {
      if (const auto home = entry.home.lock()) home->release(*entry.producer);
    }
  }
};
thread_local OwnProducers own;

}  // namespace

constinit thread_local LastProducer last_producer;

Producer::~Producer() {
  for (Lane* lane : lanes) delete lane;
}

Producers::~Producers() = default;

Producer* Producers::look_up(const std::shared_ptr<Producers>& self, std::uint64_t queue_uid) {
  if (ending) {
    last_producer = {queue_uid, &self->of_ending_thread(&last_producer)};
    return last_producer.producer;
  }
  auto& entries = own.entries;
  auto found = std::find_if(entries.begin(), entries.end(), [&](const auto& e) { return e.queue_uid == queue_uid; });
  if (found == entries.end()) {
    std::erase_if(entries, [](const auto& e) { return e.home.expired(); });
    entries.push_back({queue_uid, &self->adopt_or_make(), self});
    found = entries.end() - 1;
  }
  last_producer = {queue_uid, found->producer};
  return last_producer.producer;
}

// Kept here, since the thread has no place left that is cleared up. A later thread with the same storage may have it.
Producer& Producers::of_ending_thread(const void* thread) {
  {
    MutexLock lock(mu_);
    for (const auto& [owner, producer] : late_) {
      if (owner == thread) return *producer;
    }
  }
  Producer& producer = adopt_or_make();
  MutexLock lock(mu_);
  late_.emplace_back(thread, &producer);
  return producer;
}

Producer& Producers::adopt_or_make() {
  MutexLock lock(mu_);
  if (!free_.empty()) {
    Producer& producer = *free_.back();
    free_.pop_back();
    return producer;
  }
  all_.push_back(std::make_unique<Producer>(*this));
  return *all_.back();
}

void Producers::release(Producer& producer) {
  MutexLock lock(mu_);
  free_.push_back(&producer);
}

Page* Producers::new_page(Producer& producer) {
  if (producer.in_stock == 0) producer.in_stock = pool.acquire(producer.stock);
  if (producer.in_stock == 0) return nullptr;
  // The oldest first: acquire() filled it in the order of use.
  Page* page = producer.stock[0];
  std::move(producer.stock + 1, producer.stock + producer.in_stock, producer.stock);
  --producer.in_stock;
  return page;
}

Lane& Producers::lane(Producer& producer, int priority) {
  Lane*& lane = producer.lanes[priority];
  if (lane == nullptr) {
    auto made = std::make_unique<Lane>(priority);
    pool.expect_in_progress(1);
    std::atomic<Lane*>& head = heads_[priority];
    made->next = head.load(std::memory_order_relaxed);
    lane = made.release();
    // Release: takers that find the lane find it built, and those behind it too: each exchange passes on what the one
    // before released.
    while (!head.compare_exchange_weak(lane->next, lane, std::memory_order_release, std::memory_order_relaxed)) {
    }
  }
  return *lane;
}

void Producers::wait_for_quiet(const Producer* own) const {
  MutexLock lock(mu_);
  for (const auto& producer : all_) {
    // A submit takes nanoseconds, unless its closure is slow to copy.
    while (producer.get() != own && producer->busy.load(std::memory_order_acquire) != 0) yield_thread();
  }
}

std::uint64_t Producers::submitted() const {
  MutexLock lock(mu_);
  std::uint64_t sum = 0;
  // Relaxed: who has seen a task, or the count of those that ended, has acquired what its submitter did before.
  for (const auto& producer : all_) sum += producer->submitted.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
