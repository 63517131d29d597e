// Finds zones in the system's database; the one file that knows where zones come from.

#include "schedule/text.h"
#include "schedule/tzif.h"
#include "schedule/zone.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace errand {
inline namespace v0 {

namespace {

namespace fs = std::filesystem;

constexpr const char* kDirectories[] = {"/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo",
                                        "/etc/zoneinfo"};

// All zones begin with a capital letter. What else lies there are lists, a link to this machine's own zone, which means
// something else on the next machine, and copies that count leap seconds.
bool is_zone_name(std::string_view name) {
  const auto allowed = [](char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '+' || c == '/';
  };
  return !name.empty() && name.size() < 256 && name[0] >= 'A' && name[0] <= 'Z' &&
         std::all_of(name.begin(), name.end(), allowed);
}

std::optional<fs::path> database() {
  for (const char* directory : kDirectories) {
    std::error_code ignored;
    if (fs::is_directory(directory, ignored)) return directory;
  }
  return std::nullopt;
}

}  // namespace

Result<Zone> find_zone(std::string_view name) {
  if (name == "UTC" || name == "Etc/UTC") return Zone(std::string(name), {Zone::utc().spans()[0]});
  const std::string zone = "zone " + in_quotes(name);
  if (!is_zone_name(name))
    return Error(Code::invalid, zone + ": no zone is called that; expected a name such as Europe/Berlin or UTC");
  const auto directory = database();
  if (!directory) return Error(Code::unavailable, zone + ": this system has no time zone database (package tzdata)");
  const fs::path path = *directory / name;
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) {
    return Error(Code::invalid, zone + ": not in the time zone database in " + directory->string());
  }
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad() || bytes.empty()) return Error(Code::unavailable, zone + ": cannot read " + path.string());
  auto spans = read_tzif(bytes);
  if (!spans) return Error(Code::invalid, zone + ": " + path.string() + ": " + spans.error().message());
  return Zone(std::string(name), std::move(*spans));
}

}  // namespace v0
}  // namespace errand
