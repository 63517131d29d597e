#pragma once
// SQLite without memory.

#include <cstdint>

namespace disk {

/// While one is alive, SQLite's allocations are counted, and those that are asked to fail do.
///
/// SQLite takes another allocator only before it is initialized, so the constructor and the destructor shut it down and
/// begin anew: no connection, nor anything else of SQLite's, may be alive at either, and no other thread be in SQLite.
/// If SQLite refuses, the constructor throws std::logic_error, and the destructor ends the program. VFSs that are
/// registered stay so, Disk among them.
///
/// What SQLite takes from elsewhere does not fail. That would be a connection's lookaside, where small things come
/// from, so it is switched off for connections opened meanwhile, and is as SQLite has it by default afterwards. The
/// disk has memory of its own.
///
/// Threads: SQLite may be used by several; what is below is for one.
/// Life:    one at a time, since SQLite has one allocator.
class FailingMemory {
 public:
  FailingMemory();
  ~FailingMemory();
  FailingMemory(const FailingMemory&) = delete;
  FailingMemory& operator=(const FailingMemory&) = delete;

  /// The nth allocation from now (1: the next one) fails, and so do those after it, `times` in all. Some that fail are
  /// reported by nobody, since SQLite can do without.
  void fail_at(std::uint64_t n, std::uint64_t times = 1);
  /// How many failed since the last fail_at(): 0 says that n was not reached.
  [[nodiscard]] std::uint64_t failed() const;
  /// So far, with those that failed.
  [[nodiscard]] std::uint64_t allocations() const;
  /// That have not been given back; those from before do not count.
  [[nodiscard]] std::int64_t outstanding() const;
};

}  // namespace disk
