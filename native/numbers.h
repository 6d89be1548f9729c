// Numbers of a JSON array, read as float.
#pragma once

#include <charconv>
#include <vector>

// Not every standard library reads numbers of that kind yet: then msgspec does it.
#if defined(__cpp_lib_to_chars) && __cpp_lib_to_chars >= 201611L
#define MITAME_READS_NUMBERS
#endif

namespace mitame {

// Reads `[1, 2.5, -3e-1]`, nothing but numbers as JSON has them (RFC 8259, section 6), each rounded
// to double and then to float. from: at the bracket. Returns what comes after the other bracket, or
// null where it is anything else, or a number lies outside double: then `out` is of no use.
const char* read_numbers(const char* from, const char* end, std::vector<float>& out);

}  // namespace mitame
