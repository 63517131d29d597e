#pragma once
// Makes a connection what the store needs it to be, and its tables what this version knows.

#include <errand/sqlite.h>

#include "sqlite/connection.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

/// Settings, then the migrations that the file has not seen. `path` is for messages.
[[nodiscard]] Result<void> prepare_schema(Connection& connection, const SqliteOptions& options,
                                          const std::string& path);

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
