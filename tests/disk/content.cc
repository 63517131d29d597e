#include "test_disk/content.h"

#include <algorithm>
#include <utility>

namespace disk {
namespace {

constexpr std::size_t kSector = 512;

template <class T>
void shuffle(std::vector<T>& items, errand::Rng& rng) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[rng.below(i)]);
}

}  // namespace

std::string_view Content::read(std::size_t offset, std::size_t count) const {
  if (offset >= now_.size()) return {};
  return std::string_view(now_).substr(offset, count);
}

void Content::write(std::size_t offset, std::string_view bytes) {
  since_.push_back({.offset = offset, .bytes = std::string(bytes), .is_truncation = false});
  apply(since_.back(), now_);
}

void Content::truncate(std::size_t size) {
  since_.push_back({.offset = size, .bytes = {}, .is_truncation = true});
  apply(since_.back(), now_);
}

void Content::sync() {
  for (const Change& change : since_) apply(change, durable_);
  since_.clear();
}

void Content::fail_sync(errand::Rng& rng) {
  for (const Change& change : survivors(PowerCut::subset, rng)) apply(change, durable_);
  since_.clear();
}

void Content::cut(PowerCut how, errand::Rng& rng) {
  if (how == PowerCut::keep_all) return;
  for (const Change& change : survivors(how, rng)) apply(change, durable_);
  since_.clear();
  now_ = durable_;
}

void Content::apply(const Change& change, std::string& to) {
  if (change.is_truncation) {
    to.resize(change.offset);
    return;
  }
  to.resize(std::max(to.size(), change.offset + change.bytes.size()));
  to.replace(change.offset, change.bytes.size(), change.bytes);
}

// Sectors lie where the disk has them, not where a write begins.
std::vector<Content::Change> Content::sectors_of(const Change& change) {
  if (change.is_truncation) return {change};
  std::vector<Change> parts;
  for (std::size_t at = 0; at < change.bytes.size();) {
    const std::size_t offset = change.offset + at;
    const std::size_t length = std::min(change.bytes.size() - at, kSector - offset % kSector);
    parts.push_back({.offset = offset, .bytes = change.bytes.substr(at, length), .is_truncation = false});
    at += length;
  }
  return parts;
}

// The whole, its beginning, its end, or any of its sectors.
std::vector<Content::Change> Content::torn(const Change& change, errand::Rng& rng) {
  std::vector<Change> parts = sectors_of(change);
  if (parts.size() < 2) return parts;
  const auto middle = parts.begin() + static_cast<std::ptrdiff_t>(1 + rng.below(parts.size() - 1));
  switch (rng.below(4)) {
    case 0:
      parts.erase(middle, parts.end());
      break;
    case 1:
      parts.erase(parts.begin(), middle);
      break;
    case 2:
      std::erase_if(parts, [&](const Change&) { return rng.below(2) == 0; });
      break;
    default:
      break;
  }
  return parts;
}

std::vector<Content::Change> Content::survivors(PowerCut how, errand::Rng& rng) const {
  if (how == PowerCut::drop_all) return {};
  Survival survival(rng);
  std::vector<Change> kept;
  for (const Change& change : since_) {
    if (how == PowerCut::reordered) {
      for (Change& sector : sectors_of(change)) {
        if (survival.next()) kept.push_back(std::move(sector));
      }
    } else if (survival.next()) {
      if (how == PowerCut::torn) {
        for (Change& sector : torn(change, rng)) kept.push_back(std::move(sector));
      } else {
        kept.push_back(change);
      }
    }
  }
  if (how == PowerCut::reordered) shuffle(kept, rng);
  return kept;
}

}  // namespace disk
