#pragma once
// Reads one field of a cron expression.

#include "schedule/cron_expression.h"
#include "schedule/text.h"

namespace errand {
inline namespace v0 {

/// Reads one field, once: the grammar of cron_parse.h from `field` downwards.
class CronFieldReader {
 public:
  /// `text` is the whole expression, so that columns count from its start; `word` is this field in it.
  CronFieldReader(CronPart part, std::string_view text, Word word)
      : part_(part), limits_(limits_of(part)), text_(text.substr(0, word.end())), at_(word.begin) {}

  /// The field, or nothing, and then problem() says why.
  [[nodiscard]] std::optional<CronField> read();
  [[nodiscard]] CronPart part() const noexcept { return part_; }
  [[nodiscard]] const CronRemark& problem() const noexcept { return problem_; }
  [[nodiscard]] std::vector<CronRemark> take_warnings() noexcept { return std::move(warnings_); }

 private:
  // What a number or a name comes to, and where it stood.
  struct Value {
    int number = 0;
    std::size_t at = 0;
    bool is_sun = false;     // written as SUN, which is 7 at the end of a range
    bool with_last = false;  // followed by an L: FRIL, 5L
    bool with_near = false;  // followed by a W: 15W
  };

  bool read_item(CronItem& item);
  bool read_star(CronItem& item);
  bool read_last(CronItem& item);
  bool read_after_value(CronItem& item, const Value& value);
  bool read_range_end(CronItem& item, const Value& first);
  bool read_nth(CronItem& item);
  bool read_step(CronItem& item);

  bool read_value(Value& value);
  bool read_number(Value& value);
  bool read_name(Value& value);
  bool read_suffix(Value& value, std::string_view letters, std::size_t at);

  [[nodiscard]] bool at_item_end() const noexcept { return at_ == text_.size() || text_[at_] == ','; }
  [[nodiscard]] bool ahead(char c) const noexcept { return at_ < text_.size() && text_[at_] == c; }
  bool take(char c) noexcept { return ahead(c) ? (++at_, true) : false; }
  [[nodiscard]] std::string_view take_digits() noexcept;
  [[nodiscard]] std::string_view take_letters() noexcept;

  /// Always false, so that it can be returned.
  bool fail(std::size_t at, std::string reason);
  bool fail_unexpected(std::string_view expected);

  const CronPart part_;
  const CronLimits limits_;
  const std::string_view text_;
  std::size_t at_;
  CronRemark problem_{};
  std::vector<CronRemark> warnings_{};
};

}  // namespace v0
}  // namespace errand
