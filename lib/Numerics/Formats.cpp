//===- Formats.cpp - Format descriptions, names and checks ----------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ElementTraits.h"

#include <charconv>
#include <string_view>

namespace mlir::sq::numerics {

Format Format::integer(unsigned bits, GroupScope scope, int64_t groupSize,
                       ScaleType scaleType) {
  return {Family::Int, Element::Int, bits,     /*symmetric=*/true,
          scope,       groupSize,    scaleType};
}

Format Format::asymmetric(unsigned bits, GroupScope scope) {
  return {Family::Int, Element::Int,  bits, /*symmetric=*/false, scope,
          0,           ScaleType::F32};
}

Format Format::fp8(Element element, GroupScope scope) {
  return {Family::Fp8, element, 8, true, scope, 0, ScaleType::F32};
}

Format Format::mx(Element element) {
  return {Family::Mx,        element, elementBits(element, 8), true,
          GroupScope::Group, 32,      ScaleType::E8M0};
}

Format Format::nvfp4() {
  return {Family::NvFp4,    Element::E2M1FN, 4, true, GroupScope::Group, 16,
          ScaleType::E4M3FN};
}

Format Format::hbfp(unsigned mantissaBits, int64_t groupSize) {
  return {Family::Hbfp,      Element::Int, mantissaBits + 1, true,
          GroupScope::Group, groupSize,    ScaleType::E8M0};
}

Format Format::nf4(GroupScope scope, int64_t groupSize, ScaleType scaleType) {
  return {Family::Nf4, Element::NF4, 4, true, scope, groupSize, scaleType};
}

Format Format::half(Element element) {
  return {Family::Half,  element, 16, true, GroupScope::Tensor, 0,
          ScaleType::F32};
}

std::optional<int> Format::integerFactor() const {
  switch (element) {
  case Element::Int:
    return family == Family::Mx ? 64 : 1;
  case Element::E2M1FN:
    return 2;
  case Element::E2M3FN:
    return 8;
  case Element::E4M3FN:
  case Element::E5M2:
  case Element::E3M2FN:
  case Element::NF4:
  case Element::F16:
  case Element::BF16:
    return std::nullopt;
  }
  return std::nullopt;
}

double Format::maxElement() const {
  if (element != Element::Int)
    return maxFinite(element);
  if (!symmetric)
    return (1 << bits) - 1;
  double maxCode = (1 << (bits - 1)) - 1;
  return family == Family::Mx ? maxCode / 64 : maxCode;
}

int64_t Format::numGroups(int64_t extent) const {
  if (scope != GroupScope::Group)
    return 1;
  return (extent + groupSize - 1) / groupSize;
}

int64_t Format::effectiveGroup(int64_t extent) const {
  return scope == GroupScope::Group ? groupSize : extent;
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

static constexpr std::pair<Element, std::string_view> elementNames[] = {
    {Element::E4M3FN, "e4m3fn"}, {Element::E5M2, "e5m2"},
    {Element::E2M3FN, "e2m3fn"}, {Element::E3M2FN, "e3m2fn"},
    {Element::E2M1FN, "e2m1fn"}, {Element::Int, "int8"},
    {Element::NF4, "nf4"},       {Element::F16, "f16"},
    {Element::BF16, "bf16"},
};

static std::string scopeName(const Format &format) {
  switch (format.scope) {
  case GroupScope::Tensor:
    return ".tensor";
  case GroupScope::Row:
    return ".row";
  case GroupScope::Group:
    return ".g" + std::to_string(format.groupSize);
  }
  return "";
}

static std::string scaleName(const Format &format) {
  return format.scaleType == ScaleType::F16 ? ".f16" : "";
}

static std::string elementName(Element element) {
  for (auto [candidate, name] : elementNames)
    if (candidate == element)
      return std::string(name);
  return "";
}

std::string Format::str() const {
  switch (family) {
  case Family::Int:
    return (symmetric ? "int" : "uint") + std::to_string(bits) +
           scopeName(*this) + scaleName(*this);
  case Family::Fp8:
    return "fp8." + elementName(element) + scopeName(*this);
  case Family::Mx:
    return "mx." + elementName(element);
  case Family::NvFp4:
    return "nvfp4";
  case Family::Hbfp:
    return "hbfp" + std::to_string(bits - 1) + scopeName(*this);
  case Family::Nf4:
    return "nf4" + scopeName(*this) + scaleName(*this);
  case Family::Half:
    return elementName(element);
  }
  return "";
}

/// Takes `prefix` off the front of `text`; false when it isn't there.
static bool consume(std::string_view &text, std::string_view prefix) {
  if (!text.starts_with(prefix))
    return false;
  text.remove_prefix(prefix.size());
  return true;
}

template <typename T>
static bool consumeNumber(std::string_view &text, T &value) {
  auto [end, status] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc())
    return false;
  text.remove_prefix(end - text.data());
  return true;
}

static bool consumeScope(std::string_view &text, Format &format) {
  if (consume(text, ".tensor"))
    format.scope = GroupScope::Tensor;
  else if (consume(text, ".row"))
    format.scope = GroupScope::Row;
  else if (consume(text, ".g") && consumeNumber(text, format.groupSize))
    format.scope = GroupScope::Group;
  else
    return false;
  return true;
}

/// f16 where the text says so, otherwise f32.
static void consumeScaleType(std::string_view &text, Format &format) {
  if (consume(text, ".f16"))
    format.scaleType = ScaleType::F16;
}

static bool consumeElement(std::string_view &text, Element &element) {
  for (auto [candidate, name] : elementNames) {
    if (!consume(text, name))
      continue;
    element = candidate;
    return true;
  }
  return false;
}

std::optional<Format> parseFormat(const std::string &name) {
  std::string_view text = name;
  Format format;
  if (text == "nvfp4")
    return Format::nvfp4();
  if (consume(text, "mx.")) {
    if (!consumeElement(text, format.element))
      return std::nullopt;
    format = Format::mx(format.element);
  } else if (consume(text, "fp8.")) {
    format.family = Family::Fp8;
    if (!consumeElement(text, format.element) || !consumeScope(text, format))
      return std::nullopt;
  } else if (consume(text, "hbfp")) {
    format.family = Family::Hbfp;
    format.scaleType = ScaleType::E8M0;
    if (!consumeNumber(text, format.bits) || !consumeScope(text, format))
      return std::nullopt;
    ++format.bits;
  } else if (consume(text, "nf4")) {
    format = Format::nf4();
    format.groupSize = 0;
    if (!consumeScope(text, format))
      return std::nullopt;
    consumeScaleType(text, format);
  } else {
    format.symmetric = !consume(text, "u");
    if (!consume(text, "int") || !consumeNumber(text, format.bits) ||
        !consumeScope(text, format))
      return std::nullopt;
    consumeScaleType(text, format);
  }
  if (!text.empty() || format.verify())
    return std::nullopt;
  return format;
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

static Error verifyFamily(const Format &f) {
  bool grouped = f.scope == GroupScope::Group;
  switch (f.family) {
  case Family::Int:
    if (f.element != Element::Int)
      return "expected an integer element";
    if (f.scaleType != ScaleType::F32 && f.scaleType != ScaleType::F16)
      return "expected an f32 or f16 scale for an integer format";
    if (!f.symmetric && (grouped || f.scaleType != ScaleType::F32))
      return "expected an asymmetric format to have an f32 scale per tensor or "
             "row";
    return std::nullopt;
  case Family::Fp8:
    if (f.element != Element::E4M3FN && f.element != Element::E5M2)
      return "expected element e4m3fn or e5m2 for fp8";
    if (f.scaleType != ScaleType::F32 || grouped)
      return "expected fp8 to have an f32 scale per tensor or row";
    return std::nullopt;
  case Family::Mx:
    if (f.scaleType != ScaleType::E8M0 || !grouped || f.groupSize != 32)
      return "expected mx to have an e8m0 scale per 32 elements";
    if (f.element == Element::NF4)
      return "expected an element of OCP MX for mx";
    if (f.element == Element::Int && f.bits != 8)
      return "expected 8 bits for mx.int8, got " + std::to_string(f.bits);
    return std::nullopt;
  case Family::NvFp4:
    if (f.element != Element::E2M1FN)
      return "expected element e2m1fn for nvfp4";
    if (f.scaleType != ScaleType::E4M3FN || !grouped || f.groupSize != 16)
      return "expected nvfp4 to have an e4m3fn scale per 16 elements";
    return std::nullopt;
  case Family::Hbfp:
    if (f.element != Element::Int)
      return "expected an integer element for hbfp";
    if (f.scaleType != ScaleType::E8M0 || !grouped)
      return "expected hbfp to have an e8m0 scale per group";
    // With one bit, each pass would halve the largest value again.
    if (f.bits < 3)
      return "expected hbfp to have 2 to 7 magnitude bits, got " +
             std::to_string(f.bits - 1);
    return std::nullopt;
  case Family::Nf4:
    if (f.element != Element::NF4)
      return "expected element nf4 for nf4";
    if (f.scaleType != ScaleType::F32 && f.scaleType != ScaleType::F16)
      return "expected an f32 or f16 scale for nf4";
    return std::nullopt;
  case Family::Half:
    if (f.element != Element::F16 && f.element != Element::BF16)
      return "expected element f16 or bf16 for a float of 16 bits";
    return std::nullopt;
  }
  return "unknown family";
}

Error Format::verify() const {
  if (isHalf() ? bits != 16 : bits < 2 || bits > 8)
    return std::string("expected ") + (isHalf() ? "16" : "2 to 8") +
           " bits, got " + std::to_string(bits);
  if (element != Element::Int && bits != elementBits(element, bits))
    return "expected " + std::to_string(elementBits(element, bits)) +
           " bits for " + elementName(element) + ", got " +
           std::to_string(bits);
  if (!symmetric && family != Family::Int)
    return "expected only integer formats to be asymmetric";
  if (scope == GroupScope::Group && groupSize < 1)
    return "expected a positive group size, got " + std::to_string(groupSize);
  if (scope != GroupScope::Group && groupSize != 0)
    return "expected group size 0 when the scope is not a group, got " +
           std::to_string(groupSize);
  return verifyFamily(*this);
}

} // namespace mlir::sq::numerics
