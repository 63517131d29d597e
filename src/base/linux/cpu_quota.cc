#include "base/cpu_quota.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace errand {
inline namespace v0 {

namespace {

// The file's text, as far as anybody here wants it; empty where there is no such file.
std::string text_of(const std::string& path) {
  std::string text;
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return text;
  text.resize(16'384);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

// The line of /proc/self/cgroup, "hierarchy:controllers:path", that lists this controller; version 2 lists none. Its
// path without a slash at the end: empty for the topmost group, and for one that lies outside of what can be seen.
std::string own_group(std::string_view lines, std::string_view controller) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const std::size_t first = line.find(':');
    const std::size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string listed = ',' + std::string(line.substr(first + 1, second - first - 1)) + ',';
    if (listed.find(',' + std::string(controller) + ',') == listed.npos) continue;
    const std::string_view path = line.substr(second + 1);
    const bool is_seen = path.starts_with('/') && path != "/" && !path.starts_with("/..");
    return is_seen ? std::string(path) : std::string();
  }
  return {};
}

std::optional<double> share(long long quota, long long period) {
  if (quota <= 0 || period <= 0) return std::nullopt;
  return static_cast<double>(quota) / static_cast<double>(period);
}

// "100000 100000", or "max 100000".
std::optional<double> quota_in(const std::string& folder) {
  long long quota = 0, period = 0;
  if (std::sscanf(text_of(folder + "/cpu.max").c_str(), "%lld %lld", &quota, &period) != 2) return std::nullopt;
  return share(quota, period);
}

// Version 1: two files, and a quota of -1 for none.
std::optional<double> old_quota_in(const std::string& folder) {
  long long quota = 0, period = 0;
  if (std::sscanf(text_of(folder + "/cpu.cfs_quota_us").c_str(), "%lld", &quota) != 1) return std::nullopt;
  if (std::sscanf(text_of(folder + "/cpu.cfs_period_us").c_str(), "%lld", &period) != 1) return std::nullopt;
  return share(quota, period);
}

// Each group's quota holds for all that is inside of it. Groups that are not to be seen from here, as from inside of a
// container, are passed over.
template <class QuotaIn>
std::optional<double> smallest(const std::string& top, std::string group, QuotaIn quota_in) {
  std::optional<double> found;
  for (;;) {
    if (const auto quota = quota_in(top + group)) found = std::min(found.value_or(*quota), *quota);
    if (group.empty()) return found;
    group.resize(group.rfind('/'));
  }
}

}  // namespace

std::optional<double> cpu_quota(const std::string& root) {
  const std::string groups = text_of(root + "/proc/self/cgroup");
  const std::string top = root + "/sys/fs/cgroup";
  // The processor's controller belongs to one of the two versions only.
  if (const auto quota = smallest(top, own_group(groups, ""), quota_in)) return quota;
  return smallest(top + "/cpu", own_group(groups, "cpu"), old_quota_in);
}

}  // namespace v0
}  // namespace errand
