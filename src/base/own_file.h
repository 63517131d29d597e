#pragma once
// A file that no forked child has open.

#include <cstdint>
#include <string>

namespace errand {
inline namespace v0 {

/// A descriptor of this process's alone. What flock() locks is the open file, and a forked child has that as well: a
/// lock would last until the child ends, however long ago its parent did. So a child closes it before fork() returns
/// there. A program that is executed does not get it either.
///
/// Threads: one at a time.
class OwnFile {
 public:
  /// For reading and writing; made if it is not there. Where that fails number() is below 0, and errno says why.
  [[nodiscard]] static OwnFile open(const std::string& path);
  OwnFile(OwnFile&& other) noexcept;
  OwnFile& operator=(OwnFile&&) = delete;
  ~OwnFile() { close(); }

  [[nodiscard]] int number() const noexcept { return number_; }
  /// Whether open() made it.
  [[nodiscard]] bool is_new() const noexcept { return is_new_; }
  /// Whether it is this file that the path leads to: others may have moved or removed it.
  [[nodiscard]] bool is_at(const std::string& path) const noexcept;
  void close() noexcept;

 private:
  OwnFile(int number, bool is_new) noexcept;

  int number_;
  bool is_new_;
  std::uint32_t forks_;  // more of them: it was the parent's, and the number may be anybody's by now
};

}  // namespace v0
}  // namespace errand
