#pragma once
// The way from SQLite to a World.

#include <sqlite3.h>

#include <string>

#include "test_disk/world.h"

namespace disk {

/// Registered with SQLite for as long as it lives.
class Vfs {
 public:
  explicit Vfs(World& world);
  ~Vfs();
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;

  [[nodiscard]] const char* name() const { return name_.c_str(); }

 private:
  std::string name_;
  sqlite3_vfs vfs_{};
};

/// What SQLite makes of a file's name.
[[nodiscard]] std::string full_path(std::string_view name);

}  // namespace disk
