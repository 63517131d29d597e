#include "json_check.h"

#include <errand/json.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

// Asks for nothing, so that it is read whenever the text is JSON.
struct Anything {};
template <>
struct errand::Json<Anything> {
  static bool write(errand::JsonWriter& out, const Anything&) { return out.null(); }
  static bool read(const errand::JsonReader&, Anything&) { return true; }
};

namespace errand {

namespace {

enum class Colour { red, green };
ERRAND_JSON_ENUM(Colour, red, green)

struct Node {
  std::int8_t i = 0;
  std::optional<std::uint64_t> u{};
  double d = 0;
  float f = 0;
  bool b = false;
  std::string s{};
  Colour c{};
  std::vector<Node> in{};
  std::map<std::string, std::int64_t> m{};
  std::array<int, 2> a{};
  std::vector<std::byte> x{};
  std::chrono::milliseconds ms{};
  TaskId id{};
};
ERRAND_JSON(Node, i, u, d, f, b, s, c, in, m, a, x, ms, id)

bool is_one_short_line(std::string_view text) {
  return text.size() < 8 * 1024 && std::none_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; });
}

std::string broken_refusal(const Error& error) {
  if (error.code() != Code::invalid) return "refused as " + std::string(to_string(error.code()));
  if (!error.message().starts_with("json: Node")) return "the type is not named: " + error.message();
  return is_one_short_line(error.message()) ? "" : "the reason is not a line: " + error.message();
}

std::string broken_value(const Node& node) {
  const auto text = Codec<Node>::encode(node);
  if (!text) return "what was read cannot be written: " + text.error().message();
  const auto again = Codec<Node>::decode(*text, "application/json");
  if (!again) return "what was written cannot be read: " + again.error().message();
  return *Codec<Node>::encode(*again) == *text ? "" : "it is another value when written and read again: " + *text;
}

// Nothing, where the two may differ: nlohmann/json skips a byte order mark, takes NUL for the end, and refuses numbers
// that a double cannot hold.
std::optional<bool> is_json_to_others(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF") || text.find('\0') != std::string_view::npos) return std::nullopt;
  try {
    return !nlohmann::json::parse(text).is_discarded();
  } catch (const nlohmann::json::exception& e) {
    if (e.id == 406) return std::nullopt;
    return false;
  }
}

}  // namespace

JsonChecked check_json(std::string_view text) {
  JsonChecked checked;
  const auto node = Codec<Node>::decode(text, "application/json");
  checked.accepted = node.has_value();
  checked.broken = node ? broken_value(*node) : broken_refusal(node.error());

  const auto anything = Codec<Anything>::decode(text, "application/json");
  checked.parsed = anything.has_value();
  const auto theirs = is_json_to_others(text);
  const bool limited = !anything && (anything.error().message().ends_with("too deep") ||
                                     anything.error().message().ends_with("exponent overflow"));
  if (theirs && *theirs != checked.parsed && !limited) {
    checked.broken = checked.parsed ? "it is no JSON, but was read" : "it is JSON: " + anything.error().message();
  }
  return checked;
}

}  // namespace errand
