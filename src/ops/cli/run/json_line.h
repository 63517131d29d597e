#pragma once
// What errand run --json says about a finished command.

#include "item.h"

#include <errand/result.h>

#include <string>
#include <string_view>

namespace errand::cli {

/// One object and a newline:
///
///     {"seq":1,"command":"gzip a","state":"completed","attempts":1,"exit_code":0,"signal":0,"timed_out":false,
///      "started_at":"2026-03-29T01:00:00.25Z","took_ms":12.5,"error":"","stdout":"","stderr":""}
///
/// Errors: the output that was spilled could not be read back.
[[nodiscard]] Result<std::string> json_line(const Item& item);
/// The first two members of it, for a command that is only shown.
[[nodiscard]] std::string json_line(std::uint64_t seq, std::string_view command);

}  // namespace errand::cli
