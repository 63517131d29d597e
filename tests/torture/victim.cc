// The owner of a SQLite file, to be killed at any moment: enqueues tasks and runs them, and says on its standard output
// what it is about to do and what it was told, in lines as witness.h has them. What is in the pipe outlives it.
//
//   torture_victim PATH work FIRST SEED   goes on for ever; its tasks are numbered from FIRST
//   torture_victim PATH serve FIRST SEED  the same, until it gets SIGTERM: then it shuts down, and says how long it
//   took torture_victim PATH drain 0 SEED      runs what is left, and ends
//
// With an odd seed commits are not flushed, which no kill may be able to tell. With an even one nearly every kill comes
// in the middle of a flush, since everything else takes no time beside it; and there each acknowledgement is held
// against the flushes that were over by then.

#include <errand/errand.h>
#include <errand/sqlite.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "flushes.h"

using namespace std::chrono_literals;

namespace {

constexpr int kWorkers = 2;
constexpr int kProducers = 4;
// So many tasks wait or run at most, and a few more: what is left when it is killed stays little, however many lives
// there are, and however slow the machine is.
constexpr int kMostWaiting = 48;

// One write for each line: the reader gets it as a whole or not at all, whenever the end comes.
void say(const std::string& what, const std::string& rest) {
  const std::string line = what + " " + rest + "\n";
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(3);
}

void say(const std::string& what, std::uint64_t serial) {
  say(what, std::to_string(serial));
}

// What is asked of each task follows from its number, also in another life.
bool fails_first(std::uint64_t serial) {
  return serial % 7 == 3;
}

errand::Named make(std::uint64_t serial, errand::Rng& rng) {
  errand::Named task{.kind = "count", .payload = std::to_string(serial)};
  if (serial % 5 == 1) task.options.delay = std::chrono::microseconds(rng.below(5000));
  if (serial % 3 == 0) task.options.priority = static_cast<int>(rng.below(10));
  task.options.on_finish = [serial](const errand::TaskInfo& info) {
    if (info.state == errand::TaskState::completed) {
      say("done", serial);
    } else {
      say("odd", std::to_string(serial) + " ended " + std::string(errand::to_string(info.state)));
    }
  };
  return task;
}

class Victim {
 public:
  Victim(const errand::SqliteStore& store, std::uint64_t seed) : store_(store), seed_(seed), waiting_(count()) {
    queue_.handle(
        "count",
        [this](std::span<const std::byte> payload, errand::Attempt& attempt) { return body(payload, attempt); },
        {.retry = errand::Retry::fixed(1ms)});
  }

  [[noreturn]] void work(std::uint64_t first) {
    const auto producers = produce_from(first);
    for (;;) ::pause();
  }

  // `terms`: SIGTERM, which is blocked in every thread. Each is one more shutdown.
  void serve(std::uint64_t first, const sigset_t& terms) {
    serves_ = true;
    errand::set_logger([](const errand::LogLine&) {});  // each refusal is a line
    const auto producers = produce_from(first);
    wait_for(terms);
    const auto began = std::chrono::steady_clock::now();
    const auto second = std::make_shared<Second>();
    std::thread([this, second, terms] {
      wait_for(terms);
      if (second->may_begin()) shut_down();
      second->end();
    }).detach();
    shut_down();
    say("took", static_cast<std::uint64_t>((std::chrono::steady_clock::now() - began) / 1ms));
    second->wait_and_forbid();
    over_ = true;
    waiting_ = 0;
    waiting_.notify_all();
  }

  void drain() {
    while (count() != 0) std::this_thread::sleep_for(1ms);
  }

 private:
  // A second signal may come at any time, and also when the queue is gone.
  class Second {
   public:
    [[nodiscard]] bool may_begin() {
      const std::lock_guard lock(mu_);
      return is_inside_ = !is_over_;
    }
    void end() {
      const std::lock_guard lock(mu_);
      is_inside_ = false;
      left_.notify_all();
    }
    void wait_and_forbid() {
      std::unique_lock lock(mu_);
      left_.wait(lock, [this] { return !is_inside_; });
      is_over_ = true;
    }

   private:
    std::mutex mu_;
    std::condition_variable left_;
    bool is_inside_ = false;
    bool is_over_ = false;
  };

  [[nodiscard]] bool flushed() const { return seed_ % 2 == 0; }

  static void wait_for(const sigset_t& signals) {
    int signal = 0;
    ::sigwait(&signals, &signal);
  }

