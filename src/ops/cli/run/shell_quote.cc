#include "shell_quote.h"

#include <algorithm>
#include <array>

namespace errand::cli {

namespace {

bool is_plain(char c) {
  constexpr std::string_view others = "_-./,:@%+";  // no "=": at the front of a command it would make an assignment
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         others.find(c) != std::string_view::npos;
}

// Where a command may stand, these words mean something else unless they are quoted.
bool is_reserved(std::string_view text) {
  static constexpr std::array<std::string_view, 17> kWords = {"case",   "coproc", "do",   "done",     "elif", "else",
                                                              "esac",   "fi",     "for",  "function", "if",   "in",
                                                              "select", "then",   "time", "until",    "while"};
  return std::ranges::find(kWords, text) != kWords.end();
}

}  // namespace

std::string shell_quote(std::string_view text) {
  if (!text.empty() && std::ranges::all_of(text, is_plain) && !is_reserved(text)) return std::string(text);
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted += '\'';
}

}  // namespace errand::cli
