#pragma once
// Short ways to write and to read, and what came of it.

#include <errand/json.h>

#include <string>
#include <string_view>

/// The JSON, or the error's message.
template <class T>
std::string written(const T& value) {
  const auto text = errand::Codec<T>::encode(value);
  return text ? *text : text.error().message();
}

template <class T>
errand::Result<T> read(std::string_view text) {
  return errand::Codec<T>::decode(text, "application/json");
}

/// Why this can't be read; empty if it can be.
template <class T>
std::string refusal(std::string_view text) {
  const auto value = read<T>(text);
  if (value) return "";
  if (value.error().code() != errand::Code::invalid) return "another code";
  return value.error().message();
}

/// What is read, written again, or the error's message.
template <class T>
std::string again(std::string_view text) {
  const auto value = read<T>(text);
  return value ? written(*value) : value.error().message();
}
