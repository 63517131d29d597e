#pragma once
// What can happen to the files of a store behind its back.

#include <errand/random.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "test_disk/sql.h"

// By what their names have behind the database's.
using Files = std::map<std::string, std::string>;

inline constexpr std::size_t kPageSize = 4096;

inline std::size_t pick(errand::Rng& rng, std::size_t bound) {
  return static_cast<std::size_t>(rng.below(std::max<std::uint64_t>(bound, 1)));
}

inline void flip(std::string& bytes, std::size_t at, errand::Rng& rng) {
  if (at < bytes.size())
    bytes[at] = static_cast<char>(rng.below(2) == 0 ? bytes[at] ^ (1 << rng.below(8)) : rng.below(256));
}

// A page that leads to others, in a database: what it says is taken for the order of everything below it.
inline std::size_t pick_inner_page(const std::string& bytes, errand::Rng& rng) {
  std::vector<std::size_t> inner;
  for (std::size_t page = kPageSize; page + kPageSize <= bytes.size(); page += kPageSize) {
    if (bytes[page] == 2 || bytes[page] == 5) inner.push_back(page);
  }
  return inner.empty() ? 0 : inner[pick(rng, inner.size())];
}

inline void damage_once(std::string& bytes, errand::Rng& rng) {
  const std::size_t pages = (bytes.size() + kPageSize - 1) / kPageSize;
  std::size_t page = pick(rng, pages) * kPageSize;
  if (rng.below(3) == 0) page = pick_inner_page(bytes, rng);
  switch (rng.below(6)) {
    case 0:
      for (std::uint64_t i = 1 + rng.below(20); i > 0; --i) flip(bytes, pick(rng, bytes.size()), rng);
      return;
    case 1:  // where a page says what is in it, which is its beginning
      for (std::uint64_t i = 1 + rng.below(8); i > 0; --i) flip(bytes, page + pick(rng, 100), rng);
      return;
    case 2:  // and its end, from where it is filled
      for (std::uint64_t i = 1 + rng.below(8); i > 0; --i) flip(bytes, page + kPageSize - 1 - pick(rng, 60), rng);
      return;
    case 3:
      for (std::size_t at = page; at < std::min(page + kPageSize, bytes.size()); ++at) bytes[at] = 0;
      return;
    case 4: {
      const std::string other = bytes.substr(pick(rng, pages) * kPageSize, kPageSize);
      bytes.replace(page, std::min(other.size(), bytes.size() - page), other);
      return;
    }
    default:
      bytes.resize(rng.below(2) == 0 ? page : pick(rng, bytes.size()));
      return;
  }
}

/// One place or a few.
inline void damage(Files& files, errand::Rng& rng) {
  for (std::uint64_t i = 1 + rng.below(3); i > 0; --i) {
    auto file = files.begin();
    // The database has more to go wrong than the others.
    if (rng.below(2) == 0) std::advance(file, pick(rng, files.size()));
    if (!file->second.empty()) damage_once(file->second, rng);
  }
}

/// Values that nobody writes, in a file that is sound otherwise.
inline void set_values(const std::string& path, errand::Rng& rng) {
  // clang-format off
  static constexpr const char* kValues[] = {
      "null", "0", "-1", "1", "99", "1700000000000000", "9223372036854775807", "-9223372036854775808", "1e300",
      "''", "'x'", "'['", "'{}'", "'[1, null, {}]'", "'available'", "'completed'", "x'00ff'", "cast(x'80' as text)"};
  // clang-format on
  disk::Sql sql(path, nullptr);
  const std::string columns =
      sql.ask("select t.name, c.name from sqlite_schema t, pragma_table_info(t.name) c where t.type = 'table'");
  std::istringstream words(columns);
  std::vector<std::pair<std::string, std::string>> all;
  for (std::string table, column; words >> table >> column;) all.emplace_back(table, column);
  for (std::uint64_t i = 1 + rng.below(12); i > 0; --i) {
    const auto& [table, column] = all.at(pick(rng, all.size()));
    const std::string row = std::to_string(rng.below(200));
    std::ostringstream change;
    change << "update " << table << " set " << column << " = " << kValues[pick(rng, std::size(kValues))] << " where "
           << column << " is (select " << column << " from " << table << " limit 1 offset " << row
           << " % (select count(*) from " << table << "))";
    static_cast<void>(sql.run(change.str()));  // what a constraint forbids does not happen
  }
}
