#include "text.h"

#include <boost/json/serialize.hpp>

#include <charconv>

#include "core/text.h"

namespace errand {
inline namespace v0 {

namespace {

using detail::JsonStep;

constexpr std::size_t kMostShown = 60;

// A path without the dot or the colon that may follow: "WelcomeMail.receipts[2]", or nothing for a root without a name.
std::string path_of(const JsonStep& step) {
  if (step.kind == JsonStep::Kind::root) return clean_text(step.name);
  std::string path = path_of(*step.above);
  switch (step.kind) {
    case JsonStep::Kind::root:
      break;
    case JsonStep::Kind::field:
      path += path.empty() ? "" : ".";
      path += step.name;
      break;
    case JsonStep::Kind::key:
      path += "[" + shown_string(step.name) + "]";
      break;
    case JsonStep::Kind::element:
      path += "[" + std::to_string(step.index) + "]";
      break;
  }
  return path;
}

template <class T>
std::string shortest(T value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  std::string text(digits, end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

std::string number_text(double value) {
  return shortest(value);
}

std::string number_text(float value) {
  return shortest(value);
}

std::string json_string(std::string_view text) {
  return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

std::string shown_string(std::string_view text) {
  std::string shown = json_string(clean_text(text, kMostShown));
  if (text.size() > kMostShown) shown.insert(shown.size() - 1, "...");
  return shown;
}

Error json_error(const JsonStep& at, std::string_view why) {
  std::string path = path_of(at);
  if (!path.empty()) path += ": ";
  return {Code::invalid, clean_text("json: " + path + std::string(why))};
}

std::string one_of(detail::JsonWords words) {
  std::string text = "one of ";
  for (const detail::JsonWord& each : words) {
    if (&each != &words.front()) text += ", ";
    text += each.word;
  }
  return text;
}

}  // namespace v0
}  // namespace errand
