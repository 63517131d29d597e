#pragma once
// Memory that runs out on demand.

namespace errand {

/// While one is alive, operator new fails in this thread.
class NoMemory {
 public:
  NoMemory();
  ~NoMemory();
  NoMemory(const NoMemory&) = delete;
  NoMemory& operator=(const NoMemory&) = delete;
};

}  // namespace errand
