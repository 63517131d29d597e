#include "schedule/cron_parse.h"

#include "schedule/cron_every.h"
#include "schedule/cron_field.h"
#include "schedule/text.h"

namespace errand {
inline namespace v0 {

namespace {

constexpr std::string_view kExpected =
    "expected minute hour day-of-month month day-of-week, or these with seconds first";

struct Nickname {
  std::string_view name;
  std::string_view fields;
};

constexpr Nickname kNicknames[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
    {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@hourly", "0 * * * *"},
};

using Read = std::variant<CronExpression, CronRemark>;

CronRemark remark_at(std::size_t at, std::string reason) {
  return {std::nullopt, static_cast<int>(at) + 1, std::move(reason)};
}

Read read_fields(std::string_view text, const std::vector<Word>& words) {
  CronExpression expression;
  if (words.size() == 5) expression.field(CronPart::second).items = {{CronItem::Kind::number, 0}};
  int part = kCronParts - static_cast<int>(words.size());
  for (const Word& word : words) {
    CronFieldReader reader(static_cast<CronPart>(part++), text, word);
    std::optional<CronField> field = reader.read();
    if (!field) return reader.problem();
    expression.field(reader.part()) = std::move(*field);
    for (CronRemark& warning : reader.take_warnings()) expression.warnings.push_back(std::move(warning));
  }
  compile(expression);
  return expression;
}

Read read_nickname(std::string_view text, const std::vector<Word>& words) {
  const std::string name = lower(text.substr(words[0].begin, words[0].size));
  if (name == "@every") {
    if (words.size() == 1) return remark_at(words[0].end(), "a duration is missing after @every, such as 90s or 1h30m");
    CronExpression expression;
    if (auto problem = read_duration(text, words[1], expression.every)) return *problem;
    if (words.size() > 2)
      return remark_at(words[2].begin, "nothing may follow the duration; write it in one piece, such as 1h30m");
    return expression;
  }
  for (const Nickname& nickname : kNicknames) {
    if (name != nickname.name) continue;
    if (words.size() > 1) return remark_at(words[1].begin, "nothing may follow " + std::string(nickname.name));
    return read_fields(nickname.fields, split_words(nickname.fields));
  }
  std::string known = "unknown nickname; known are";
  for (const Nickname& nickname : kNicknames) known.append(" ").append(nickname.name);
  return remark_at(words[0].begin, known + " and @every");
}

Read read_any(std::string_view text) {
  const std::vector<Word> words = split_words(text);
  if (words.empty()) return remark_at(0, "the expression is empty; " + std::string(kExpected));
  if (text[words[0].begin] == '@') return read_nickname(text, words);
  const std::string count = std::to_string(words.size());
  if (words.size() < 5)
    return remark_at(text.size(), count + (words.size() == 1 ? " field; " : " fields; ") + std::string(kExpected));
  if (words.size() > 6) return remark_at(words[6].begin, count + " fields; " + std::string(kExpected));
  return read_fields(text, words);
}

}  // namespace

Read read_cron(std::string_view text) {
  Read read = read_any(text);
  if (auto* expression = std::get_if<CronExpression>(&read)) expression->text = text;
  return read;
}

Result<CronExpression> parse_cron(std::string_view text) {
  Read read = read_cron(text);
  if (auto* expression = std::get_if<CronExpression>(&read)) return std::move(*expression);
  return Error(Code::invalid, "cron " + in_quotes(text) + ": " + to_string(std::get<CronRemark>(read)));
}

std::string to_string(const CronRemark& remark) {
  std::string text;
  if (remark.part) text.append("field ").append(to_string(*remark.part)).append(", ");
  return text.append("column ").append(std::to_string(remark.column)).append(": ").append(remark.reason);
}

}  // namespace v0
}  // namespace errand
