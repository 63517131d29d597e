// Another program that has locked the file: locks it, says so, and stays until it is killed.
//
//   torture_locker PATH

#include <sqlite3.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

int main(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sqlite3* db = nullptr;
  if (argc != 2 || sqlite3_open(argv[1], &db) != SQLITE_OK) return 1;
  sqlite3_busy_timeout(db, 10'000);
  if (sqlite3_exec(db, "begin immediate", nullptr, nullptr, nullptr) != SQLITE_OK) return 2;
  std::puts("locked");
  std::fflush(stdout);
  for (;;) ::pause();
}
