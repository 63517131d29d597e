#include <errand/task_id.h>

#include <charconv>

namespace errand {
inline namespace v0 {

namespace {

// Crockford's alphabet: no letter that looks like a digit.
constexpr char kDigits[] = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr int kLength = 13;  // 5 bits each: 65, one more than an id has

int digit_of(char c) {
  if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (int i = 0; i < 32; ++i) {
    if (kDigits[i] == c) return i;
  }
  return -1;
}

constexpr std::uint64_t kStores = std::uint64_t{1} << 63;

Error bad_id(std::string_view text) {
  return {Code::invalid, "task id: expected \"m\" and 13 characters of base32, or a number of a store's, got \"" +
                             std::string(text.substr(0, 64)) + "\""};
}

Result<TaskId> parse_stored_id(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || text[0] == '0' || number >= kStores)
    return bad_id(text);
  return TaskId{kStores | number};
}

}  // namespace

std::string to_string(TaskId id) {
  if ((id.value & kStores) != 0) return std::to_string(id.value & ~kStores);
  std::string text(kLength + 1, 'm');
  for (int i = kLength; i > 0; --i, id.value >>= 5) text[static_cast<std::size_t>(i)] = kDigits[id.value & 31];
  return text;
}

Result<TaskId> parse_task_id(std::string_view text) {
  if (!text.empty() && text[0] >= '0' && text[0] <= '9') return parse_stored_id(text);
  if (text.size() != kLength + 1 || (text[0] != 'm' && text[0] != 'M')) return bad_id(text);
  TaskId id;
  for (const char c : text.substr(1)) {
    const int digit = digit_of(c);
    // The first character has four bits only: the 65th bit of 13 times 5, and the tier's.
    if (digit < 0 || (id.value >> 59) != 0) return bad_id(text);
    id.value = (id.value << 5) | static_cast<std::uint64_t>(digit);
  }
  if (id.value == 0 || (id.value >> 63) != 0) return bad_id(text);
  return id;
}

}  // namespace v0
}  // namespace errand
