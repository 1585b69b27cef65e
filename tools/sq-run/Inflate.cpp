//===- Inflate.cpp - Decompress DEFLATE streams ---------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// RFC 1951. LLVM's zlib wrapper takes zlib streams only, whose checksum an .npz
// lacks, so the decoder is here: it favors being short over being fast.
//
//===----------------------------------------------------------------------===//

#include "Npy.h"

#include <array>

using namespace llvm;
using namespace sqrun;

namespace {

constexpr unsigned kMaxBits = 15;

/// A canonical Huffman code: how many codes each length has, and the symbols in
/// the order of their codes.
struct HuffmanCode {
  std::array<uint16_t, kMaxBits + 1> counts = {};
  std::vector<uint16_t> symbols;

  /// False if the lengths use more codes than there are.
  bool build(ArrayRef<uint8_t> lengths) {
    counts = {};
    for (uint8_t length : lengths)
      ++counts[length];
    counts[0] = 0;
    int left = 1;
    std::array<uint16_t, kMaxBits + 2> starts = {};
    for (unsigned length = 1; length <= kMaxBits; ++length) {
      left = 2 * left - counts[length];
      if (left < 0)
        return false;
      starts[length + 1] = starts[length] + counts[length];
    }
    symbols.assign(starts[kMaxBits + 1], 0);
    for (size_t symbol = 0; symbol < lengths.size(); ++symbol)
      if (lengths[symbol])
        symbols[starts[lengths[symbol]]++] = static_cast<uint16_t>(symbol);
    return true;
  }
};

class Inflater {
public:
  Inflater(StringRef stream, size_t size) : stream(stream), size(size) {}

  bool run() {
    bool isLast;
    do {
      isLast = bits(1);
      unsigned kind = bits(2);
      bool good = kind == 0   ? stored()
                  : kind == 1 ? fixed()
                  : kind == 2 ? dynamic()
                              : false;
      if (!good || isBad)
        return false;
    } while (!isLast);
    return output.size() == size;
  }

  std::string output;

private:
  /// The next `count` bits, the first being the lowest; zeros after the end,
  /// where `isBad` is set.
  unsigned bits(unsigned count) {
    while (numBits < count) {
      if (next == stream.size()) {
        isBad = true;
        return 0;
      }
      window |= static_cast<uint32_t>(static_cast<uint8_t>(stream[next++]))
                << numBits;
      numBits += 8;
    }
    unsigned value = window & ((1u << count) - 1);
    window >>= count;
    numBits -= count;
    return value;
  }

  /// The next symbol, or -1. Codes come highest bit first.
  int symbol(const HuffmanCode &code) {
    int value = 0, first = 0, index = 0;
    for (unsigned length = 1; length <= kMaxBits && !isBad; ++length) {
      value |= static_cast<int>(bits(1));
      int count = code.counts[length];
      if (value - first < count)
        return isBad ? -1 : code.symbols[index + value - first];
      index += count;
      first = (first + count) << 1;
      value <<= 1;
    }
    return -1;
  }

  bool stored() {
    window = numBits = 0;
    unsigned length = bits(16), complement = bits(16);
    if (isBad || length != (complement ^ 0xffff) ||
        stream.size() - next < length || size - output.size() < length)
      return false;
    output += stream.substr(next, length);
    next += length;
    return true;
  }

  bool fixed() {
    std::array<uint8_t, 288> lengths;
    for (unsigned i = 0; i < lengths.size(); ++i)
      lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    std::array<uint8_t, 30> distances;
    distances.fill(5);
    return literals.build(lengths) && offsets.build(distances) && codes();
  }

  bool dynamic() {
    static constexpr uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                          11, 4,  12, 3, 13, 2, 14, 1, 15};
    unsigned numLiterals = bits(5) + 257, numOffsets = bits(5) + 1;
    unsigned numLengths = bits(4) + 4;
    if (isBad || numLiterals > 286 || numOffsets > 30)
      return false;
    std::array<uint8_t, 320> lengths = {};
    for (unsigned i = 0; i < numLengths; ++i)
      lengths[order[i]] = static_cast<uint8_t>(bits(3));
    HuffmanCode code;
    if (!code.build(ArrayRef(lengths).take_front(19)))
      return false;
    lengths = {};
    for (unsigned i = 0; i < numLiterals + numOffsets;) {
      int value = symbol(code);
      if (value < 0)
        return false;
      if (value < 16) {
        lengths[i++] = static_cast<uint8_t>(value);
        continue;
      }
      if (value == 16 && i == 0)
        return false;
      uint8_t repeated = value == 16 ? lengths[i - 1] : 0;
      unsigned count = value == 16   ? 3 + bits(2)
                       : value == 17 ? 3 + bits(3)
                                     : 11 + bits(7);
      if (isBad || i + count > numLiterals + numOffsets)
        return false;
      for (; count; --count)
        lengths[i++] = repeated;
    }
    return literals.build(ArrayRef(lengths).take_front(numLiterals)) &&
           offsets.build(ArrayRef(lengths).slice(numLiterals, numOffsets)) &&
           codes();
  }

  /// A block's symbols up to its end.
  bool codes() {
    static constexpr uint16_t lengthBase[29] = {
        3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
        31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static constexpr uint8_t lengthBits[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1,
                                               1, 1, 2, 2, 2, 2, 3, 3, 3, 3,
                                               4, 4, 4, 4, 5, 5, 5, 5, 0};
    static constexpr uint16_t offsetBase[30] = {
        1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
        33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
        1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    for (;;) {
      int value = symbol(literals);
      if (value < 0 || isBad)
        return false;
      if (value == 256)
        return true;
      if (value < 256) {
        if (output.size() == size)
          return false;
        output.push_back(static_cast<char>(value));
        continue;
      }
      value -= 257;
      if (value >= 29)
        return false;
      size_t length = lengthBase[value] + bits(lengthBits[value]);
      int place = symbol(offsets);
      if (place < 0 || place >= 30)
        return false;
      size_t offset = offsetBase[place] + bits(place < 2 ? 0 : (place - 2) / 2);
      if (isBad || offset > output.size() || size - output.size() < length)
        return false;
      // Byte by byte: a copy may reach into what it writes.
      for (size_t i = 0; i < length; ++i)
        output.push_back(output[output.size() - offset]);
    }
  }

  StringRef stream;
  size_t size, next = 0;
  uint32_t window = 0;
  unsigned numBits = 0;
  bool isBad = false;
  HuffmanCode literals, offsets;
};

} // namespace

std::optional<std::string> sqrun::inflate(StringRef stream, size_t size) {
  Inflater inflater(stream, size);
  if (!inflater.run())
    return std::nullopt;
  return std::move(inflater.output);
}