  // As programs do: what runs may come to its end for a while, or is to stop at once.
  void shut_down() {
    const auto timeout = seed_ % 3 == 0 ? 0ms : 100ms;
    static_cast<void>(queue_.shutdown({.drain = errand::Drain::running, .timeout = timeout}));
  }

  std::vector<std::jthread> produce_from(std::uint64_t first) {
    std::vector<std::jthread> producers;
    for (int i = 0; i < kProducers; ++i) {
      producers.emplace_back([this, first, i] { produce(first + static_cast<std::uint64_t>(i)); });
    }
    return producers;
  }

  // Everything in the store that is not over.
  int count() const {
    const auto counts = store_->counts(errand::real_clock()->now());
    if (!counts) fail(counts.error());
    std::size_t sum = 0;
    for (const errand::Counts& one : *counts) sum += one.scheduled + one.available + one.running + one.retryable;
    return static_cast<int>(sum);
  }

  // Numbers first, first + kProducers ...; now and then several in one transaction.
  void produce(std::uint64_t serial) {
    errand::Rng rng(seed_ + serial);
    while (!over_) {
      for (int now = waiting_.load(); now >= kMostWaiting && !over_; now = waiting_.load()) waiting_.wait(now);
      std::vector<std::uint64_t> serials;
      std::vector<errand::Named> tasks;
      for (std::uint64_t n = rng.below(8) == 0 ? 3 : 1; n > 0; --n, serial += kProducers) {
        serials.push_back(serial);
        tasks.push_back(make(serial, rng));
        say("intent", serial);
      }
      waiting_.fetch_add(static_cast<int>(serials.size()));
      const std::uint64_t before = flushes::begun();
      const auto results = queue_.enqueue_many(std::move(tasks));
      if (serves_ && !results[0] && results[0].error().code() == errand::Code::shutting_down) return;
      if (flushed() && flushes::last_over() <= before) say("odd", "0 is acknowledged, and no flush was over");
      for (std::size_t i = 0; i < serials.size(); ++i) {
        if (!results[i]) fail(results[i].error());
        say("ack", serials[i]);
      }
    }
  }

  errand::Outcome body(std::span<const std::byte> payload, errand::Attempt& attempt) {
    static std::atomic<int> threads{0};
    thread_local const std::string worker = std::to_string(threads.fetch_add(1));
    const std::string text(reinterpret_cast<const char*>(payload.data()), payload.size());
    std::uint64_t serial = 0;
    std::from_chars(text.data(), text.data() + text.size(), serial);
    say("start", text + " " + worker + " " + std::to_string(attempt.number()));
    if (serial % 4 == 0) attempt.sleep_for(1ms);
    if (serves_ && serial % 5 == 2 && !attempt.sleep_for(50ms)) {
      say("stop", text + " " + worker);
      throw std::runtime_error("stopped");
    }
    if (fails_first(serial) && attempt.number() == 1) {
      say("fail", text + " " + worker);
      return errand::retry("as it was asked to");
    }
    say("effect", text + " " + worker);
    waiting_.fetch_sub(1);
    waiting_.notify_all();
    return errand::done();
  }

  [[noreturn]] static void fail(const errand::Error& error) {
    say("odd", "0 " + error.message());
    ::_exit(2);
  }

  const errand::SqliteStore store_;
  const std::uint64_t seed_;
  std::atomic<int> waiting_;  // only to throttle
  std::atomic<bool> serves_{false};
  std::atomic<bool> over_{false};
  errand::Queue queue_{{.name = "work", .workers = kWorkers, .store = store_}};
};

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // nobody would kill it any more
  if (argc != 5) return 1;
  sigset_t terms;
  ::sigemptyset(&terms);
  ::sigaddset(&terms, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &terms, nullptr);
  const std::string mode = argv[2];
  const std::uint64_t seed = std::strtoull(argv[4], nullptr, 10);
  const auto store = errand::open_sqlite(
      argv[1], {.synchronous = seed % 2 == 0 ? errand::Synchronous::full : errand::Synchronous::normal});
  if (!store) {
    say("odd", "0 " + store.error().message());
    return 2;
  }
  Victim victim(*store, seed);
  const std::uint64_t first = std::strtoull(argv[3], nullptr, 10);
  if (mode == "work") victim.work(first);
  if (mode == "drain") victim.drain();
  if (mode == "serve") victim.serve(first, terms);
  return 0;
}
