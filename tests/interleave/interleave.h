#pragma once
// Threads that are held up between any two looks at memory; see runtime.cc.

#include <cstdint>

namespace interleave {

/// While it lives, every thread of the process is held up at random. One at a time; may be nested in nothing.
class Disturbance {
 public:
  explicit Disturbance(std::uint64_t seed);
  ~Disturbance();
  Disturbance(const Disturbance&) = delete;
  Disturbance& operator=(const Disturbance&) = delete;
};

/// While it lives, the thread that made it is left alone.
class Calm {
 public:
  Calm();
  ~Calm();
  Calm(const Calm&) = delete;
  Calm& operator=(const Calm&) = delete;
};

}  // namespace interleave
