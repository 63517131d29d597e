// Rivals that run in Node.js, each in a program beside this file. ERRAND_RIVALS is where the build has put these, and
// `./dev bench durable` their packages.

#include <filesystem>
#include <sstream>

#include "measure.h"
#include "rivals/redis_server.h"
#include "rivals/rivals.h"

namespace bench {

namespace {

using namespace std::chrono_literals;

const std::string kFolder = ERRAND_RIVALS;

std::string missing_for(const std::string& file) {
  if (!is_in_path("node")) return "nodejs";
  if (std::filesystem::exists(kFolder + "/node_modules/" + file)) return "";
  return "npm, and then ./dev bench durable";
}

// What such a program prints: numbers in brackets, with commas between them.
std::vector<double> figures(const std::string& printed) {
  std::istringstream text(printed);
  std::vector<double> figures;
  char mark = '\0';
  double figure = 0;
  for (text >> mark; mark != ']' && text >> figure >> mark;) figures.push_back(figure);
  demand(mark == ']' && !figures.empty(), "a program for Node.js prints no figures");
  return figures;
}

std::vector<double> run(const Place& place, const std::string& program, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"node", kFolder + "/" + program});
  place.settle();
  return figures(Child(place, arguments).finish(300s));
}

}  // namespace

namespace bullmq {

namespace {

std::vector<double> on_redis(const char* what, std::uint64_t count) {
  const Place place;
  const Server server = redis_server(place);
  return run(place, "bullmq.mjs", {what, "socket", std::to_string(count)});
}

}  // namespace

std::string missing() {
  return is_in_path("redis-server") ? missing_for("bullmq") : "redis-server";
}

double enqueue(std::uint64_t count) {
  return on_redis("enqueue", count).front();
}

double work(std::uint64_t count) {
  return on_redis("work", count).front();
}

std::vector<double> latency(int count) {
  return on_redis("start", static_cast<std::uint64_t>(count));
}

}  // namespace bullmq

namespace plainjob {

namespace {

double on_sqlite(const char* what, std::uint64_t count) {
  const Place place;
  return run(place, "plainjob.mjs", {what, std::to_string(count)}).front();
}

}  // namespace

std::string missing() {
  const std::string addon = missing_for("better-sqlite3/build/Release/better_sqlite3.node");
  return addon.empty() ? missing_for("plainjob") : addon;
}

double enqueue(std::uint64_t count) {
  return on_sqlite("enqueue", count);
}

double enqueue_many(std::uint64_t count) {
  return on_sqlite("enqueue_many", count);
}

double work(std::uint64_t count) {
  return on_sqlite("work", count);
}

}  // namespace plainjob

}  // namespace bench
