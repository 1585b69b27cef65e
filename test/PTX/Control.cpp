//===- Control.cpp - Branches, barriers and shuffles ----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Handlers.h"

namespace ptx {
namespace {

void branch(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) { warp.pc[lane] = i.operands[0].index; });
}

void leave(Warp &warp, const Instruction &) { warp.alive &= ~warp.active; }

void barrier(Warp &warp, const Instruction &i) {
  warp.expectWhole(i);
  if (i.operands.size() != 1 || i.operands[0].value != 0)
    throw Error("a barrier of some threads isn't known");
  warp.atBarrier = true;
}

/// Each lane gets the value of the one whose number differs in the given bits.
void shuffle(Warp &warp, const Instruction &i) {
  warp.expectWhole(i);
  if (warp.active != ~0u)
    throw Error("a warp without all of its lanes");
  if (i.operands[2].kind != Operand::Immediate || i.operands[3].value != 31 ||
      static_cast<uint32_t>(i.operands[4].value) != ~0u)
    throw Error("an exchange of some lanes isn't known");
  // All are read before the first is written.
  uint64_t values[kLanes];
  for (int lane = 0; lane < kLanes; ++lane)
    values[lane] = warp.get(i.operands[1], lane);
  for (int lane = 0; lane < kLanes; ++lane)
    warp.setBits(i.operands[0], lane, values[lane ^ i.operands[2].value]);
}

void nothing(Warp &, const Instruction &) {}

} // namespace

void decodeControl(Instruction &instruction) {
  const std::string &name = instruction.parts.front();
  if (name == "bra")
    instruction.run = branch;
  else if (name == "ret" || name == "exit")
    instruction.run = leave;
  else if (name == "bar" && hasPart(instruction, "sync"))
    instruction.run = barrier;
  else if (name == "shfl" && hasPart(instruction, "bfly") &&
           hasPart(instruction, "b32") && instruction.operands.size() == 5)
    instruction.run = shuffle, instruction.gathers = true;
  else if (name == "membar" || name == "fence")
    instruction.run = nothing;
}

void decode(Instruction &instruction) {
  for (auto *family : {decodeControl, decodeArithmetic, decodeConversion,
                       decodeMemory, decodeMatrix}) {
    family(instruction);
    if (instruction.run)
      return;
  }
  throw Error("'" + instruction.opcode + "' isn't known", instruction.line);
}

} // namespace ptx
