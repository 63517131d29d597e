#include "base/running_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/fork.h"
#include "base/mutex.h"
#include "base/refused.h"

namespace errand {
inline namespace v0 {

struct RunningFile::Header {
  char magic[16];
  std::uint32_t version;
  std::uint32_t slots;
  std::array<char, 40> boot;
  std::uint64_t life;
};

namespace {

constexpr char kMagic[16] = "errand running\n";
constexpr std::uint32_t kVersion = 1;

Error cannot(const std::string& what, const std::string& path, int why) {
  return refused("cannot " + what + " \"" + path + "\"", why);
}

std::atomic_ref<std::uint64_t> atomic(std::uint64_t& word) noexcept {
  return std::atomic_ref(word);
}

// --- forks -----------------------------------------------------------------------------------------------------------

struct Mappings final : PerProcess {
  // The child gets memory of its own in place of the file's, at the same addresses: whoever writes there need not ask.
  // If there is none left, the child had better die of it than speak for its parent.
  void in_child() noexcept ERRAND_REQUIRES(mu) override {
    for (const auto& [begin, size] : all) {
      constexpr int kOwn = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
      if (mmap(begin, size, PROT_READ | PROT_WRITE, kOwn, -1, 0) == MAP_FAILED) munmap(begin, size);
    }
  }
  std::vector<std::pair<void*, std::size_t>> all ERRAND_GUARDED_BY(mu);
};

Mappings& mappings() {
  static Mappings& mappings = make_per_process<Mappings>(Layer::base);
  return mappings;
}
[[maybe_unused]] const Mappings& mappings_made_early = mappings();

}  // namespace

// --- opening ---------------------------------------------------------------------------------------------------------

std::string boot_id() {
  char text[64] = {};
  if (std::FILE* file = std::fopen("/proc/sys/kernel/random/boot_id", "re")) {
    const std::size_t length = std::fread(text, 1, sizeof text - 1, file);
    std::fclose(file);
    return std::string(text, std::find(text, text + length, '\n'));
  }
  return {};
}

bool RunningFile::is_ours(int file) noexcept {
  struct stat status {};
  Header header{};
  return fstat(file, &status) == 0 && status.st_size == static_cast<off_t>(kSize) &&
         pread(file, &header, sizeof header, 0) == static_cast<ssize_t>(sizeof header) &&
         std::memcmp(header.magic, kMagic, sizeof kMagic) == 0 && header.version == kVersion && header.slots == kSlots;
}

Result<std::unique_ptr<RunningFile>> RunningFile::open(const std::string& path, std::string_view boot) {
  struct Descriptor {
    const int number;
    ~Descriptor() {
      if (number >= 0) close(number);
    }
  };
  const Descriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
  if (file.number < 0) return cannot("open", path, errno);
  if (!is_ours(file.number) && ftruncate(file.number, 0) != 0) return cannot("write", path, errno);
  // Also of a file that has its size: a copy of one may have holes.
  int failed = EINTR;
  while (failed == EINTR) failed = posix_fallocate(file.number, 0, kSize);
  if (failed != 0) return cannot("make room for", path, failed);
  void* const memory = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, file.number, 0);
  if (memory == MAP_FAILED) return cannot("map", path, errno);
  return std::unique_ptr<RunningFile>(new RunningFile(memory, boot));
}

RunningFile::RunningFile(void* memory, std::string_view boot) : memory_(memory) {
  boot.copy(boot_.data(), boot_.size() - 1);
  MutexLock lock(mappings().mu);
  mappings().all.emplace_back(memory, kSize);
}

RunningFile::~RunningFile() {
  {
    MutexLock lock(mappings().mu);
    std::erase(mappings().all, std::pair(memory_, kSize));
  }
  if (begun_) empty_slots();
  munmap(memory_, kSize);
}

// --- what is in it ---------------------------------------------------------------------------------------------------

RunningFile::Header& RunningFile::header() const noexcept {
  return *static_cast<Header*>(memory_);
}

RunningSlot* RunningFile::slots() const noexcept {
  return reinterpret_cast<RunningSlot*>(static_cast<char*>(memory_) + kPage);
}

std::uint64_t RunningFile::life() const noexcept {
  const bool is_known = boot_[0] != '\0' && header().boot == boot_;
  return is_known ? atomic(header().life).load(std::memory_order_acquire) : 0;
}

std::vector<RunningFile::Ran> RunningFile::ran() const {
  std::vector<Ran> all;
  for (std::size_t i = 0; i < kSlots; ++i) {
    RunningSlot& slot = slots()[i];
    const TaskId id{atomic(slot.id).load(std::memory_order_acquire)};
    const std::int64_t at = std::atomic_ref(slot.started_at).load(std::memory_order_relaxed);
    if (id) all.push_back({id, WallTime(std::chrono::nanoseconds(at))});
  }
  return all;
}

// Untouched pages stay so.
void RunningFile::empty_slots() noexcept {
  for (std::size_t i = 0; i < kSlots; ++i) {
    const auto id = atomic(slots()[i].id);
    if (id.load(std::memory_order_relaxed) != 0) id.store(0, std::memory_order_release);
  }
}

// Of no life while it changes, should the process die here.
void RunningFile::begin(std::uint64_t life) noexcept {
  ERRAND_ASSERT(life != 0);
  const auto of_life = atomic(header().life);
  of_life.store(0, std::memory_order_seq_cst);
  std::memcpy(header().magic, kMagic, sizeof kMagic);
  header().version = kVersion;
  header().slots = kSlots;
  header().boot = boot_;
  empty_slots();
  of_life.store(life, std::memory_order_seq_cst);
  begun_ = true;
}

RunningSlot* RunningFile::take() noexcept {
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    std::uint64_t taken = taken_[i].load(std::memory_order_relaxed);
    while (~taken != 0) {
      const int free = std::countr_one(taken);
      const std::uint64_t bit = std::uint64_t{1} << free;
      taken = taken_[i].fetch_or(bit, std::memory_order_acquire);
      if ((taken & bit) == 0) return slots() + i * 64 + free;
    }
  }
  return nullptr;
}

void RunningFile::give_back(RunningSlot* slot) noexcept {
  atomic(slot->id).store(0, std::memory_order_release);
  const std::ptrdiff_t index = slot - slots();
  taken_[static_cast<std::size_t>(index) / 64].fetch_and(~(std::uint64_t{1} << (index % 64)),
                                                         std::memory_order_release);
}

}  // namespace v0
}  // namespace errand
