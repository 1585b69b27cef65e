//===- Patterns.cpp - Pattern descriptions, names and checks --------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Numerics/Pattern.h"

#include <charconv>
#include <cmath>
#include <string_view>

namespace mlir::sq::numerics {

Pattern Pattern::nm(int64_t n, int64_t m) {
  Pattern pattern;
  pattern.kind = PatternKind::NM;
  pattern.n = n;
  pattern.m = m;
  return pattern;
}

Pattern Pattern::unstructured(double sparsity, SparsityScope scope) {
  Pattern pattern;
  pattern.kind = PatternKind::Unstructured;
  pattern.sparsity = sparsity;
  pattern.scope = scope;
  return pattern;
}

Pattern Pattern::block(int64_t rows, int64_t cols, double sparsity) {
  Pattern pattern;
  pattern.kind = PatternKind::Block;
  pattern.sparsity = sparsity;
  pattern.blockRows = rows;
  pattern.blockCols = cols;
  return pattern;
}

int64_t Pattern::numDropped(int64_t count) const {
  // The slack lets 0.29 of 100 be 29, though the nearest double is below 0.29.
  auto dropped = static_cast<int64_t>(
      std::floor(sparsity * static_cast<double>(count) + 1e-6));
  return dropped < count ? dropped : count;
}

double Pattern::density() const {
  if (kind == PatternKind::NM)
    return static_cast<double>(n) / static_cast<double>(m);
  return 1.0 - sparsity;
}

bool Pattern::preservesGroupMax() const { return kind != PatternKind::Block; }

bool Pattern::preservesGroupMax(const Format &format) const {
  if (kind != PatternKind::NM || format.scope != GroupScope::Group)
    return preservesGroupMax();
  return format.groupSize % m == 0 || m % format.groupSize == 0;
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

/// The shortest decimal that reads back as `value`.
static std::string shortest(double value) {
  char buffer[32];
  auto [end, status] = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return std::string(buffer, end);
}

std::string Pattern::str() const {
  switch (kind) {
  case PatternKind::NM:
    return "nm" + std::to_string(n) + ":" + std::to_string(m);
  case PatternKind::Unstructured:
    return "unstructured" + shortest(sparsity) +
           (scope == SparsityScope::Row ? ".row" : ".tensor");
  case PatternKind::Block:
    return "block" + std::to_string(blockRows) + "x" +
           std::to_string(blockCols) + "." + shortest(sparsity);
  }
  return "";
}

/// Whether all of `text` is one number, which goes to `value`.
template <typename T>
static bool readAll(std::string_view text, T &value) {
  auto [end, status] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  return status == std::errc() && end == text.data() + text.size();
}

/// Reads "<rows><separator><cols>".
static bool readPair(std::string_view text, char separator, int64_t &first,
                     int64_t &second) {
  size_t at = text.find(separator);
  return at != std::string_view::npos && readAll(text.substr(0, at), first) &&
         readAll(text.substr(at + 1), second);
}

static bool parse(std::string_view text, Pattern &pattern) {
  if (text.starts_with("nm")) {
    pattern.kind = PatternKind::NM;
    return readPair(text.substr(2), ':', pattern.n, pattern.m);
  }
  if (text.starts_with("unstructured")) {
    pattern.kind = PatternKind::Unstructured;
    text.remove_prefix(12);
    if (text.ends_with(".tensor"))
      pattern.scope = SparsityScope::Tensor;
    else if (!text.ends_with(".row"))
      return false;
    return readAll(text.substr(0, text.rfind('.')), pattern.sparsity);
  }
  if (text.starts_with("block")) {
    pattern.kind = PatternKind::Block;
    text.remove_prefix(5);
    size_t dot = text.find('.');
    return dot != std::string_view::npos &&
           readPair(text.substr(0, dot), 'x', pattern.blockRows,
                    pattern.blockCols) &&
           readAll(text.substr(dot + 1), pattern.sparsity);
  }
  return false;
}

std::optional<Pattern> parsePattern(const std::string &text) {
  Pattern pattern;
  if (!parse(text, pattern) || pattern.verify())
    return std::nullopt;
  return pattern;
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

Error Pattern::verify() const {
  if (kind == PatternKind::NM) {
    if (n < 1 || n > m || m > 64)
      return "expected 1 <= n <= m <= 64, got " + std::to_string(n) + ":" +
             std::to_string(m);
    return std::nullopt;
  }
  if (!(sparsity >= 0.0 && sparsity <= 1.0))
    return "expected a sparsity in [0, 1], got " + shortest(sparsity);
  if (kind == PatternKind::Block && (blockRows < 1 || blockCols < 1))
    return "expected positive block extents, got " + std::to_string(blockRows) +
           "x" + std::to_string(blockCols);
  return std::nullopt;
}

} // namespace mlir::sq::numerics
