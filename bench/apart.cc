#include "apart.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "measure.h"

namespace bench {

namespace {

// Starts it with its standard output in a pipe, whose other end is returned.
std::pair<pid_t, std::FILE*> start(std::vector<std::string> arguments) {
  int ends[2];
  demand(::pipe(ends) == 0, "a pipe can't be made");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_addclose(&actions, ends[0]);
  ::posix_spawn_file_actions_addclose(&actions, ends[1]);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_t pid = -1;
  demand(::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, pointers.data(), environ) == 0,
         "a process can't be started");
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  return {pid, ::fdopen(ends[0], "r")};
}

}  // namespace

std::vector<double> run_apart(const std::string& workload, const std::string& who, double size) {
  const auto [pid, out] = start({"errand_bench", "alone", workload, who, std::to_string(size)});
  std::vector<double> figures;
  for (double figure; std::fscanf(out, "%lf", &figure) == 1;) figures.push_back(figure);
  std::fclose(out);
  int status = 0;
  ::waitpid(pid, &status, 0);
  demand(WIFEXITED(status) && WEXITSTATUS(status) == 0, (workload + ", " + who + ": its process fails").c_str());
  return figures;
}

}  // namespace bench
