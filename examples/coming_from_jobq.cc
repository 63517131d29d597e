// For those who know JobQ (Go). Left its call, right ours:
//
//   NewPool(5)                          Queue({.workers = 5})
//   EnQueueTask(f)                      submit(f)
//   WithFn(f) and EnQueue(message)      handle_messages<M>(f) and submit_message(M{...}): typed, so there is no
//   decoding Bytes() on the message              handle_bytes(f) and submit_bytes(bytes), where bytes are what there is
//   BusyWorkers(), its metrics          stats()
//   UpdateWorkerCount(n)                set_workers(n)
//   its ring buffer, swapped            QueueOptions::line, with a WaitingLine of one's own
//   Release()                           shutdown(), or the destructor

#include <errand/errand.h>
#include <errand/waiting_line.h>

#include <deque>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

struct Greeting {
  std::string name;
  int age = 0;
};

// The newest first, to show that the structure can be swapped. The queue takes care of locking.
class Stack final : public errand::WaitingLine {
 public:
  void push(const errand::WaitingTask& task) override { tasks_.push_back(task); }
  std::optional<errand::WaitingTask> pop(std::int64_t) override {
    if (tasks_.empty()) return std::nullopt;
    auto newest = tasks_.back();
    tasks_.pop_back();
    return newest;
  }
  std::optional<errand::WaitingTask> pop_oldest() override {
    if (tasks_.empty()) return std::nullopt;
    auto oldest = tasks_.front();
    tasks_.pop_front();
    return oldest;
  }
  std::size_t size() const override { return tasks_.size(); }

 private:
  std::deque<errand::WaitingTask> tasks_;
};

int main() {
  errand::Queue pool({.workers = 5});

  // Functions, whose values come back without a channel.
  std::vector<errand::Task<std::string>> replies;
  for (int i = 0; i < 3; ++i) replies.push_back(pool.submit([i] { return "handling task " + std::to_string(i); }));
  for (auto& reply : replies) std::cout << reply.get() << "\n";

  // Messages: one handler for the queue, and values of its type.
  pool.handle_messages<Greeting>(
      [](const Greeting& greeting) { std::cout << greeting.name << " " << greeting.age << "\n"; });
  for (int age = 1; age <= 2; ++age) pool.submit_message(Greeting{.name = "worker", .age = age}).wait();

  // Raw bytes, for those who decode on their own. Bad ones fail their task, and nothing else.
  pool.handle_bytes([](std::span<const std::byte> bytes) -> errand::Outcome {
    if (bytes.empty()) return errand::discard("an empty message");
    std::cout << bytes.size() << " bytes\n";
    return errand::done();
  });
  pool.submit_bytes(std::as_bytes(std::span("hello", 5))).wait();
  auto empty = pool.submit_bytes({});
  empty.wait();
  std::cout << to_string(empty.state()) << ": " << empty.info()->last_error << "\n";

  // More or fewer workers while it runs.
  pool.set_workers(2);
  std::cout << pool.workers() << " workers, " << pool.stats().completed << " completed, " << pool.stats().discarded
            << " discarded\n";

  errand::Queue newest_first({.workers = 1, .start = false, .line = std::make_shared<Stack>()});
  for (int i = 1; i <= 3; ++i) newest_first.submit([i] { std::cout << "task " << i << "\n"; });
  return newest_first.start() ? 0 : 1;
}
