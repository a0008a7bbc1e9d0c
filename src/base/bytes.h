// Bytes: views of them, little-endian integers in them, and hexadecimal. Pure, any thread.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace skein {

using Bytes = std::span<const std::byte>;   // read, not owned
using MutableBytes = std::span<std::byte>;  // written into, not owned

[[nodiscard]] inline Bytes as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
[[nodiscard]] inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <std::unsigned_integral Int>
[[nodiscard]] constexpr Int load_le(const std::byte* from) {
  Int value = 0;
  for (std::size_t i = 0; i < sizeof(Int); ++i) {
    value = static_cast<Int>(value | static_cast<Int>(static_cast<Int>(from[i]) << (8 * i)));
  }
  return value;
}
template <std::unsigned_integral Int>
constexpr void store_le(std::byte* to, Int value) {
  for (std::size_t i = 0; i < sizeof(Int); ++i) {
    to[i] = static_cast<std::byte>(static_cast<unsigned char>(value >> (8 * i)));
  }
}
template <std::unsigned_integral Int>
void append_le(std::string& to, Int value) {
  std::byte raw[sizeof(Int)];
  store_le(raw, value);
  to.append(as_text(raw));
}

[[nodiscard]] inline std::string to_hex(Bytes bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    out += kDigits[static_cast<unsigned char>(b) >> 4U];
    out += kDigits[static_cast<unsigned char>(b) & 0xFU];
  }
  return out;
}

// Fills `out` exactly; false when `hex` is not lower-case hexadecimal of exactly that size.
[[nodiscard]] inline bool from_hex(std::string_view hex, MutableBytes out) {
  if (hex.size() != out.size() * 2) return false;
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = digit(hex[2 * i]);
    const int low = digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::byte>(high * 16 + low);
  }
  return true;
}

}  // namespace skein
