#pragma once
// The named tasks of an index, and what they leave. All that a run was asked for is in them, so that another one can go
// on with them.

#include <errand/json.h>

#include <string>
#include <string_view>
#include <vector>

#include "index.h"
#include "measure.h"

// A path may hold any bytes, and JSON holds text: what is not printable ASCII is written as in a URL, "two%0Alines".
struct Path {
  std::string bytes{};
};

template <>
struct errand::Json<Path> {
  static bool write(JsonWriter& out, const Path& path);
  static bool read(const JsonReader& in, Path& path);
};

// A task for one file; two of the same path are the same task.
struct ReadFile {
  Path path{};
  bool follow = false;

  using output = FileStats;
  static constexpr std::string_view kind = "read_file";
};

// A name in a directory of which nothing more can be known.
struct Unknown {
  Path path{};
  std::string why{};
};

// What a directory has beside directories and files, which are tasks.
struct Listed {
  Skipped skipped{};
  std::vector<Unknown> unknown{};
};

// A task for one directory; two of the same device and inode are the same task, whatever the path, so a tree that
// contains itself comes to an end.
struct ListDirectory {
  Path path{};
  dev_t device = 0;
  ino_t inode = 0;
  bool follow = false;
  bool urgent = false;  // and all below it

  using output = Listed;
  static constexpr std::string_view kind = "list_directory";
};

ERRAND_JSON(FileStats, bytes, lines, words, sha256, device, inode)
ERRAND_JSON(ReadFile, path, follow)
ERRAND_JSON(Unknown, path, why)
ERRAND_JSON(Skipped, links, special, again, caches)
ERRAND_JSON(Listed, skipped, unknown)
ERRAND_JSON(ListDirectory, path, device, inode, follow, urgent)
