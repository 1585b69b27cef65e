//===- Numerics.cpp - sq-bench numerics -----------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every figure is bytes of f32 matrix a second on one core, whatever the
// function really reads: 4 bytes an element, so that rows can be compared.
//
//===----------------------------------------------------------------------===//
#include "Commands.h"
#include "sparse-quant/Numerics/Layout.h"
#include "sparse-quant/Numerics/Pattern.h"
#include "sparse-quant/Numerics/Quantize.h"

#include <benchmark/benchmark.h>

#include <random>

using namespace mlir::sq::numerics;

namespace {

/// 4 MiB: beyond the second-level cache, as a layer's weights are.
constexpr int64_t rows = 512, cols = 2048;

const std::vector<float> &weights() {
  static const std::vector<float> values = [] {
    std::mt19937 engine(1);
    std::normal_distribution<float> normal;
    std::vector<float> result(rows * cols);
    for (float &value : result)
      value = normal(engine);
    return result;
  }();
  return values;
}

const std::vector<float> &scores() {
  static const std::vector<float> values = [] {
    std::vector<float> result(rows * cols);
    magnitudeScores(weights(), result);
    return result;
  }();
  return values;
}

void countBytes(benchmark::State &state) {
  state.SetBytesProcessed(state.iterations() * rows * cols *
                          static_cast<int64_t>(sizeof(float)));
}

void encodeBench(benchmark::State &state, const Format &format) {
  Encoded out;
  for (auto _ : state) {
    if (Error error = encode(format, weights(), rows, cols, out))
      state.SkipWithError(error->c_str());
    benchmark::DoNotOptimize(out.codes.data());
  }
  countBytes(state);
}

void decodeBench(benchmark::State &state, const Format &format) {
  Encoded encoded;
  if (Error error = encode(format, weights(), rows, cols, encoded))
    return state.SkipWithError(error->c_str());
  std::vector<float> out(rows * cols);
  for (auto _ : state) {
    decode(format, encoded, rows, cols, out);
    benchmark::DoNotOptimize(out.data());
  }
  countBytes(state);
}

void maskBench(benchmark::State &state, const Pattern &pattern) {
  std::vector<uint8_t> mask(rows * cols);
  for (auto _ : state) {
    if (Error error = computeMask(pattern, scores(), rows, cols, mask))
      state.SkipWithError(error->c_str());
    benchmark::DoNotOptimize(mask.data());
  }
  countBytes(state);
}

struct PackInput {
  std::vector<uint8_t> codes, mask;
};

/// Codes of `format` under 2:4, or dense.
PackInput packInput(const Format &format, bool dense) {
  PackInput input;
  Encoded encoded;
  (void)encode(format, weights(), rows, cols, encoded);
  input.codes = std::move(encoded.codes);
  if (dense)
    return input;
  input.mask.resize(rows * cols);
  (void)computeMask(Pattern::nm(2, 4), scores(), rows, cols, input.mask);
  return input;
}

void packBench(benchmark::State &state, const Format &format, bool dense) {
  PackInput input = packInput(format, dense);
  Packed packed;
  for (auto _ : state) {
    pack(format.bits, input.codes, input.mask, rows, cols, packed);
    benchmark::DoNotOptimize(packed.payload.data());
  }
  countBytes(state);
}

void unpackBench(benchmark::State &state, const Format &format, bool dense) {
  PackInput input = packInput(format, dense);
  Packed packed;
  pack(format.bits, input.codes, input.mask, rows, cols, packed);
  for (auto _ : state) {
    if (Error error = unpack(format.bits, /*signExtend=*/true, /*zeroCode=*/0,
                             packed, rows, cols, input.codes, input.mask))
      state.SkipWithError(error->c_str());
    benchmark::DoNotOptimize(input.codes.data());
  }
  countBytes(state);
}

void applyMaskBench(benchmark::State &state) {
  std::vector<uint8_t> mask = packInput(Format::nvfp4(), false).mask;
  std::vector<float> out(rows * cols);
  for (auto _ : state) {
    applyMask(weights(), mask, out);
    benchmark::DoNotOptimize(out.data());
  }
  countBytes(state);
}

} // namespace

void sqbench::registerNumerics() {
  auto add = [](const std::string &name, auto body) {
    benchmark::RegisterBenchmark(name.c_str(), body);
  };
  std::vector<std::string> formats = {
      "int8.row",  "int4.g32",       "int4.g64.f16", "int8.tensor", "uint8.row",
      "uint4.row", "fp8.e4m3fn.row", "fp8.e5m2.row", "mx.e4m3fn",   "mx.e5m2",
      "mx.e2m3fn", "mx.e3m2fn",      "mx.e2m1fn",    "mx.int8",     "nvfp4",
      "hbfp7.g64", "hbfp5.g64",      "hbfp3.g64",    "nf4.g64"};
  for (const std::string &name : formats) {
    Format format = *parseFormat(name);
    add("numerics/encode/" + name,
        [format](benchmark::State &state) { encodeBench(state, format); });
  }
  for (const std::string &name : formats) {
    Format format = *parseFormat(name);
    add("numerics/decode/" + name,
        [format](benchmark::State &state) { decodeBench(state, format); });
  }
  for (const char *name :
       {"nm2:4", "nm1:4", "nm4:8", "nm3:5", "nm16:32", "nm32:64",
        "unstructured0.5.row", "unstructured0.9.tensor", "block16x4.0.5",
        "block1x4.0.5", "block4x1.0.5", "block64x64.0.5"}) {
    Pattern pattern = *parsePattern(name);
    add(std::string("numerics/mask/") + name,
        [pattern](benchmark::State &state) { maskBench(state, pattern); });
  }
  add("numerics/mask/apply", applyMaskBench);
  for (bool dense : {true, false})
    for (const char *name : {"int8.row", "int4.g32", "int3.row", "mx.e2m3fn"}) {
      Format format = *parseFormat(name);
      std::string suffix =
          std::to_string(format.bits) + "bit/" + (dense ? "dense" : "nm2:4");
      add("numerics/pack/" + suffix, [format, dense](benchmark::State &state) {
        packBench(state, format, dense);
      });
      add("numerics/unpack/" + suffix,
          [format, dense](benchmark::State &state) {
            unpackBench(state, format, dense);
          });
    }
}
