#include "kept_results.h"

#include <string>

#include "kept_tasks.h"

namespace {

constexpr std::size_t kPage = 1000;

template <class Message>
errand::Result<std::string> path_of(const errand::KeptTask& task) {
  const auto message = errand::Codec<Message>::decode(task.task.payload, task.task.content_type);
  if (!message) return message.error();
  return message->path.bytes;
}

errand::Result<void> add_file(const std::string& path, const errand::KeptTask& task, Index& index) {
  const auto stats = errand::Codec<FileStats>::decode(task.output, task.output_type);
  if (!stats) return stats.error();
  index.add(path, *stats);
  return {};
}

errand::Result<void> add_directory(const errand::KeptTask& task, Index& index) {
  const auto listed = errand::Codec<Listed>::decode(task.output, task.output_type);
  if (!listed) return listed.error();
  index.skip(listed->skipped);
  for (const Unknown& one : listed->unknown) index.add_error(one.path.bytes, one.why);
  return {};
}

// The error is that of bytes that can't be read.
errand::Result<void> add(const errand::KeptTask& task, Index& index) {
  const bool is_file = task.task.kind == ReadFile::kind;
  const auto path = is_file ? path_of<ReadFile>(task) : path_of<ListDirectory>(task);
  if (!path) return path.error();
  if (task.state == errand::TaskState::completed)
    return is_file ? add_file(*path, task, index) : add_directory(task, index);
  index.add_error(*path, task.last_error ? task.last_error->text : std::string(to_string(task.state)));
  return {};
}

}  // namespace

errand::Result<Loaded> load_results(errand::Store& store, std::string_view queue, Index& index) {
  Loaded loaded;
  errand::TaskId last{};
  for (;;) {
    const auto page = store.list({.queue = std::string(queue)}, last, kPage, errand::real_clock()->now());
    if (!page) return page.error();
    for (const errand::KeptTask& task : *page) {
      last = task.id;
      loaded.crashes += static_cast<std::uint64_t>(task.crashes);
      ++(is_final(task.state) ? loaded.done : loaded.left);
      if (!is_final(task.state)) continue;
      if (auto added = add(task, index); !added) index.add_error("task " + to_string(task.id), added.error().message());
    }
    if (page->size() < kPage) return loaded;
  }
}
