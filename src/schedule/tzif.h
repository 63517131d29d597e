#pragma once
// Reads the zone files that every system keeps (RFC 8536).
//
// Why not through a library: std::chrono has zones from GCC 14 on only, and the `date` library 3.0.1 stops at a file's
// last listed change and ignores the rule that follows it, so that New York loses its summers from 2038 on, and at once
// where the files are built "slim". Both would be code of about this length in any case.

#include "schedule/zone_span.h"

#include <errand/result.h>

#include <string_view>

namespace errand {
inline namespace v0 {

/// The spans of a zone from the bytes of its file. Errors: `invalid`, with what is wrong with the file.
[[nodiscard]] Result<std::vector<ZoneSpan>> read_tzif(std::string_view bytes);

}  // namespace v0
}  // namespace errand
