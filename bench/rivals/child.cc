#include "rivals/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "measure.h"

namespace bench {

namespace {

using namespace std::chrono_literals;

[[noreturn]] void become(const std::string& folder, const std::string& printed, std::vector<char*>& arguments) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int in = ::open("/dev/null", O_RDONLY);
  const int out = ::open(printed.c_str(), O_WRONLY | O_CREAT, 0600);
  if (::dup2(in, STDIN_FILENO) < 0 || ::dup2(out, STDOUT_FILENO) < 0 || ::chdir(folder.c_str()) != 0) ::_exit(126);
  ::close_range(STDERR_FILENO + 1, ~0U, 0);
  ::execvp(arguments.front(), arguments.data());
  ::_exit(127);
}

pid_t start(const std::string& folder, const std::string& printed, std::vector<std::string>& arguments) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) become(folder, printed, pointers);
  return pid;
}

// Looks again and again for so long.
template <class F>
bool eventually(std::chrono::seconds limit, F done) {
  const auto start = SteadyClock::now();
  while (!done()) {
    if (SteadyClock::now() - start > limit) return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

}  // namespace

bool is_in_path(const std::string& program) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access(folder.append("/").append(program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

Child::Child(const Place& place, std::vector<std::string> arguments)
    : name_(arguments.front()), printed_(place.file(name_ + ".out")), pid_(start(place.file(""), printed_, arguments)) {
  demand(pid_ > 0, "a process can't be started");
}

Child::~Child() {
  if (!is_running()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool Child::is_running() {
  if (pid_ > 0 && ::waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = -1;
  return pid_ > 0;
}

std::string Child::finish(std::chrono::seconds limit) {
  const bool ended = eventually(limit, [this] { return !is_running(); });
  demand(ended && WIFEXITED(status_) && WEXITSTATUS(status_) == 0, (name_ + " fails, or takes too long").c_str());
  std::ostringstream text;
  text << std::ifstream(printed_).rdbuf();
  return text.str();
}

Server::Server(const Place& place, std::vector<std::string> arguments, const std::string& socket)
    : child_(place, std::move(arguments)), socket_(std::filesystem::proximate(place.file(socket)).string()) {
  const bool listens = eventually(10s, [this] {
    const int connection = connect_to(socket_);
    if (connection >= 0) ::close(connection);
    return connection >= 0 || !child_.is_running();
  });
  demand(listens && child_.is_running(), ("nobody listens on " + socket_).c_str());
}

int connect_to(const std::string& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  demand(socket.size() < sizeof address.sun_path, "the path of a socket is too long");
  std::memcpy(address.sun_path, socket.data(), socket.size());
  const int connection = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{10, 0};
  ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return connection;
  ::close(connection);
  return -1;
}

}  // namespace bench
