#include "summary.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "text.h"

namespace {

constexpr std::size_t kMostErrors = 20;

// Files of the same content. Two names of one file are no copies.
struct Copies {
  std::uint64_t groups = 0;
  std::uint64_t files = 0;  // besides one of each group
  std::uint64_t bytes = 0;  // they take
};

Copies find_copies(const Index& index) {
  struct Group {
    std::set<std::pair<dev_t, ino_t>> files{};
    std::uint64_t bytes = 0;
  };
  std::map<Sha256, Group> groups;
  for (const auto& [path, stats] : index.files()) {
    if (stats.bytes == 0) continue;
    Group& group = groups[stats.sha256];
    group.files.emplace(stats.device, stats.inode);
    group.bytes = stats.bytes;
  }
  Copies copies;
  for (const auto& [hash, group] : groups) {
    const std::uint64_t more = group.files.size() - 1;
    copies.groups += more > 0 ? 1 : 0;
    copies.files += more;
    copies.bytes += more * group.bytes;
  }
  return copies;
}

void print_largest(const Index& index, std::size_t count) {
  using Entry = std::pair<std::uint64_t, std::string_view>;
  std::vector<Entry> files;
  for (const auto& [path, stats] : index.files()) files.emplace_back(stats.bytes, path);
  const auto end = files.begin() + static_cast<std::ptrdiff_t>(std::min(count, files.size()));
  const auto before = [](const Entry& a, const Entry& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  };
  std::partial_sort(files.begin(), end, files.end(), before);
  for (auto file = files.begin(); file != end; ++file) {
    std::printf("%-11s %10s  %s\n", file == files.begin() ? "largest" : "", in_bytes(file->first).c_str(),
                shown(file->second).c_str());
  }
}

void print_errors(const Index& index) {
  std::size_t left = kMostErrors;
  for (const auto& [path, why] : index.errors()) {
    if (left-- == 0) {
      std::printf("  and %s more\n", in_groups(index.errors().size() - kMostErrors).c_str());
      return;
    }
    std::printf("  %s: %s\n", shown(path).c_str(), shown(why).c_str());
  }
}

void print_queue(const char* name, const errand::Stats& stats, errand::Duration took) {
  const double seconds = std::max(std::chrono::duration<double>(took).count(), 1e-9);
  const auto quantile = [](const errand::Histogram& times, double q) { return in_time(times.quantile(q)); };
  std::printf("%-5s %9s %8s %8s %9s %9s %9s %9s %9s %9s %9s %5.0f%%\n", name, in_groups(stats.submitted).c_str(),
              in_groups(stats.retried).c_str(), in_groups(stats.discarded).c_str(), in_groups(stats.cancelled).c_str(),
              in_groups(static_cast<std::uint64_t>(static_cast<double>(stats.attempts) / seconds)).c_str(),
              quantile(stats.start_delay, 0.5).c_str(), quantile(stats.start_delay, 0.99).c_str(),
              quantile(stats.attempt_duration, 0.5).c_str(), quantile(stats.attempt_duration, 0.99).c_str(),
              in_groups(stats.attempts).c_str(), stats.utilisation * 100);
}

void print_kept(const Kept& kept, const std::string& store) {
  std::printf("\n%-11s %10s  tasks, by earlier runs with %s\n", "done before", in_groups(kept.before).c_str(),
              shown(store).c_str());
  std::printf("%-11s %10s  tasks\n", "done now", in_groups(kept.now).c_str());
  std::printf("%-11s %10s  attempts ended with an earlier process\n", "cut short", in_groups(kept.cut_short).c_str());
  if (kept.left > 0)
    std::printf("%-11s %10s  tasks: the next run goes on with them\n", "left", in_groups(kept.left).c_str());
}

}  // namespace

void print_summary(const Index& index, const Indexer& indexer, const Options& options, errand::Duration took) {
  FileStats sum;
  for (const auto& [path, stats] : index.files()) {
    sum.bytes += stats.bytes;
    sum.lines += stats.lines;
    sum.words += stats.words;
  }
  const Copies copies = find_copies(index);
  const Skipped& skipped = index.skipped();
  std::printf("files       %10s  %s in %s\n", in_groups(index.files().size()).c_str(), in_bytes(sum.bytes).c_str(),
              in_time(took).c_str());
  std::printf("lines       %10s\n", in_groups(sum.lines).c_str());
  std::printf("words       %10s\n", in_groups(sum.words).c_str());
  std::printf("duplicates  %10s  in %s groups, %s\n", in_groups(copies.files).c_str(), in_groups(copies.groups).c_str(),
              in_bytes(copies.bytes).c_str());
  std::printf("skipped     %10s  %s links, %s special files, %s directories seen before, %s caches\n",
              in_groups(skipped.links + skipped.special + skipped.again + skipped.caches).c_str(),
              in_groups(skipped.links).c_str(), in_groups(skipped.special).c_str(), in_groups(skipped.again).c_str(),
              in_groups(skipped.caches).c_str());
  print_largest(index, static_cast<std::size_t>(options.largest));
  std::printf("errors      %10s\n", in_groups(index.errors().size()).c_str());
  print_errors(index);
  if (index.unread() + indexer.unopened() > 0) {
    std::printf("given up    %10s  files that were queued, and %s directories\n", in_groups(index.unread()).c_str(),
                in_groups(indexer.unopened()).c_str());
  }
  std::printf("\n%-5s %9s %8s %8s %9s %9s %19s %19s %9s %6s\n", "queue", "tasks", "retried", "discard", "cancelled",
              "per sec", "delay p50      p99", "duration p50    p99", "attempts", "busy");
  print_queue("walk", indexer.walk_stats(), took);
  print_queue("read", indexer.read_stats(), took);
  if (const auto kept = indexer.kept()) print_kept(*kept, options.store);
}
