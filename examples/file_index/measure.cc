#include "measure.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kChunk = 128 * 1024;

struct File {
  explicit File(int descriptor) : descriptor(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor >= 0) close(descriptor);
  }
  int descriptor;
};

class Hash {
 public:
  Hash() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    static EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    good_ = context_ != nullptr && EVP_DigestInit_ex(context_.get(), sha256, nullptr) == 1;
  }
  void add(std::span<const char> bytes) {
    good_ = good_ && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
  }
  // False if libcrypto failed on the way.
  bool end(Sha256& hash) {
    auto* const bytes = reinterpret_cast<unsigned char*>(hash.data());
    return good_ && EVP_DigestFinal_ex(context_.get(), bytes, nullptr) == 1;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
  bool good_ = false;
};

constexpr bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

void count(std::span<const char> bytes, FileStats& stats, bool& in_word) {
  for (const char c : bytes) {
    const bool space = is_space(c);
    stats.lines += c == '\n' ? 1 : 0;
    stats.words += !space && !in_word ? 1 : 0;
    in_word = !space;
  }
  stats.bytes += bytes.size();
}

}  // namespace

errand::Error system_error(const char* call) {
  const errand::Code code = errno == ENOENT ? errand::Code::not_found : errand::Code::unavailable;
  return {code, std::string(call) + ": " + std::strerror(errno)};
}

errand::Result<FileStats> measure(const std::string& path, bool follow, const Stop& stop) {
  // Without O_NONBLOCK, a pipe that took the file's place since it was listed would keep us waiting for its writer.
  const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (follow ? 0 : O_NOFOLLOW)));
  if (file.descriptor < 0) return system_error("open");
  struct stat status {};
  if (fstat(file.descriptor, &status) != 0) return system_error("stat");
  if (!S_ISREG(status.st_mode)) return errand::Error(errand::Code::invalid, "it is not a file any more");

  FileStats stats;
  stats.device = status.st_dev;
  stats.inode = status.st_ino;
  thread_local std::vector<char> buffer(kChunk);
  Hash hash;
  bool in_word = false;
  for (;;) {
    if (stop()) return errand::Error(errand::Code::cancelled, "asked to stop while it was read");
    const ssize_t size = read(file.descriptor, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return system_error("read");
    if (size == 0) break;
    const std::span<const char> bytes(buffer.data(), static_cast<std::size_t>(size));
    hash.add(bytes);
    count(bytes, stats, in_word);
  }
  if (!hash.end(stats.sha256)) return errand::Error(errand::Code::unavailable, "libcrypto could not hash it");
  return stats;
}

errand::Retry read_again() {
  return errand::Retry::exponential(50ms, 1s).when([](const errand::Error& error) {
    return error.code() != errand::Code::not_found && error.code() != errand::Code::invalid;
  });
}
