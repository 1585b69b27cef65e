//===- Conversions.cpp - cvt ----------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Floats.h"
#include "Handlers.h"

#include <cmath>
#include <limits>

namespace ptx {
namespace {

bool isFloat(const std::string &type) {
  return type == "f16" || type == "bf16" || type == "f32" || type == "f64";
}

double readFloat(const std::string &type, uint64_t bits) {
  if (type == "f16")
    return fromF16(bits & 0xFFFF);
  if (type == "bf16")
    return fromBF16(bits & 0xFFFF);
  if (type == "f32") {
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
  }
  double value;
  std::memcpy(&value, &bits, 8);
  return value;
}

uint64_t writeFloat(const std::string &type, double value) {
  if (type == "f16")
    return toF16(value);
  if (type == "bf16")
    return toBF16(value);
  uint64_t bits = 0;
  if (type == "f32") {
    float single = static_cast<float>(value);
    std::memcpy(&bits, &single, 4);
  } else {
    std::memcpy(&bits, &value, 8);
  }
  return bits;
}

/// The low bits of an integer type, sign-extended where it is signed.
int64_t readInteger(const std::string &type, uint64_t bits) {
  int width = bitsOfType(type);
  if (width == 64)
    return static_cast<int64_t>(bits);
  bits &= (uint64_t(1) << width) - 1;
  if (type[0] == 's' && bits >> (width - 1) & 1)
    bits |= ~uint64_t(0) << width;
  return static_cast<int64_t>(bits);
}

double roundToIntegral(const Instruction &i, double value) {
  if (hasPart(i, "rzi"))
    return std::trunc(value);
  if (hasPart(i, "rmi"))
    return std::floor(value);
  if (hasPart(i, "rpi"))
    return std::ceil(value);
  return std::nearbyint(value);
}

/// Integers saturate, and NaN is zero.
uint64_t toInteger(const std::string &type, double value) {
  int width = bitsOfType(type);
  if (std::isnan(value))
    return 0;
  if (type[0] == 's') {
    double limit = std::ldexp(1, width - 1);
    if (value >= limit)
      return static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) >>
             (64 - width);
    if (value < -limit)
      value = -limit;
    return static_cast<uint64_t>(static_cast<int64_t>(value));
  }
  double limit = std::ldexp(1, width);
  if (value >= limit)
    return ~uint64_t(0) >> (64 - width);
  return value < 0 ? 0 : static_cast<uint64_t>(value);
}

void convert(Warp &warp, const Instruction &i) {
  const std::string &to = i.parts[i.parts.size() - 2], &from = i.parts.back();
  warp.forEachLane([&](int lane) {
    uint64_t bits = warp.get(i.operands[1], lane), result;
    if (isFloat(from)) {
      double value = readFloat(from, bits);
      bool integral = hasPart(i, "rni") || hasPart(i, "rzi") ||
                      hasPart(i, "rmi") || hasPart(i, "rpi");
      if (integral)
        value = roundToIntegral(i, value);
      if (hasPart(i, "sat"))
        value = std::fmin(std::fmax(value, 0), 1);
      result = isFloat(to) ? writeFloat(to, value) : toInteger(to, value);
    } else {
      int64_t value = readInteger(from, bits);
      if (to == "f32") {
        // Rounded once, from 64 bits.
        float single = from == "u64"
                           ? static_cast<float>(static_cast<uint64_t>(value))
                           : static_cast<float>(value);
        result = 0;
        std::memcpy(&result, &single, 4);
      } else if (isFloat(to)) {
        result = writeFloat(
            to, from == "u64"
                    ? static_cast<double>(static_cast<uint64_t>(value))
                    : static_cast<double>(value));
      } else {
        result = static_cast<uint64_t>(value);
      }
    }
    int width = bitsOfType(to);
    if (width < 64) {
      uint64_t mask = (uint64_t(1) << width) - 1;
      // Registers are wider than bytes, which are sign-extended to them.
      bool negative = to[0] == 's' && result >> (width - 1) & 1;
      result = negative ? result | ~mask : result & mask;
    }
    warp.setBits(i.operands[0], lane, result);
  });
}

/// d = {a in the upper half, b in the lower one}.
void convertPair(Warp &warp, const Instruction &i) {
  bool isBF16 = i.parts[i.parts.size() - 2] == "bf16x2";
  warp.forEachLane([&](int lane) {
    double high = warp.get<float>(i.operands[1], lane),
           low = warp.get<float>(i.operands[2], lane);
    uint32_t bits = isBF16 ? toBF16(high) << 16 | toBF16(low)
                           : toF16(high) << 16 | toF16(low);
    warp.set(i.operands[0], lane, bits);
  });
}

} // namespace

void decodeConversion(Instruction &instruction) {
  if (instruction.parts.front() != "cvt" || instruction.parts.size() < 3)
    return;
  const std::string &to = instruction.parts[instruction.parts.size() - 2],
                    &from = instruction.parts.back();
  if (to.ends_with("x2")) {
    if (from == "f32" && hasPart(instruction, "rn") &&
        (to == "bf16x2" || to == "f16x2"))
      instruction.run = convertPair;
    return;
  }
  // Rounding to f32 is double's, to nearest.
  if (hasPart(instruction, "rz") || hasPart(instruction, "rm") ||
      hasPart(instruction, "rp"))
    return;
  if (bitsOfType(to) && bitsOfType(from))
    instruction.run = convert;
}

} // namespace ptx
