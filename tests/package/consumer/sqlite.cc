// A program of a stranger's that keeps a task in a file.
#include <errand/sqlite.h>

#include <cstdio>

int main() {
  std::remove("tasks.db");
  const auto store = errand::open_sqlite("tasks.db");
  if (!store) return 1;
  errand::NewTask task[] = {{.queue = "mail", .kind = "welcome", .content_type = "text/plain"}};
  const auto committed = (*store)->commit({.added = task}, errand::WallTime{});
  return committed && committed->added.at(0) ? 0 : 1;
}
