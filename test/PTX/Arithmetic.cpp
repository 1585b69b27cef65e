//===- Arithmetic.cpp - Numbers of one lane -------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Floats.h"
#include "Handlers.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace ptx {
namespace {

using U128 = unsigned __int128;
using S128 = __int128;

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

template <typename T>
using Unsigned = std::make_unsigned_t<T>;

struct Add {
  template <typename T>
  static T run(T a, T b) {
    if constexpr (std::is_integral_v<T>)
      return T(Unsigned<T>(a) + Unsigned<T>(b));
    else
      return a + b;
  }
};
struct Sub {
  template <typename T>
  static T run(T a, T b) {
    if constexpr (std::is_integral_v<T>)
      return T(Unsigned<T>(a) - Unsigned<T>(b));
    else
      return a - b;
  }
};
struct Mul {
  template <typename T>
  static T run(T a, T b) {
    if constexpr (std::is_integral_v<T>)
      return T(uint64_t(a) * uint64_t(b));
    else
      return a * b;
  }
};
struct MulHi {
  template <typename T>
  static T run(T a, T b) {
    if constexpr (std::is_signed_v<T>)
      return T(S128(a) * S128(b) >> (8 * sizeof(T)));
    else
      return T(U128(a) * U128(b) >> (8 * sizeof(T)));
  }
};
struct Div {
  template <typename T>
  static T run(T a, T b) {
    if constexpr (std::is_integral_v<T>)
      if (b == 0 || (b == T(-1) && a == std::numeric_limits<T>::min() &&
                     std::is_signed_v<T>))
        throw Error("division without a result");
    return a / b;
  }
};
struct Rem {
  template <typename T>
  static T run(T a, T b) {
    if (b == 0)
      throw Error("division by zero");
    return b == T(-1) ? T(0) : T(a % b);
  }
};
struct Min {
  template <typename T>
  static T run(T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
      return std::fmin(a, b);
    else
      return std::min(a, b);
  }
};
struct Max {
  template <typename T>
  static T run(T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
      return std::fmax(a, b);
    else
      return std::max(a, b);
  }
};
struct And {
  template <typename T>
  static T run(T a, T b) {
    return a & b;
  }
};
struct Or {
  template <typename T>
  static T run(T a, T b) {
    return a | b;
  }
};
struct Xor {
  template <typename T>
  static T run(T a, T b) {
    return a ^ b;
  }
};
struct Neg {
  template <typename T>
  static T run(T a) {
    return Sub::run(T(0), a);
  }
};
template <>
float Neg::run(float a) {
  return -a;
}
template <>
double Neg::run(double a) {
  return -a;
}
struct Not {
  template <typename T>
  static T run(T a) {
    return T(~a);
  }
};
struct Abs {
  template <typename T>
  static T run(T a) {
    return a < 0 ? T(-a) : a;
  }
};
template <>
float Abs::run(float a) {
  return std::fabs(a);
}
template <>
double Abs::run(double a) {
  return std::fabs(a);
}
struct Sqrt {
  template <typename T>
  static T run(T a) {
    return std::sqrt(a);
  }
};
struct Rcp {
  template <typename T>
  static T run(T a) {
    return 1 / a;
  }
};
struct Exp2 {
  template <typename T>
  static T run(T a) {
    return T(std::exp2(static_cast<double>(a)));
  }
};
struct Log2 {
  template <typename T>
  static T run(T a) {
    return T(std::log2(static_cast<double>(a)));
  }
};
struct Rsqrt {
  template <typename T>
  static T run(T a) {
    return T(1 / std::sqrt(static_cast<double>(a)));
  }
};

//===----------------------------------------------------------------------===//
// Handlers of operations
//===----------------------------------------------------------------------===//

template <typename Op, typename T>
void unary(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    warp.set(i.operands[0], lane, Op::run(warp.get<T>(i.operands[1], lane)));
  });
}

template <typename Op, typename T>
void binary(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    warp.set(i.operands[0], lane,
             Op::template run<T>(warp.get<T>(i.operands[1], lane),
                                 warp.get<T>(i.operands[2], lane)));
  });
}

/// a * b + c, integers.
template <typename T>
void multiplyAdd(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    T product = Mul::run(warp.get<T>(i.operands[1], lane),
                         warp.get<T>(i.operands[2], lane));
    warp.set(i.operands[0], lane,
             Add::run(product, warp.get<T>(i.operands[3], lane)));
  });
}

