//===- Matrix.cpp - ldmatrix, mma, mma.sp ---------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Fragments are the PTX ISA's ("Matrix fragments for mma.m16n8k16 with floating
// point type", "... m16n8k32", "Matrix fragments for sparse mma.m16n8k32 with
// .f16 and .bf16 types" and "... m16n8k64 with .u8/.s8 integer type", whose
// figures show the metadata), element by element as it lists them. Products are
// exact, and so are the sums of one instruction; what is added to the
// accumulator is rounded once. Hardware may keep fewer bits.
//
//===----------------------------------------------------------------------===//
#include "Floats.h"
#include "Handlers.h"

namespace ptx {
namespace {

//===----------------------------------------------------------------------===//
// Fragments
//===----------------------------------------------------------------------===//

struct Place {
  int row, column;
};

/// Element i of A, 16 rows, of which `bits` are an element's.
Place placeInA(int bits, int lane, int i) {
  int groupID = lane >> 2, threadInGroup = lane % 4;
  if (bits == 16)
    return {(i < 2 || (i >= 4 && i < 6)) ? groupID : groupID + 8,
            threadInGroup * 2 + (i & 1) + (i >= 4 ? 8 : 0)};
  return {(i < 4 || (i >= 8 && i < 12)) ? groupID : groupID + 8,
          threadInGroup * 4 + (i & 3) + (i >= 8 ? 16 : 0)};
}

/// Element i of B: its row is along K.
Place placeInB(int bits, int lane, int i) {
  int groupID = lane >> 2, threadInGroup = lane % 4;
  if (bits == 16)
    return {threadInGroup * 2 + (i & 1) + i / 2 * 8, groupID};
  return {threadInGroup * 4 + (i & 3) + i / 4 * 16, groupID};
}

/// Accumulator i.
Place placeInC(int lane, int i) {
  return {(lane >> 2) + (i < 2 ? 0 : 8), lane % 4 * 2 + (i & 1)};
}

/// Positions of the two kept elements of columns `column` to `column` + 3.
uint32_t findPositions(const std::array<uint32_t, kLanes> &metadata, int bits,
                       int selector, int row, int column) {
  int quad = row % 8 * 4;
  bool upper = row >= 8;
  if (bits == 16)
    return metadata[quad + 2 * selector + column / 16] >>
               ((upper ? 16 : 0) + column % 16) &
           15;
  return metadata[quad + (upper ? 1 : 0) + (column >= 32 ? 2 : 0)] >>
             (column % 32) &
         15;
}

double decodeElement(const std::string &type, uint32_t bits) {
  if (type == "s8")
    return static_cast<int8_t>(bits);
  if (type == "u8")
    return static_cast<uint8_t>(bits);
  if (type == "f16")
    return fromF16(bits);
  if (type == "bf16")
    return fromBF16(bits);
  if (type == "e4m3")
    return fromE4M3(bits);
  if (type == "e5m2")
    return fromE5M2(bits);
  throw Error("elements of type '" + type + "' aren't known");
}

//===----------------------------------------------------------------------===//
// mma
//===----------------------------------------------------------------------===//

/// The operands of one instruction, gathered from the lanes.
struct Product {
  double a[16][64] = {}, b[64][8] = {};
};

void gather(Warp &warp, const Operand &operand, int bits,
            const std::string &type, auto visit) {
  int perRegister = 32 / bits;
  for (int lane = 0; lane < kLanes; ++lane)
    for (int i = 0; i < perRegister * int(operand.elements.size()); ++i) {
      auto word = warp.get<uint32_t>(operand.elements[i / perRegister], lane);
      uint32_t element =
          word >> (i % perRegister * bits) & (bits == 16 ? 0xFFFF : 0xFF);
      visit(lane, i, decodeElement(type, element));
    }
}

void gatherSparse(Warp &warp, const Instruction &i, int bits,
                  const std::string &type, Product &product) {
  std::array<uint32_t, kLanes> metadata;
  for (int lane = 0; lane < kLanes; ++lane)
    metadata[lane] = warp.get<uint32_t>(i.operands[4], lane);
  int selector = static_cast<int>(i.operands[5].value);
  if (selector < 0 || selector > (bits == 16 ? 1 : 0))
    throw Error("no such sparsity selector");
  gather(warp, i.operands[1], bits, type, [&](int lane, int e, double value) {
    Place place = placeInA(bits, lane, e);
    int group = place.column / 2 * 4;
    uint32_t positions =
        findPositions(metadata, bits, selector, place.row, group);
    uint32_t low = positions & 3, high = positions >> 2;
    if (low >= high)
      throw Error("metadata isn't in ascending order");
    product.a[place.row][group + (place.column % 2 ? high : low)] = value;
  });
}

void multiply(Warp &warp, const Instruction &i) {
  warp.expectWhole(i);
  if (warp.active != ~0u)
    throw Error("a warp without all of its lanes");
  bool sparse = i.parts[1] == "sp::ordered_metadata";
  // "... row.col.D.A.B.C"
  size_t count = i.parts.size();
  const std::string &result = i.parts[count - 4], &typeA = i.parts[count - 3],
                    &typeB = i.parts[count - 2];
  int bits = i.bits, depth = i.width;
  Product product;
  if (sparse)
    gatherSparse(warp, i, bits, typeA, product);
  else
    gather(warp, i.operands[1], bits, typeA,
           [&](int lane, int e, double value) {
             Place place = placeInA(bits, lane, e);
             product.a[place.row][place.column] = value;
           });
  gather(warp, i.operands[2], bits, typeB, [&](int lane, int e, double value) {
    Place place = placeInB(bits, lane, e);
    product.b[place.row][place.column] = value;
  });
  for (int lane = 0; lane < kLanes; ++lane)
    for (int c = 0; c < 4; ++c) {
      Place place = placeInC(lane, c);
      double sum = 0;
      for (int k = 0; k < depth; ++k)
        if (product.a[place.row][k] != 0)
          sum += product.a[place.row][k] * product.b[k][place.column];
      const Operand &acc = i.operands[3].elements[c];
      const Operand &to = i.operands[0].elements[c];
      if (result == "s32")
        warp.set(to, lane,
                 static_cast<int32_t>(
                     warp.get<uint32_t>(acc, lane) +
                     static_cast<uint32_t>(static_cast<int64_t>(sum))));
      else
        warp.set(to, lane,
                 static_cast<float>(warp.get<float>(acc, lane) + sum));
    }
}

void decodeMultiply(Instruction &instruction) {
  size_t count = instruction.parts.size();
  if (count < 8 || !hasPart(instruction, "row") || !hasPart(instruction, "col"))
    return;
  bool sparse = instruction.parts[1] == "sp::ordered_metadata";
  if (!sparse && instruction.parts[1] != "sync")
    return;
  const std::string &type = instruction.parts[count - 3],
                    &result = instruction.parts[count - 4];
  if (result != "f32" && result != "s32")
    return;
  instruction.bits = type == "f16" || type == "bf16" ? 16 : 8;
  instruction.width = (sparse ? 64 : 32) * 8 / instruction.bits;
  std::string shape = "m16n8k" + std::to_string(instruction.width);
  size_t registers = sparse ? 4 : 2;
  if (!hasPart(instruction, shape.c_str()) ||
      instruction.operands.size() != (sparse ? 6u : 4u) ||
      instruction.operands[1].elements.size() != 4 ||
      instruction.operands[2].elements.size() != registers)
    return;
  instruction.run = multiply;
}

//===----------------------------------------------------------------------===//
// ldmatrix
//===----------------------------------------------------------------------===//

/// Four 8 x 8 matrices of 16 bits; lanes 8m to 8m + 7 give the addresses of the
/// rows of matrix m, and lane l gets two elements of row l / 4 of each.
void loadMatrices(Warp &warp, const Instruction &i) {
  warp.expectWhole(i);
  if (warp.active != ~0u)
    throw Error("a warp without all of its lanes");
  const std::vector<Operand> &to = i.operands[0].elements;
  // All addresses are read before the first register is written.
  uint32_t words[4][kLanes];
  for (size_t m = 0; m < to.size(); ++m)
    for (int row = 0; row < 8; ++row) {
      uint8_t bytes[16];
      warp.block.shared.read(
          static_cast<int64_t>(warp.addressOf(i.operands[1], int(8 * m) + row)),
          16, warp.index, bytes);
      std::memcpy(&words[m][row * 4], bytes, 16);
    }
  for (size_t m = 0; m < to.size(); ++m)
    for (int lane = 0; lane < kLanes; ++lane)
      warp.set(to[m], lane, words[m][lane]);
}

} // namespace

void decodeMatrix(Instruction &instruction) {
  const std::string &name = instruction.parts.front();
  if (name == "mma")
    decodeMultiply(instruction);
  else if (name == "ldmatrix" && hasPart(instruction, "m8n8") &&
           hasPart(instruction, "x4") && hasPart(instruction, "b16") &&
           !hasPart(instruction, "trans"))
    instruction.run = loadMatrices;
}

} // namespace ptx
