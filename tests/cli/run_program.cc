#include "run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace errand::cli {

namespace {

using Clock = std::chrono::steady_clock;

Clock::time_point deadline() {
  return Clock::now() + std::chrono::seconds(kDeadlineSeconds);
}

[[noreturn]] void become(const std::string& directory, std::vector<std::string>& arguments) {
  std::vector<char*> argv{const_cast<char*>("errand"), const_cast<char*>("run")};
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  // The test may have been started with signals ignored or blocked, as some build servers do.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGPIPE}) ::signal(signal, SIG_DFL);
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);  // whatever the test was started with
  if (::chdir(directory.c_str()) != 0) ::_exit(126);
  ::execv(ERRAND_BINARY, argv.data());
  ::_exit(127);
}

// True: read something. False: the end.
bool read_some(int& fd, std::string& into) {
  char bytes[65536];
  const ssize_t got = ::read(fd, bytes, sizeof bytes);
  if (got > 0) into.append(bytes, static_cast<std::size_t>(got));
  if (got <= 0) ::close(std::exchange(fd, -1));  // a terminal whose last user has left says EIO
  return got > 0;
}

}  // namespace

bool eventually(const std::function<bool()>& done) {
  const auto until = deadline();
  while (!done()) {
    if (Clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

char state_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const auto parenthesis = text.rfind(") ");
  return parenthesis == std::string::npos ? '\0' : text[parenthesis + 2];
}

bool has_pending(pid_t pid, int signal) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("ShdPnd:")) return (std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1) != 0;
  }
  return false;
}

bool is_alive(pid_t pid) {
  const char state = state_of(pid);
  return state != '\0' && state != 'Z' && state != 'X';
}

Program::Program(const std::string& directory, std::vector<std::string> arguments, Console console) {
  if (console == Console::terminal) {
    winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
    pid_ = ::forkpty(&out_, nullptr, nullptr, &size);
    if (pid_ == 0) become(directory, arguments);
    in_ = ::fcntl(out_, F_DUPFD_CLOEXEC, 0);
    ::fcntl(out_, F_SETFD, FD_CLOEXEC);
    return;
  }
  int in[2], out[2], err[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) std::abort();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::setpgid(0, 0);
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::dup2(err[1], 2);
    become(directory, arguments);
  }
  ::close(in[0]);
  ::close(out[1]);
  ::close(err[1]);
  in_ = in[1];
  out_ = out[0];
  err_ = err[0];
}

Program::~Program() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  for (const int fd : {in_, out_, err_}) {
    if (fd >= 0) ::close(fd);
  }
}

void Program::type(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(in_, text.data(), text.size());
    if (written <= 0) return;  // it does not read any more, and the test will see what it did instead
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void Program::close_input() {
  if (in_ >= 0) ::close(std::exchange(in_, -1));
}

int Program::unread() const {
  int bytes = 0;
  return ::ioctl(out_, FIONREAD, &bytes) == 0 ? bytes : -1;
}

void Program::close_output() {
  if (out_ >= 0) ::close(std::exchange(out_, -1));
}

void Program::send(int signal) {
  ::kill(pid_, signal);
}

void Program::send_to_group(int signal) {
  ::kill(-pid_, signal);
}

bool Program::read_until(const std::function<bool()>& done) {
  const auto until = deadline();
  while (!done()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd ready[2] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}};
    if ((out_ < 0 && err_ < 0) || left <= 0 || ::poll(ready, 2, static_cast<int>(left)) <= 0) return done();
    if (ready[0].revents != 0) read_some(out_, ended_.out);
    if (ready[1].revents != 0) read_some(err_, ended_.err);
  }
  return true;
}

bool Program::prints(std::string_view text) {
  return read_until([&] { return ended_.out.find(text) != std::string::npos; });
}

bool Program::prints_error(std::string_view text) {
  return read_until([&] { return ended_.err.find(text) != std::string::npos; });
}

Ended Program::end() {
  close_input();
  read_until([&] { return out_ < 0 && err_ < 0; });
  int status = 0;
  const bool over = eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; });
  EXPECT_TRUE(over) << "still running at the deadline; it printed " << ended_.out << ended_.err;
  if (!over) return ended_;
  pid_ = -1;
  ended_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  ended_.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return ended_;
}

RunTest::RunTest() {
  ::signal(SIGPIPE, SIG_IGN);  // a program under test may end before it has read its input
  char name[] = "/tmp/errand-run-XXXXXX";
  directory_ = ::mkdtemp(name);
}

RunTest::~RunTest() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

Ended RunTest::run(std::vector<std::string> arguments, std::string_view input) {
  Program program(directory_, std::move(arguments));
  program.type(input);
  return program.end();
}

std::string RunTest::content(std::string_view name) const {
  std::stringstream text;
  text << std::ifstream(path(name), std::ios::binary).rdbuf();
  return text.str();
}

std::vector<std::string> RunTest::lines(std::string_view name) const {
  return split_lines(content(name));
}

// A pipe that nobody opens for reading would hold us for ever; refusing to wait says so with ENXIO.
void RunTest::write(std::string_view name, std::string_view text) const {
  int fd = -1;
  EXPECT_TRUE(eventually([&] {
    fd = ::open(path(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, 0600);
    return fd >= 0 || errno != ENXIO;
  })) << "nobody reads "
      << name;
  EXPECT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size())) << name;
  ::close(fd);
}

bool RunTest::exists(std::string_view name) const {
  return std::filesystem::exists(path(name));
}

pid_t RunTest::pid_in(std::string_view name) const {
  EXPECT_TRUE(eventually([&] { return content(name).ends_with('\n'); })) << name;
  return static_cast<pid_t>(std::atol(content(name).c_str()));
}

void RunTest::make_fifo(std::string_view name) const {
  ASSERT_EQ(::mkfifo(path(name).c_str(), 0600), 0);
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

}  // namespace errand::cli
