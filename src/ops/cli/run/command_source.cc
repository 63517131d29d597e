#include "command_source.h"

namespace errand::cli {

namespace {

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

Result<std::optional<std::string>> CommandSource::next(const Event& stop) {
  for (;;) {
    auto line = input_.next(stop);
    if (!line || !*line) return line;
    if (line_.empty() && is_blank(**line)) continue;
    ++seq_;
    return std::optional(line_.fill(**line, seq_));
  }
}

}  // namespace errand::cli
