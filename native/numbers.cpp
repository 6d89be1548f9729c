#include "numbers.h"

#if defined(MITAME_READS_NUMBERS)

#include <system_error>

namespace mitame {
namespace {

const char* after_space(const char* at, const char* end) {
  while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) ++at;
  return at;
}

const char* after_digits(const char* at, const char* end) {
  while (at < end && *at >= '0' && *at <= '9') ++at;
  return at;
}

// The end of a number, or null where none stands here: what from_chars takes is not always JSON.
const char* after_number(const char* at, const char* end) {
  if (at < end && *at == '-') ++at;
  const char* whole = after_digits(at, end);
  if (whole == at || (*at == '0' && whole - at > 1)) return nullptr;
  at = whole;
  if (at < end && *at == '.') {
    const char* part = after_digits(at + 1, end);
    if (part == at + 1) return nullptr;
    at = part;
  }
  if (at < end && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at < end && (*at == '+' || *at == '-')) ++at;
    const char* exponent = after_digits(at, end);
    if (exponent == at) return nullptr;
    at = exponent;
  }
  return at;
}

bool read_number(const char* from, const char* to, float* out) {
  double value = 0;
  const std::from_chars_result read = std::from_chars(from, to, value);
  *out = static_cast<float>(value);
  return read.ec == std::errc{} && read.ptr == to;
}

}  // namespace

const char* read_numbers(const char* from, const char* end, std::vector<float>& out) {
  if (from == end || *from != '[') return nullptr;
  const char* at = after_space(from + 1, end);
  if (at < end && *at == ']') return at + 1;
  for (;;) {
    const char* to = after_number(at, end);
    float value;
    if (!to || !read_number(at, to, &value)) return nullptr;
    out.push_back(value);
    at = after_space(to, end);
    if (at == end) return nullptr;
    if (*at == ']') return at + 1;
    if (*at != ',') return nullptr;
    at = after_space(at + 1, end);
  }
}

}  // namespace mitame

#endif