template <typename T>
void fusedMultiplyAdd(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    warp.set(i.operands[0], lane,
             std::fma(warp.get<T>(i.operands[1], lane),
                      warp.get<T>(i.operands[2], lane),
                      warp.get<T>(i.operands[3], lane)));
  });
}

/// Results are twice as wide; with a third operand it is added.
template <typename T, typename Wide>
void multiplyWide(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    Wide product = Mul::run(Wide(warp.get<T>(i.operands[1], lane)),
                            Wide(warp.get<T>(i.operands[2], lane)));
    if (i.operands.size() > 3)
      product = Add::run(product, warp.get<Wide>(i.operands[3], lane));
    warp.set(i.operands[0], lane, product);
  });
}

/// Amounts beyond the width shift everything out.
template <typename T>
void shiftLeft(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    auto by = warp.get<uint32_t>(i.operands[2], lane);
    T value = warp.get<T>(i.operands[1], lane);
    warp.set(i.operands[0], lane, by >= 8 * sizeof(T) ? T(0) : T(value << by));
  });
}

template <typename T>
void shiftRight(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    auto by = warp.get<uint32_t>(i.operands[2], lane);
    T value = warp.get<T>(i.operands[1], lane);
    by = std::min<uint32_t>(by, 8 * sizeof(T));
    T result = by == 8 * sizeof(T) ? T(value < 0 ? -1 : 0) : T(value >> by);
    warp.set(i.operands[0], lane, result);
  });
}

/// `length` bits from `start` on, sign-extended where T is signed.
template <typename T>
void extractBits(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    using U = Unsigned<T>;
    constexpr unsigned width = 8 * sizeof(T);
    U value = warp.get<U>(i.operands[1], lane);
    unsigned start = warp.get<uint32_t>(i.operands[2], lane) & 255,
             length = warp.get<uint32_t>(i.operands[3], lane) & 255;
    U result = start >= width ? U(0) : U(value >> start);
    length = std::min(length, width - std::min(start, width));
    if (length == 0)
      result = 0;
    else if (length < width) {
      result &= (U(1) << length) - 1;
      if (std::is_signed_v<T> && result >> (length - 1) & 1)
        result |= ~U(0) << length;
    }
    warp.set(i.operands[0], lane, result);
  });
}

template <typename T>
void countBits(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    warp.set(i.operands[0], lane,
             uint32_t(std::popcount(warp.get<T>(i.operands[1], lane))));
  });
}

/// Bytes of two words, by a selector of nibbles.
void permute(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    uint64_t bytes = warp.get<uint32_t>(i.operands[1], lane) |
                     uint64_t(warp.get<uint32_t>(i.operands[2], lane)) << 32;
    auto selector = warp.get<uint32_t>(i.operands[3], lane);
    uint32_t result = 0;
    for (int byte = 0; byte < 4; ++byte) {
      uint32_t which = selector >> (4 * byte) & 15;
      uint32_t value = bytes >> (8 * (which & 7)) & 255;
      if (which & 8)
        value = value & 0x80 ? 255 : 0;
      result |= value << (8 * byte);
    }
    warp.set(i.operands[0], lane, result);
  });
}

/// Any function of three bits.
void lookUpBits(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    auto a = warp.get<uint32_t>(i.operands[1], lane),
         b = warp.get<uint32_t>(i.operands[2], lane),
         c = warp.get<uint32_t>(i.operands[3], lane),
         table = warp.get<uint32_t>(i.operands[4], lane);
    uint32_t result = 0;
    for (int bit = 0; bit < 32; ++bit) {
      unsigned at = (a >> bit & 1) << 2 | (b >> bit & 1) << 1 | (c >> bit & 1);
      result |= (table >> at & 1) << bit;
    }
    warp.set(i.operands[0], lane, result);
  });
}

template <typename T>
void select(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    bool which = warp.get(i.operands[3], lane) != 0;
    warp.set(i.operands[0], lane, warp.get<T>(i.operands[which ? 1 : 2], lane));
  });
}

