#pragma once
// One word for the shell.

#include <string>
#include <string_view>

namespace errand::cli {

/// `text` as one word that sh takes literally, whatever its bytes. What needs no quotes gets none.
///
/// A leading dash stays what it is: quotes cannot make the command see anything but an option there.
/// REQUIRES: no NUL, which no argument of a process can hold.
[[nodiscard]] std::string shell_quote(std::string_view text);

}  // namespace errand::cli
