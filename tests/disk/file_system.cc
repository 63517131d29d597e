#include "test_disk/file_system.h"

namespace disk {
namespace {

// FNV-1a.
void mix(std::uint64_t& hash, std::string_view bytes) {
  for (const char byte : bytes) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= 0x100000001b3;
  }
}

void mix(std::uint64_t& hash, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) {
    hash ^= (number >> shift) & 0xff;
    hash *= 0x100000001b3;
  }
}

std::string_view directory_of(std::string_view path) {
  return path.substr(0, path.rfind('/') + 1);
}

}  // namespace

std::shared_ptr<Inode> FileSystem::find(const std::string& path) const {
  const auto found = now_.find(path);
  return found == now_.end() ? nullptr : found->second;
}

std::shared_ptr<Inode> FileSystem::create(const std::string& path) {
  since_.push_back({.path = path, .inode = std::make_shared<Inode>()});
  apply(since_.back(), now_);
  return since_.back().inode;
}

void FileSystem::remove(const std::string& path) {
  since_.push_back({.path = path, .inode = nullptr});
  apply(since_.back(), now_);
}

void FileSystem::sync_directory(std::string_view path) {
  std::erase_if(since_, [&](const Renaming& change) {
    if (directory_of(change.path) != directory_of(path)) return false;
    apply(change, durable_);
    return true;
  });
}

std::size_t FileSystem::bytes_used() const {
  std::size_t sum = 0;
  for (const auto& [path, inode] : now_) sum += inode->content.size();
  return sum;
}

void FileSystem::power_off() {
  if (power_ != Power::on) return;
  power_ = Power::off;
  ++life_;
}

void FileSystem::cut(PowerCut how, errand::Rng& rng) {
  power_off();
  power_ = Power::settled;
  faults.cancel();
  if (how != PowerCut::keep_all) {
    Survival survival(rng);
    for (const Renaming& change : since_) {
      if (how != PowerCut::drop_all && survival.next()) apply(change, durable_);
    }
    since_.clear();
    now_ = durable_;
  }
  for (auto& [path, inode] : now_) {
    inode->content.cut(how, rng);
    inode->locks = {};
    inode->shared_memory.reset();
  }
}

Fault FileSystem::begin(Operation& operation, std::string_view bytes) {
  operation.number = ++operations_;
  mix(trace_, static_cast<std::uint64_t>(operation.call));
  mix(trace_, operation.path);
  mix(trace_, static_cast<std::uint64_t>(operation.offset));
  mix(trace_, static_cast<std::uint64_t>(operation.size));
  mix(trace_, bytes);
  return faults.next(operation.call);
}

void FileSystem::apply(const Renaming& change, Names& to) {
  if (change.inode != nullptr) {
    to[change.path] = change.inode;
  } else {
    to.erase(change.path);
  }
}

}  // namespace disk
