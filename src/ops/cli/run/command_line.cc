#include "command_line.h"

#include "shell_quote.h"

#include <algorithm>
#include <utility>

namespace errand::cli {

namespace {

std::string_view base_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// A dot at the front hides a file; it begins no extension. Nor does one of "..".
std::string_view without_extension(std::string_view path) {
  const auto dot = base_of(path).rfind('.');
  if (dot == std::string_view::npos || dot == 0 || base_of(path) == "..") return path;
  return path.substr(0, path.size() - base_of(path).size() + dot);
}

std::string_view directory_of(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

CommandLine::CommandLine(std::string_view text) {
  static constexpr std::pair<std::string_view, Place> kPlaces[] = {
      {"{}", Place::line},        {"{.}", Place::no_extension},       {"{/}", Place::base},
      {"{//}", Place::directory}, {"{/.}", Place::base_no_extension}, {"{#}", Place::number}};
  if (text.empty()) return;
  Piece piece{{}, Place::none};
  while (!text.empty()) {
    const auto* found = std::ranges::find_if(kPlaces, [&](const auto& place) { return text.starts_with(place.first); });
    if (found == std::end(kPlaces)) {
      piece.literal += text.front();
      text.remove_prefix(1);
      continue;
    }
    piece.place = found->second;
    text.remove_prefix(found->first.size());
    pieces_.push_back(std::exchange(piece, {{}, Place::none}));
  }
  if (pieces_.empty()) {
    piece.literal += ' ';
    piece.place = Place::line;
  }
  if (!piece.literal.empty()) pieces_.push_back(std::move(piece));
}

std::string CommandLine::value_of(Place place, std::string_view line, std::uint64_t number) {
  switch (place) {
    case Place::none:
      return {};
    case Place::line:
      return shell_quote(line);
    case Place::no_extension:
      return shell_quote(without_extension(line));
    case Place::base:
      return shell_quote(base_of(line));
    case Place::directory:
      return shell_quote(directory_of(line));
    case Place::base_no_extension:
      return shell_quote(without_extension(base_of(line)));
    case Place::number:
      return std::to_string(number);
  }
  return {};
}

std::string CommandLine::fill(std::string_view line, std::uint64_t number) const {
  if (pieces_.empty()) return std::string(line);
  std::string command;
  for (const Piece& piece : pieces_) command += piece.literal + value_of(piece.place, line, number);
  return command;
}

}  // namespace errand::cli
