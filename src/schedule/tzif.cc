#include "schedule/tzif.h"

#include "schedule/posix_zone.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace errand {
inline namespace v0 {

namespace {

using namespace std::chrono;

constexpr std::size_t kHeaderSize = 44;
constexpr std::size_t kTypeSize = 6;

std::int64_t big_endian(std::string_view bytes) {
  std::uint64_t value = static_cast<unsigned char>(bytes[0]) >= 0x80 ? ~std::uint64_t{0} : 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(value);
}

std::size_t unsigned_byte(char c) {
  return static_cast<unsigned char>(c);
}

// A header, and where the parts of the block behind it are.
struct Block {
  std::size_t leaps, times, types, chars;
  std::size_t times_at, indexes_at, types_at, chars_at, end;
};

// `width` is the size of one time: 4 in a file's first block, 8 in its second.
std::optional<Block> read_block(std::string_view bytes, std::size_t at, std::size_t width) {
  if (bytes.size() < at + kHeaderSize || bytes.substr(at, 4) != "TZif") return std::nullopt;
  std::array<std::size_t, 6> counts;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::int64_t count = big_endian(bytes.substr(at + 20 + 4 * i, 4));
    if (count < 0 || count > 1'000'000) return std::nullopt;
    counts[i] = static_cast<std::size_t>(count);
  }
  const auto [uts, standards, leaps, times, types, chars] = counts;
  Block block{leaps, times, types, chars, at + kHeaderSize, 0, 0, 0, 0};
  block.indexes_at = block.times_at + times * width;
  block.types_at = block.indexes_at + times;
  block.chars_at = block.types_at + types * kTypeSize;
  block.end = block.chars_at + chars + leaps * (width + 4) + standards + uts;
  if (block.end > bytes.size() || types == 0) return std::nullopt;
  return block;
}

// Span number `type` of the block's types, without its begin.
std::optional<ZoneSpan> read_type(std::string_view bytes, const Block& block, std::size_t type) {
  if (type >= block.types) return std::nullopt;
  const std::string_view record = bytes.substr(block.types_at + type * kTypeSize, kTypeSize);
  const std::string_view names = bytes.substr(block.chars_at, block.chars);
  const std::size_t name = unsigned_byte(record[5]);
  const seconds offset(big_endian(record.substr(0, 4)));
  if (name >= names.size() || abs(offset) >= hours(26)) return std::nullopt;
  return ZoneSpan{{}, offset, std::string(names.substr(name, names.find('\0', name) - name))};
}

bool read_spans(std::string_view bytes, const Block& block, std::vector<ZoneSpan>& spans) {
  for (std::size_t i = 0; i <= block.times; ++i) {
    // Before the first listed change a zone has its first type.
    auto span = read_type(bytes, block, i == 0 ? 0 : unsigned_byte(bytes[block.indexes_at + i - 1]));
    if (!span) return false;
    span->begin = kBeginningOfTime;
    if (i > 0) {
      const seconds begin(big_endian(bytes.substr(block.times_at + (i - 1) * 8, 8)));
      span->begin = std::max(sys_seconds(begin), kBeginningOfTime);
    }
    if (i > 0 && span->begin < spans.back().begin) return false;
    add_span(spans, std::move(*span));
  }
  return true;
}

// The line between the last two line ends of the file.
std::optional<std::string_view> read_footer(std::string_view bytes, std::size_t at) {
  if (at >= bytes.size() || bytes[at] != '\n') return std::nullopt;
  const std::size_t end = bytes.find('\n', at + 1);
  if (end == std::string_view::npos) return std::nullopt;
  return bytes.substr(at + 1, end - at - 1);
}

Error damaged(std::string why) {
  return Error(Code::invalid, "not a usable zone file: " + std::move(why));
}

}  // namespace

Result<std::vector<ZoneSpan>> read_tzif(std::string_view bytes) {
  const auto old = read_block(bytes, 0, 4);
  if (!old) return damaged("its first header does not fit");
  if (bytes[4] < '2') return damaged("it is of version 1, and ends in 2037");
  const auto block = read_block(bytes, old->end, 8);
  if (!block) return damaged("its second header does not fit");
  if (block->leaps > 0) return damaged("it counts leap seconds");
  std::vector<ZoneSpan> spans;
  if (!read_spans(bytes, *block, spans)) return damaged("a change in it makes no sense");
  const auto footer = read_footer(bytes, block->end);
  if (!footer) return damaged("its last line is missing");
  if (!footer->empty()) {
    const auto rule = parse_posix_zone(*footer);
    if (!rule) return damaged("its last line makes no sense: " + std::string(*footer));
    extend_spans(spans, *rule);
  }
  return spans;
}

}  // namespace v0
}  // namespace errand