template <typename T>
void move(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    const Operand &to = i.operands[0], &from = i.operands[1];
    // A vector's parts make up one register, or the other way around.
    if (from.kind == Operand::Vector || to.kind == Operand::Vector) {
      const auto &parts = (from.kind == Operand::Vector ? from : to).elements;
      int width = int(8 * sizeof(T) / parts.size());
      uint64_t mask = (uint64_t(1) << width) - 1, whole = 0;
      if (to.kind == Operand::Vector) {
        whole = warp.get(from, lane);
        for (size_t p = 0; p < parts.size(); ++p)
          // A part that nobody wants.
          if (parts[p].text != "_")
            warp.setBits(parts[p], lane, whole >> (p * width) & mask);
        return;
      }
      for (size_t p = 0; p < parts.size(); ++p)
        whole |= (warp.get(parts[p], lane) & mask) << (p * width);
      warp.setBits(to, lane, whole);
      return;
    }
    warp.set(to, lane, warp.get<T>(from, lane));
  });
}

//===----------------------------------------------------------------------===//
// Predicates
//===----------------------------------------------------------------------===//

template <typename T>
bool compare(const std::string &how, T a, T b) {
  bool unordered = a != a || b != b;
  if (how == "nan")
    return unordered;
  if (how == "num")
    return !unordered;
  // "ltu": true where one is NaN; of integers "lo", "ls", "hi", "hs" are for
  // unsigned ones.
  bool isFloat = std::is_floating_point_v<T>;
  bool acceptsNaN = isFloat && how.size() == 3 && how[2] == 'u';
  std::string plain = how.substr(0, 2);
  if (unordered)
    return acceptsNaN || plain == "ne" ? acceptsNaN : false;
  if (plain == "eq")
    return a == b;
  if (plain == "ne")
    return a != b;
  if (plain == "lt" || plain == "lo")
    return a < b;
  if (plain == "le" || plain == "ls")
    return a <= b;
  if (plain == "gt" || plain == "hi")
    return a > b;
  if (plain == "ge" || plain == "hs")
    return a >= b;
  throw Error("unknown comparison '" + how + "'");
}

template <typename T>
void setPredicate(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    bool result = compare<T>(i.parts[1], warp.get<T>(i.operands[1], lane),
                             warp.get<T>(i.operands[2], lane));
    warp.setBits(i.operands[0], lane, result);
  });
}

template <typename Op>
void onPredicates(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    uint64_t a = warp.get(i.operands[1], lane) & 1,
             b = i.operands.size() > 2 ? warp.get(i.operands[2], lane) & 1 : 1;
    warp.setBits(i.operands[0], lane, Op::run(a, b));
  });
}

//===----------------------------------------------------------------------===//
// Pairs
//===----------------------------------------------------------------------===//

template <double (*decode)(uint32_t), uint32_t (*encode)(double), typename Op>
void onPairs(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    uint32_t result = 0;
    for (int half = 0; half < 2; ++half) {
      auto part = [&](int operand) {
        return decode(warp.get<uint32_t>(i.operands[operand], lane) >>
                          (16 * half) &
                      0xFFFF);
      };
      double value = Op::run(part(1), part(2));
      if (i.operands.size() > 3)
        value += part(3);
      result |= encode(value) << (16 * half);
    }
    warp.set(i.operands[0], lane, result);
  });
}

/// Of f32, in 64 bits.
template <typename Op>
void onFloatPairs(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    float halves[2];
    for (int half = 0; half < 2; ++half) {
      auto part = [&](int operand) {
        uint64_t bits = warp.get(i.operands[operand], lane);
        float values[2];
        std::memcpy(values, &bits, sizeof values);
        return values[half];
      };
      halves[half] = i.operands.size() > 3 ? std::fma(part(1), part(2), part(3))
                                           : Op::run(part(1), part(2));
    }
    uint64_t result;
    std::memcpy(&result, halves, sizeof result);
    warp.setBits(i.operands[0], lane, result);
  });
}

