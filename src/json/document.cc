#include <errand/codec.h>
#include <errand/detail/json_reader.h>

#include <boost/json/serialize.hpp>

#include "parse.h"
#include "state.h"
#include "text.h"

namespace errand {
inline namespace v0 {
namespace detail {

JsonDocument::JsonDocument(std::string_view name, std::string_view bytes, std::string_view content_type)
    : state_(std::make_unique<JsonState>()) {
  state_->root.name = name;
  if (!is_content_type(content_type, "application/json")) {
    state_->error =
        json_error(state_->root, "expected the content type application/json, got " + shown_string(content_type));
  } else if (const auto why = parse_json(bytes, state_->value)) {
    state_->error = json_error(state_->root, *why);
  }
}

JsonDocument::~JsonDocument() = default;

bool JsonDocument::parsed() const {
  return !state_->error;
}

JsonReader JsonDocument::root() const {
  return JsonReader(*state_, &state_->value, state_->root);
}

Result<void> JsonDocument::finish(bool went_well) const {
  if (state_->error) return *state_->error;
  if (!went_well) return json_error(state_->root, "it was not read, and nobody said why");
  return {};
}

Result<std::string> json_values(std::string_view name, std::string_view bytes, const std::vector<std::string>& fields) {
  JsonState state;
  state.root.name = name;
  if (const auto why = parse_json(bytes, state.value)) return json_error(state.root, *why);
  std::string values;
  for (const std::string& field : fields) {
    const boost::json::value* value = state.value.is_object() ? state.value.as_object().if_contains(field) : nullptr;
    if (value == nullptr) return json_error(state.root, "it has no field " + shown_string(field));
    const std::string text = boost::json::serialize(*value);
    values.append(std::to_string(field.size())).append(":").append(field);
    values.append(std::to_string(text.size())).append(":").append(text);
  }
  return values;
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
