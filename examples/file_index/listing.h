#pragma once
// What stands in one directory.

#include <errand/result.h>

#include <sys/stat.h>

#include <chrono>
#include <functional>
#include <string>

#include "measure.h"

enum class Listing {
  whole,
  cut_short,  // it was asked to stop
  cache,      // it has a CACHEDIR.TAG, and is not worth it: a program fills it, and can fill it again
};

// Calls `meet` for each name, with its path and what it is, or why that can't be known. With `follow`, links are what
// they lead to. The error is the directory's own.
using Meet = std::function<void(std::string path, const errand::Result<struct stat>& status)>;
errand::Result<Listing> list_directory(const std::string& path, bool follow, const Stop& stop, const Meet& meet);

// Whether it changed less than so long ago; with 0 nothing did.
bool is_recent(const struct stat& status, std::chrono::minutes age);