template <typename Op>
Handler forPairs(const std::string &type) {
  if (type == "f32x2")
    return onFloatPairs<Op>;
  if (type == "bf16x2")
    return onPairs<fromBF16, toBF16, Op>;
  if (type == "f16x2")
    return onPairs<fromF16, toF16, Op>;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// `F<T>()` gives the handler for T.
template <typename F>
Handler forIntegers(const std::string &type, F get) {
  if (type == "s16")
    return get(int16_t());
  if (type == "u16" || type == "b16")
    return get(uint16_t());
  if (type == "s32")
    return get(int32_t());
  if (type == "u32" || type == "b32")
    return get(uint32_t());
  if (type == "s64")
    return get(int64_t());
  if (type == "u64" || type == "b64")
    return get(uint64_t());
  return nullptr;
}

template <typename F>
Handler forFloats(const std::string &type, F get) {
  if (type == "f32")
    return get(float());
  if (type == "f64")
    return get(double());
  return nullptr;
}

template <typename F>
Handler forNumbers(const std::string &type, F get) {
  Handler found = forIntegers(type, get);
  return found ? found : forFloats(type, get);
}

#define BINARY(Op) [](auto t) -> Handler { return binary<Op, decltype(t)>; }
#define UNARY(Op) [](auto t) -> Handler { return unary<Op, decltype(t)>; }
#define WITH(handler) [](auto t) -> Handler { return handler<decltype(t)>; }

Handler findWide(const std::string &type) {
  if (type == "u16")
    return multiplyWide<uint16_t, uint32_t>;
  if (type == "s16")
    return multiplyWide<int16_t, int32_t>;
  if (type == "u32")
    return multiplyWide<uint32_t, uint64_t>;
  if (type == "s32")
    return multiplyWide<int32_t, int64_t>;
  return nullptr;
}

Handler findPredicateOp(const std::string &name) {
  if (name == "and")
    return onPredicates<And>;
  if (name == "or")
    return onPredicates<Or>;
  if (name == "xor" || name == "not")
    return onPredicates<Xor>;
  if (name == "mov")
    return onPredicates<And>;
  return nullptr;
}

Handler find(const Instruction &i) {
  const std::string &name = i.parts.front(), &type = i.parts.back();
  if (type == "pred")
    return findPredicateOp(name);
  if (name == "add")
    return type.ends_with("x2") ? forPairs<Add>(type)
                                : forNumbers(type, BINARY(Add));
  if (name == "sub")
    return type.ends_with("x2") ? forPairs<Sub>(type)
                                : forNumbers(type, BINARY(Sub));
  if (name == "mul" && hasPart(i, "wide"))
    return findWide(type);
  if (name == "mul" && hasPart(i, "hi"))
    return forIntegers(type, BINARY(MulHi));
  if (name == "mul" || (name == "fma" && type.ends_with("x2")))
    return type.ends_with("x2") ? forPairs<Mul>(type)
                                : forNumbers(type, BINARY(Mul));
  if (name == "mad" && hasPart(i, "wide"))
    return findWide(type);
  if (name == "mad" && hasPart(i, "lo"))
    return forIntegers(type, WITH(multiplyAdd));
  if (name == "fma")
    return forFloats(type, WITH(fusedMultiplyAdd));
  if (name == "div")
    return forNumbers(type, BINARY(Div));
  if (name == "rem")
    return forIntegers(type, BINARY(Rem));
  if (name == "min")
    return forNumbers(type, BINARY(Min));
  if (name == "max")
    return forNumbers(type, BINARY(Max));
  if (name == "and")
    return forIntegers(type, BINARY(And));
  if (name == "or")
    return forIntegers(type, BINARY(Or));
  if (name == "xor")
    return forIntegers(type, BINARY(Xor));
  if (name == "not")
    return forIntegers(type, UNARY(Not));
  if (name == "neg")
    return forNumbers(type, UNARY(Neg));
  if (name == "abs")
    return forNumbers(type, UNARY(Abs));
  if (name == "sqrt")
    return forFloats(type, UNARY(Sqrt));
  if (name == "rcp")
    return forFloats(type, UNARY(Rcp));
  if (name == "rsqrt")
    return forFloats(type, UNARY(Rsqrt));
  if (name == "ex2")
    return forFloats(type, UNARY(Exp2));
  if (name == "lg2")
    return forFloats(type, UNARY(Log2));
  if (name == "shl")
    return forIntegers(type, WITH(shiftLeft));
  if (name == "shr")
    return forIntegers(type, WITH(shiftRight));
  if (name == "bfe")
    return forIntegers(type, WITH(extractBits));
  if (name == "popc")
    return type == "b64" ? countBits<uint64_t> : countBits<uint32_t>;
  if (name == "prmt")
    return permute;
  if (name == "lop3")
    return lookUpBits;
  if (name == "selp")
    return forNumbers(type, WITH(select));
  if (name == "setp")
    return forNumbers(type, WITH(setPredicate));
  if (name == "mov")
    return forNumbers(type, WITH(move));
  // Global and generic addresses are the same.
  if (name == "cvta")
    return hasPart(i, "shared") ? nullptr : move<uint64_t>;
  return nullptr;
}

} // namespace

void decodeArithmetic(Instruction &instruction) {
  instruction.run = find(instruction);
}

} // namespace ptx
