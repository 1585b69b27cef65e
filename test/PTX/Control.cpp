//===- Control.cpp - Branches and barriers --------------------------------===//
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
