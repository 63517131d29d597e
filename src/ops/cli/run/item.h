#pragma once
// One command on its way through the queue.

#include "child_process.h"
#include "spill.h"

#include <cstdint>
#include <string>

namespace errand::cli {

/// Owned by its task; touched by one thread at a time.
struct Item {
  Item(std::uint64_t number, std::uint64_t order, std::string text, Spill& spill)
      : seq(number), place(order), command(std::move(text)), out(spill), err(spill) {}

  std::uint64_t seq;    ///< number of its line, from 1
  std::uint64_t place;  ///< among those that were submitted, from 0
  std::string command;
  int attempts = 0;       ///< that came to their end
  int refusals = 0;       ///< starts that the system had no room for
  CommandEnd end{};       ///< of the last attempt
  std::string trouble{};  ///< why the last attempt could not even start, or empty
  Captured out;           ///< of the last attempt
  Captured err;

  [[nodiscard]] bool ran() const noexcept { return attempts > 0; }
  [[nodiscard]] bool succeeded() const noexcept { return ran() && end.succeeded(); }
};

}  // namespace errand::cli
