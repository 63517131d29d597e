#include "test_disk/disk.h"

#include <sqlite3.h>

#include "test_disk/vfs.h"

namespace disk {

class Disk::Impl {
 public:
  explicit Impl(std::uint64_t seed) : world(seed), vfs(world) {}

  World world;
  Vfs vfs;
};

Disk::Disk(std::uint64_t seed) : impl_(std::make_unique<Impl>(seed)) {
  // SQLite draws the salts of a log and the like from a generator of its own, which a seed of 0 would leave to the
  // system.
  const int own = static_cast<int>(1 + errand::Rng(seed).below(0x7fff'ffff));
  sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, own, static_cast<sqlite3*>(nullptr));
}

Disk::~Disk() = default;

const char* Disk::vfs_name() const {
  return impl_->vfs.name();
}

std::uint64_t Disk::operations() const {
  return impl_->world.with([](FileSystem& fs) { return fs.operations(); });
}

std::uint64_t Disk::trace() const {
  return impl_->world.with([](FileSystem& fs) { return fs.trace(); });
}

std::uint64_t Disk::syncs(const std::string& name) const {
  return impl_->world.with([&](FileSystem& fs) {
    const auto found = fs.syncs.find(full_path(name));
    return found == fs.syncs.end() ? 0 : found->second;
  });
}

std::uint64_t Disk::syncs() const {
  return impl_->world.with([](FileSystem& fs) {
    std::uint64_t sum = 0;
    for (const auto& [path, count] : fs.syncs) sum += count;
    return sum;
  });
}

int Disk::open_files() const {
  return impl_->world.with([](FileSystem& fs) { return fs.open_files; });
}

bool Disk::exists(const std::string& name) const {
  return impl_->world.with([&](FileSystem& fs) { return fs.find(full_path(name)) != nullptr; });
}

std::size_t Disk::bytes_used() const {
  return impl_->world.with([](FileSystem& fs) { return fs.bytes_used(); });
}

std::string Disk::contents(const std::string& name) const {
  return impl_->world.with([&](FileSystem& fs) {
    const auto inode = fs.find(full_path(name));
    return inode == nullptr ? std::string() : std::string(inode->content.read(0, inode->content.size()));
  });
}

void Disk::put(const std::string& name, const std::string& bytes) {
  impl_->world.with([&](FileSystem& fs) {
    const std::string path = full_path(name);
    auto inode = fs.find(path);
    if (inode == nullptr) inode = fs.create(path);
    inode->content.truncate(0);
    inode->content.write(0, bytes);
    inode->content.sync();
    fs.sync_directory(path);
  });
}

void Disk::fail_at(std::uint64_t n, Fault fault, std::uint64_t times) {
  impl_->world.with([&](FileSystem& fs) { fs.faults.fail_at(n, fault, times); });
}

std::uint64_t Disk::failed() const {
  return impl_->world.with([](FileSystem& fs) { return fs.faults.happened(); });
}

void Disk::on_operation(std::function<Fault(const Operation&)> hook) {
  impl_->world.on_operation(std::move(hook));
}

void Disk::on_sleep(std::function<void(std::chrono::microseconds)> hook) {
  impl_->world.on_sleep(std::move(hook));
}

void Disk::set_quota(std::optional<std::size_t> bytes) {
  impl_->world.with([&](FileSystem& fs) { fs.quota = bytes; });
}

void Disk::set_read_only(bool is_read_only) {
  impl_->world.with([&](FileSystem& fs) { fs.is_read_only = is_read_only; });
}

void Disk::ignore_syncs(bool ignores) {
  impl_->world.with([&](FileSystem& fs) { fs.ignores_syncs = ignores; });
}

void Disk::power_off() {
  impl_->world.with([](FileSystem& fs) { fs.power_off(); });
}

void Disk::power_cut(PowerCut how, errand::Rng& rng) {
  impl_->world.with([&](FileSystem& fs) { fs.cut(how, rng); });
}

std::chrono::microseconds Disk::now() const {
  return std::chrono::microseconds(impl_->world.with([](FileSystem& fs) { return fs.now_us; }));
}

void Disk::advance(std::chrono::microseconds by) {
  impl_->world.with([&](FileSystem& fs) { fs.now_us += by.count(); });
}

}  // namespace disk
