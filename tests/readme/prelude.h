// What the pieces of code in README.md take for granted: the includes, and the application around them.
#include <errand/errand.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;
