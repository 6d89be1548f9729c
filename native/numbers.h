// Numbers of a JSON array, read as float.
#pragma once

#include <cstddef>
#include <vector>

namespace mitame {

// Reads `[1, 2.5, -3e-1]`, nothing but numbers as JSON has them (RFC 8259, section 6), each rounded
// to double and then to float. from: at the bracket. Returns what comes after the other bracket, or
// null where it is anything else, or a number lies outside double: then `out` is of no use.
// Always null where the compiler's library can't read numbers.
const char* read_numbers(const char* from, const char* end, std::vector<float>& out);

}  // namespace mitame
