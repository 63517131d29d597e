#pragma once
// From a line of input to the command that is run for it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace errand::cli {

/// What the user wants to run for each line, with places for the line in it:
///
///     {}    the line                 dir/a.tar.gz
///     {.}   without its extension    dir/a.tar
///     {/}   without its directory    a.tar.gz
///     {//}  its directory            dir
///     {/.}  neither of the two       a.tar
///     {#}   its number, from 1       7
///
/// Each of them is put in quoted for sh, so quotes around it do harm: 'gzip {}', never 'gzip "{}"'. Without any place
/// the line is added at the end. An empty template runs the line itself. Any other braces are left alone.
///
/// Threads: a plain value.
class CommandLine {
 public:
  explicit CommandLine(std::string_view text);

  /// True where each line is a command by itself.
  [[nodiscard]] bool empty() const noexcept { return pieces_.empty(); }
  [[nodiscard]] std::string fill(std::string_view line, std::uint64_t number) const;

 private:
  enum class Place : unsigned char { none, line, no_extension, base, directory, base_no_extension, number };

  struct Piece {
    std::string literal;
    Place place;  // comes after the literal
  };

  static std::string value_of(Place place, std::string_view line, std::uint64_t number);

  std::vector<Piece> pieces_;
};

}  // namespace errand::cli
