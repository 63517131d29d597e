// For libFuzzer; see ERRAND_FUZZ in CMakeLists.txt. Bytes that break a promise end the program, which leaves them in a
// file:
//
//     build-fuzz/bin/json_fuzz -timeout=10 -max_len=400 -dict=tests/fuzz/json.dict

#include "json_check.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto checked = errand::check_json(text);
  if (checked.broken.empty()) return 0;
  std::fprintf(stderr, "%s\n", checked.broken.c_str());
  std::abort();
}
