// A message as JSON and back, by what is linked with errand::json alone.

#include <errand/errand.h>
#include <errand/json.h>

#include <cstdio>
#include <string>

struct Mail {
  std::string to;
  int user = 0;
};
ERRAND_JSON(Mail, to, user)

int main() {
  const auto text = errand::Codec<Mail>::encode({"a@b.c", 7});
  if (!text || *text != R"({"to":"a@b.c","user":7})") return 1;
  const auto mail = errand::Codec<Mail>::decode(*text, "application/json");
  if (!mail || mail->user != 7) return 1;

  errand::Queue queue;
  return queue.submit([] { return 0; }).get();
}
