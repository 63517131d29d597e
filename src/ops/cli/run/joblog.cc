#include "joblog.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>

namespace errand::cli {

namespace {

constexpr std::size_t kReadSize = 256 * 1024;

void append_escaped(std::string& line, std::string_view command) {
  for (const char c : command) {
    switch (c) {
      case '\\':
        line += "\\\\";
        break;
      case '\t':
        line += "\\t";
        break;
      case '\n':
        line += "\\n";
        break;
      default:
        line += c;
    }
  }
}

std::optional<std::string> unescaped(std::string_view field) {
  std::string command;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '\\') {
      command += field[i];
      continue;
    }
    if (++i == field.size()) return std::nullopt;
    switch (field[i]) {
      case '\\':
        command += '\\';
        break;
      case 't':
        command += '\t';
        break;
      case 'n':
        command += '\n';
        break;
      default:
        return std::nullopt;
    }
  }
  return command;
}

std::string milliseconds_text(Duration duration) {
  const long long ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  char text[40];
  std::snprintf(text, sizeof text, "%lld.%03lld", ms / 1'000, ms % 1'000);
  return text;
}

// Takes the text up to the next tab, which has to be there.
std::optional<std::string_view> take_field(std::string_view& line) {
  const auto tab = line.find('\t');
  if (tab == std::string_view::npos) return std::nullopt;
  const auto field = line.substr(0, tab);
  line.remove_prefix(tab + 1);
  return field;
}

template <class Number>
bool take_number(std::string_view& line, Number& number) {
  const auto field = take_field(line);
  if (!field) return false;
  const auto [end, error] = std::from_chars(field->data(), field->data() + field->size(), number);
  return error == std::errc() && end == field->data() + field->size();
}

// "12.345": exactly three digits behind the point.
bool take_milliseconds(std::string_view& line, Duration& duration) {
  auto field = take_field(line);
  if (!field) return false;
  const auto point = field->find('.');
  if (point == std::string_view::npos || field->size() - point != 4) return false;
  std::string digits(field->substr(0, point));
  digits += field->substr(point + 1);
  digits += '\t';
  std::string_view rest = digits;
  std::int64_t ms = 0;
  if (!take_number(rest, ms) || ms < 0 || ms > std::int64_t{9'000'000'000'000}) return false;
  duration = std::chrono::milliseconds(ms);
  return true;
}

}  // namespace

std::string format_entry(const JobLogEntry& entry) {
  std::string line = std::to_string(entry.seq) + '\t' + milliseconds_text(entry.started_at.time_since_epoch()) + '\t' +
                     milliseconds_text(entry.took);
  for (const int number : {entry.exit_code, entry.signal, entry.attempt}) line += '\t' + std::to_string(number);
  line += '\t';
  append_escaped(line, entry.command);
  return line += '\n';
}

std::optional<JobLogEntry> parse_entry(std::string_view line) {
  JobLogEntry entry;
  Duration since_epoch{};
  if (!take_number(line, entry.seq) || !take_milliseconds(line, since_epoch) || !take_milliseconds(line, entry.took) ||
      !take_number(line, entry.exit_code) || !take_number(line, entry.signal) || !take_number(line, entry.attempt)) {
    return std::nullopt;
  }
  auto command = unescaped(line);
  if (!command || line.find('\t') != std::string_view::npos) return std::nullopt;
  entry.started_at = WallTime(since_epoch);
  entry.command = std::move(*command);
  return entry;
}

Result<std::unique_ptr<JobLog>> JobLog::open(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!file) return system_error("--joblog: open " + path, errno);
  std::unique_ptr<JobLog> log(new JobLog(std::move(file), path));
  if (log->is_regular() && ::flock(log->file_.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error(Code::owned_by, "--joblog: " + path + ": another errand run is writing to it");
  }
  return log;
}

Result<std::unique_ptr<JobLog>> JobLog::begin(const std::string& path) {
  auto log = open(path);
  if (!log || !(*log)->is_regular()) return log;
  std::uint64_t whole = 0;
  if (auto r = (*log)->read_into(nullptr, whole); !r) return r.error();
  if (auto r = (*log)->start_at(0); !r) return r.error();
  return log;
}

Result<std::unique_ptr<JobLog>> JobLog::resume(const std::string& path, DoneBefore& done) {
  auto log = open(path);
  if (!log) return log;
  if (!(*log)->is_regular()) return Error(Code::invalid, "--resume: " + path + ": is not a regular file");
  std::uint64_t whole = 0;
  if (auto r = (*log)->read_into(&done, whole); !r) return r.error();
  if (auto r = (*log)->start_at(whole); !r) return r.error();
  return log;
}

// Reads the log from its start, or only its header where nobody wants to know what is done. `whole` becomes the length
// of all complete lines.
Result<void> JobLog::read_into(DoneBefore* done, std::uint64_t& whole) const {
  std::string buffer;
  std::uint64_t at = 0;
  for (bool header = true;;) {
    const std::size_t had = buffer.size();
    buffer.resize(had + kReadSize);
    const ssize_t got = ::pread(file_.get(), buffer.data() + had, kReadSize, static_cast<off_t>(at));
    if (got < 0) return system_error("--joblog: read " + path_, errno);
    buffer.resize(had + static_cast<std::size_t>(got));
    at += static_cast<std::uint64_t>(got);
    if (header && !buffer.starts_with(kJobLogHeader)) {
      if (got == 0 && kJobLogHeader.starts_with(buffer)) return {};  // empty, or torn in its first line
      if (!kJobLogHeader.starts_with(buffer)) {
        return Error(Code::invalid, "--joblog: " + path_ + ": is not a job log of errand run, and was left as it is");
      }
      continue;
    }
    if (got == 0 || done == nullptr) return {};
    std::size_t start = 0;
    for (auto end = buffer.find('\n', start); end != std::string::npos; end = buffer.find('\n', start)) {
      const auto entry = parse_entry(std::string_view(buffer).substr(start, end - start));
      if (entry && entry->succeeded()) done->add(entry->command);
      start = end + 1;
    }
    header = false;
    whole += start;
    buffer.erase(0, start);
  }
}

// Cuts the file off there, and gives it its header if nothing is left.
Result<void> JobLog::start_at(std::uint64_t size) {
  if (::ftruncate(file_.get(), static_cast<off_t>(size)) != 0) return system_error("--joblog: write " + path_, errno);
  return size == 0 ? write_all(file_.get(), kJobLogHeader, "--joblog: write " + path_) : Result<void>();
}

bool JobLog::is_regular() const {
  struct stat info {};
  return ::fstat(file_.get(), &info) == 0 && S_ISREG(info.st_mode);
}

Result<void> JobLog::add(const JobLogEntry& entry) {
  const std::string line = format_entry(entry);
  const MutexLock lock(mu_);
  return write_all(file_.get(), line, "--joblog: write " + path_);
}

}  // namespace errand::cli
