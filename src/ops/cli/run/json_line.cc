#include "json_line.h"

#include "json_text.h"
#include "schedule/instant.h"

#include <chrono>
#include <cstdio>

namespace errand::cli {

namespace {

std::string number(std::string_view name, long long value) {
  return "\"" + std::string(name) + "\":" + std::to_string(value);
}

std::string milliseconds_text(Duration duration) {
  char text[48];
  std::snprintf(text, sizeof text, "%.3f", static_cast<double>(duration.count()) / 1e6);
  return text;
}

}  // namespace

std::string json_line(std::uint64_t seq, std::string_view command) {
  return "{" + number("seq", static_cast<long long>(seq)) + "," + json_member("command", command) + "}\n";
}

Result<std::string> json_line(const Item& item) {
  const auto out = item.out.text();
  if (!out) return out.error();
  const auto err = item.err.text();
  if (!err) return err.error();
  const bool ok = item.succeeded();
  const auto started_at = std::chrono::floor<std::chrono::milliseconds>(item.end.started_at);
  std::string json = "{" + number("seq", static_cast<long long>(item.seq));
  json += "," + json_member("command", item.command);
  json += std::string(",\"state\":\"") + (ok ? "completed" : item.end.stopped ? "cancelled" : "discarded") + "\"";
  json += "," + number("attempts", item.attempts);
  json += "," + number("exit_code", item.end.exit_code);
  json += "," + number("signal", item.end.signal);
  json += std::string(",\"timed_out\":") + (item.end.timed_out ? "true" : "false");
  json += ",\"started_at\":" + json_string(format_instant(started_at));
  json += ",\"took_ms\":" + milliseconds_text(item.end.took);
  json += "," + json_member("error", ok ? "" : item.trouble.empty() ? item.end.text() : item.trouble);
  json += "," + json_member("stdout", *out);
  json += "," + json_member("stderr", *err);
  return json += "}\n";
}

}  // namespace errand::cli
