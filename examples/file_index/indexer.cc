#include "indexer.h"

#include <iostream>

#include "text.h"

void Indexer::tell(const std::string& path, const errand::Result<FileStats>& stats) {
  if (stats) {
    std::clog << "urgent: " + shown(path) + ": " + in_bytes(stats->bytes) + ", " + in_groups(stats->words) + " words\n";
  } else {
    std::clog << "urgent: " + shown(path) + ": " + stats.error().message() + "\n";
  }
}
