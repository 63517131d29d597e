#pragma once
// errand and its rivals behind one shape: made with a number of workers, and submit(f).

#include <concurrentqueue/blockingconcurrentqueue.h>
#include <errand/errand.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "sample.h"

namespace bench {

/// With all defaults: status, figures and retention are on.
class ErrandPool {
 public:
  static constexpr const char* kName = "errand";
  explicit ErrandPool(errand::QueueOptions options) : queue_(std::move(options)) {}
  explicit ErrandPool(int workers) : ErrandPool(errand::QueueOptions{.workers = workers}) {}
  template <class F>
  void submit(F f) {
    if (sample_ != nullptr && sample_->picks()) [[unlikely]] {
      sample_->note([this](auto body) { return queue_.submit(std::move(body)); }, std::move(f));
    } else {
      queue_.submit(std::move(f));
    }
  }
  /// From now on, of `tasks` in each of so many passes.
  void sample(std::uint64_t tasks, int passes) { sample_ = std::make_unique<Sample>(tasks, passes); }
  /// Ends the program if the queue says anything wrong about them. All of them have run.
  void check_sample() const {
    demand(queue_.wait_idle(std::chrono::seconds(60)), "the queue did not become idle");
    sample_->check(queue_);
  }

 private:
  std::unique_ptr<Sample> sample_;
  errand::Queue queue_;
};

/// For errand's pool among its rivals: whether it is asked about its tasks.
template <class Pool>
inline constexpr bool knows_its_tasks = std::is_same_v<Pool, ErrandPool>;

/// What everybody writes first: a mutex, a deque, a condition variable.
class MutexPool {
 public:
  static constexpr const char* kName = "mutex and deque";
  explicit MutexPool(int workers) {
    for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
  }
  ~MutexPool() {
    {
      const std::lock_guard lock(mutex_);
      stops_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  template <class F>
  void submit(F f) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.emplace_back(std::move(f));
    }
    changed_.notify_one();
  }

 private:
  void work() {
    for (;;) {
      std::function<void()> task;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return stops_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        task = std::move(waiting_.front());
        waiting_.pop_front();
      }
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool stops_ = false;
  std::vector<std::thread> threads_;
};

/// moodycamel's queue as its author recommends: a token for each producer and consumer, taken in bulk, blocking.
class MoodycamelPool {
 public:
  static constexpr const char* kName = "moodycamel";
  explicit MoodycamelPool(int workers) {
    for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { work(); });
  }
  ~MoodycamelPool() {
    for (std::size_t i = 0; i < threads_.size(); ++i) queue_.enqueue({});
    for (std::thread& thread : threads_) thread.join();
  }
  template <class F>
  void submit(F f) {
    thread_local Token token;
    queue_.enqueue(token.of(*this), std::move(f));
  }

 private:
  using Task = std::function<void()>;
  using Queue = moodycamel::BlockingConcurrentQueue<Task>;
  // This thread's token for the pool it used last.
  struct Token {
    moodycamel::ProducerToken& of(MoodycamelPool& pool) {
      if (owner != pool.number_) {
        token.emplace(pool.queue_);
        owner = pool.number_;
      }
      return *token;
    }
    std::uint64_t owner = 0;
    std::optional<moodycamel::ProducerToken> token;
  };

  void work() {
    moodycamel::ConsumerToken token(queue_);
    Task tasks[16];
    for (;;) {
      const std::size_t count = queue_.wait_dequeue_bulk(token, tasks, std::size(tasks));
      for (std::size_t i = 0; i < count; ++i) {
        if (!tasks[i]) {
          // One of these is there for each worker: what it took too many goes back.
          for (std::size_t j = i + 1; j < count; ++j) queue_.enqueue(std::move(tasks[j]));
          return;
        }
        tasks[i]();
        tasks[i] = nullptr;
      }
    }
  }

  static inline std::atomic<std::uint64_t> numbers_{0};
  const std::uint64_t number_ = numbers_.fetch_add(1) + 1;
  Queue queue_;
  std::vector<std::thread> threads_;
};

class AsioPool {
 public:
  static constexpr const char* kName = "Boost.Asio";
  explicit AsioPool(int workers) : pool_(static_cast<std::size_t>(workers)) {}
  ~AsioPool() { pool_.join(); }
  template <class F>
  void submit(F f) {
    boost::asio::post(pool_, std::move(f));
  }

 private:
  boost::asio::thread_pool pool_;
};

class TbbPool {
 public:
  static constexpr const char* kName = "oneTBB";
  // No slot of the arena is reserved for the thread that submits: so many workers, as with the others.
  explicit TbbPool(int workers)
      : most_(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(workers) + 1), arena_(workers, 0) {
    arena_.initialize();
  }
  template <class F>
  void submit(F f) {
    arena_.enqueue(std::move(f));
  }

 private:
  tbb::global_control most_;
  tbb::task_arena arena_;
};

/// A thread for each task, at most so many of them at a time. Any thread may submit.
class AsyncPool {
 public:
  static constexpr const char* kName = "std::async";
  explicit AsyncPool(int workers) : most_(static_cast<std::size_t>(workers)) {}
  template <class F>
  void submit(F f) {
    const std::lock_guard lock(mutex_);
    if (running_.size() == most_) running_.pop_front();  // waits for the oldest
    running_.push_back(std::async(std::launch::async, std::move(f)));
  }

 private:
  const std::size_t most_;
  std::mutex mutex_;
  std::deque<std::future<void>> running_;
};

}  // namespace bench
