//===- MemoryOps.cpp - Loads, stores, cp.async ----------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Handlers.h"

namespace ptx {
namespace {

/// A load's result fills the register: signed types extend.
uint64_t extend(const std::string &type, uint64_t bits) {
  int width = bitsOfType(type);
  if (type[0] == 's' && width < 64 && bits >> (width - 1) & 1)
    bits |= ~uint64_t(0) << width;
  return bits;
}

const std::vector<Operand> &elementsOf(const Operand &operand,
                                       std::vector<Operand> &one) {
  if (operand.kind == Operand::Vector)
    return operand.elements;
  one = {operand};
  return one;
}

template <typename Read>
void loadElements(Warp &warp, const Instruction &i, Read read) {
  std::vector<Operand> one;
  const std::vector<Operand> &to = elementsOf(i.operands[0], one);
  int size = i.bits / 8;
  warp.forEachLane([&](int lane) {
    uint8_t bytes[16];
    read(lane, size * int64_t(to.size()), bytes);
    for (size_t e = 0; e < to.size(); ++e) {
      uint64_t value = 0;
      std::memcpy(&value, bytes + e * size, size);
      warp.setBits(to[e], lane, extend(i.parts.back(), value));
    }
  });
}

void loadGlobal(Warp &warp, const Instruction &i) {
  loadElements(warp, i, [&](int lane, int64_t size, void *to) {
    warp.readGlobal(warp.addressOf(i.operands[1], lane), size, to);
  });
}

void loadShared(Warp &warp, const Instruction &i) {
  loadElements(warp, i, [&](int lane, int64_t size, void *to) {
    warp.block.shared.read(
        static_cast<int64_t>(warp.addressOf(i.operands[1], lane)), size,
        warp.index, to);
  });
}

void loadParameter(Warp &warp, const Instruction &i) {
  const Kernel &kernel = *warp.block.launch.kernel;
  const Operand &from = i.operands[1];
  for (size_t p = 0; p < kernel.parameters.size(); ++p) {
    const Parameter &parameter = kernel.parameters[p];
    if (parameter.name != from.text)
      continue;
    loadElements(warp, i, [&](int, int64_t size, void *to) {
      if (from.value < 0 || from.value + size > parameter.size)
        throw Error("access outside of the parameter '" + parameter.name + "'");
      std::memcpy(
          to, static_cast<const char *>(warp.block.launch.args[p]) + from.value,
          size);
    });
    return;
  }
  throw Error("no parameter '" + from.text + "'");
}

template <typename Write>
void storeElements(Warp &warp, const Instruction &i, Write write) {
  std::vector<Operand> one;
  const std::vector<Operand> &from = elementsOf(i.operands[1], one);
  int size = i.bits / 8;
  warp.forEachLane([&](int lane) {
    uint8_t bytes[16];
    for (size_t e = 0; e < from.size(); ++e) {
      uint64_t value = warp.get(from[e], lane);
      std::memcpy(bytes + e * size, &value, size);
    }
    write(lane, size * int64_t(from.size()), bytes);
  });
}

void storeGlobal(Warp &warp, const Instruction &i) {
  storeElements(warp, i, [&](int lane, int64_t size, const void *from) {
    warp.writeGlobal(warp.addressOf(i.operands[0], lane), size, from);
  });
}

void storeShared(Warp &warp, const Instruction &i) {
  storeElements(warp, i, [&](int lane, int64_t size, const void *from) {
    warp.block.shared.write(
        static_cast<int64_t>(warp.addressOf(i.operands[0], lane)), size,
        warp.index, from);
  });
}

//===----------------------------------------------------------------------===//
// cp.async
//===----------------------------------------------------------------------===//

void copyAsync(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    AsyncCopy copy;
    copy.to = static_cast<int64_t>(warp.addressOf(i.operands[0], lane));
    copy.from = warp.addressOf(i.operands[1], lane);
    copy.size = i.operands[2].value;
    copy.copied = i.operands.size() > 3
                      ? warp.get<uint32_t>(i.operands[3], lane)
                      : copy.size;
    if (copy.copied > copy.size)
      throw Error("more bytes than the copy has");
    if (copy.from % copy.size)
      throw Error("the source isn't aligned");
    warp.block.shared.reserve(copy.to, copy.size, warp.index);
    warp.open[lane].push_back(copy);
  });
}

void commitGroup(Warp &warp, const Instruction &) {
  warp.forEachLane([&](int lane) {
    warp.groups[lane].push_back(std::move(warp.open[lane]));
    warp.open[lane].clear();
  });
}

void waitGroup(Warp &warp, const Instruction &i) {
  warp.forEachLane([&](int lane) {
    auto &groups = warp.groups[lane];
    auto pending = static_cast<size_t>(i.operands[0].value);
    while (groups.size() > pending) {
      for (const AsyncCopy &copy : groups.front()) {
        uint8_t bytes[16] = {};
        if (copy.copied)
          warp.readGlobal(copy.from, copy.copied, bytes);
        warp.block.shared.write(copy.to, copy.size, warp.index, bytes);
      }
      groups.erase(groups.begin());
    }
  });
}

} // namespace

void decodeMemory(Instruction &instruction) {
  const std::string &name = instruction.parts.front();
  if (name == "cp" && hasPart(instruction, "async")) {
    if (hasPart(instruction, "commit_group"))
      instruction.run = commitGroup;
    else if (hasPart(instruction, "wait_group"))
      instruction.run = waitGroup;
    else if (hasPart(instruction, "global"))
      instruction.run = copyAsync;
    return;
  }
  if (name != "ld" && name != "st")
    return;
  instruction.bits = bitsOfType(instruction.parts.back());
  if (instruction.bits < 8)
    return;
  bool isLoad = name == "ld";
  if (hasPart(instruction, "shared"))
    instruction.run = isLoad ? loadShared : storeShared;
  else if (hasPart(instruction, "param"))
    instruction.run = isLoad ? loadParameter : nullptr;
  else if (hasPart(instruction, "global"))
    instruction.run = isLoad ? loadGlobal : storeGlobal;
}

} // namespace ptx
