#pragma once
// Numbers and names, for people.

#include <errand/clock.h>

#include <cstdint>
#include <string>
#include <string_view>

// A path on one line, and without anything a terminal would obey: "a\nb" for a name with a newline in it.
std::string shown(std::string_view path);
std::string in_bytes(std::uint64_t bytes);    // "1.4 MiB"
std::string in_time(errand::Duration time);   // "350 us"
std::string in_groups(std::uint64_t number);  // "12,345"
