// A retry policy as text, for stores.

#include <errand/retry.h>

#include <charconv>

namespace errand {
inline namespace v0 {

namespace {

constexpr std::string_view kKinds[] = {"none", "immediate", "fixed", "linear", "exponential"};

template <class Number>
void put(std::string& text, std::string_view name, Number value) {
  char digits[32];
  text.append(" ").append(name).append("=").append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// Takes " NAME=VALUE" off the front.
template <class Number>
bool take(std::string_view& rest, std::string_view name, Number& value) {
  if (rest.size() < name.size() + 2 || rest[0] != ' ' || rest.substr(1, name.size()) != name ||
      rest[name.size() + 1] != '=') {
    return false;
  }
  rest.remove_prefix(name.size() + 2);
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc{}) return false;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return true;
}

}  // namespace

Result<std::string> Retry::text() const {
  if (wait_ || worth_) {
    return Error(Code::invalid,
                 "retry: a policy with a function can't be stored; give it to handle() or to the queue instead");
  }
  std::string text(kKinds[static_cast<std::size_t>(kind_)]);
  put(text, "base", base_.count());
  put(text, "max", max_.count());
  put(text, "factor", factor_);
  put(text, "jitter", jitter_);
  return text;
}

Result<Retry> Retry::parse(std::string_view text) {
  const Error bad(Code::invalid,
                  "retry: expected a policy as text() writes it, got \"" + std::string(text.substr(0, 64)) + "\"");
  std::string_view rest = text;
  const std::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(word.size());
  std::int64_t base = 0;
  std::int64_t max = 0;
  double factor = 0;
  double jitter = 0;
  if (!take(rest, "base", base) || !take(rest, "max", max) || !take(rest, "factor", factor) ||
      !take(rest, "jitter", jitter) || !rest.empty()) {
    return bad;
  }
  for (std::size_t kind = 0; kind < std::size(kKinds); ++kind) {
    if (word != kKinds[kind]) continue;
    const Retry retry(static_cast<Kind>(kind), Duration(base), Duration(max), factor, jitter);
    if (auto ok = retry.check(); !ok) return ok.error();
    return retry;
  }
  return bad;
}

}  // namespace v0
}  // namespace errand
