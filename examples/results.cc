// What a body can return, and what its handle makes of it.

#include <errand/errand.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

// A function that reports errors as values, as any library's might.
errand::Result<int> parse_port(const std::string& text) {
  try {
    return std::stoi(text);
  } catch (const std::exception&) {
    return errand::Error(errand::Code::invalid, "port: expected a number, got \"" + text + "\"");
  }
}

int main() {
  errand::Queue queue;

  // A value, also one that can only be moved. It is moved out once; a second time it is gone.
  auto text = queue.submit([] { return std::make_unique<std::string>("move-only"); });
  std::cout << *text.get() << ", then " << to_string(text.result().error().code()) << "\n";

  // Result<T>: its error is a failed attempt, so that options such as max_attempts apply to it.
  auto good = queue.submit([] { return parse_port("8080"); });
  auto bad = queue.submit([] { return parse_port("http"); });
  std::cout << good.get() << "\n" << bad.result().error().message() << "\n";

  // OutcomeOf<T>: a value, or a word about what should become of the task.
  auto stock = queue.submit([]() -> errand::OutcomeOf<int> {
    const bool known = false;
    if (!known) return errand::discard("no such article");
    return 12;
  });
  stock.wait();
  std::cout << to_string(stock.state()) << ": " << stock.result().error().message() << "\n";

  // An exception comes out of get() as it went in, with its own type.
  auto thrown = queue.submit([] { throw std::out_of_range("index 9 of 3"); });
  try {
    thrown.get();
  } catch (const std::out_of_range& error) {
    std::cout << "caught " << error.what() << "\n";
  }

  // Several at once: all of them, or whichever is first.
  auto slow = queue.submit([](errand::Attempt& attempt) { attempt.sleep_for(1h); });
  auto quick = queue.submit([] { return 1; });
  std::cout << "first: " << (errand::wait_any({&slow, &quick}, 10s) == 1 ? "quick" : "slow") << "\n";
  if (!slow.cancel()) return 1;
  std::cout << "both over: " << (errand::wait_all({&slow, &quick}, 10s) ? "yes" : "no") << "\n";
}
