#include "done_before.h"

namespace errand::cli {

void DoneBefore::add(std::string_view command) {
  ++times_[digest_of(command)];
}

bool DoneBefore::take(std::string_view command) {
  if (times_.empty()) return false;
  const auto found = times_.find(digest_of(command));
  if (found == times_.end()) return false;
  if (--found->second == 0) times_.erase(found);
  return true;
}

// FNV-1a with 128 bits: for a thousand million commands the chance of a single mix-up is below 10^-20.
// Source: G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, "The FNV Non-Cryptographic Hash Algorithm".
DoneBefore::Digest DoneBefore::digest_of(std::string_view text) {
  __extension__ using Wide = unsigned __int128;
  constexpr Wide kPrime = (Wide{1} << 88) + 0x13b;
  Wide hash = (Wide{0x6c62272e07bb0142} << 64) + 0x62b821756295c58d;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  return {static_cast<std::uint64_t>(hash >> 64), static_cast<std::uint64_t>(hash)};
}

}  // namespace errand::cli
