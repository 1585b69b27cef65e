//===- Machine.cpp - What a GPU is to a kernel ----------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Machine.h"

#include <deque>

namespace ptx {

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

bool GlobalMemory::contains(uint64_t address, uint64_t size) {
  if (address >= start && address + size <= end)
    return true;
  auto next = allocations.upper_bound(address);
  if (next == allocations.begin())
    return false;
  auto found = std::prev(next);
  start = found->first;
  end = start + found->second;
  return address + size <= end;
}

void SharedMemory::check(int64_t address, int64_t size) const {
  if (address < 0 || address + size > static_cast<int64_t>(bytes.size()))
    throw Error("access to byte " + std::to_string(address) + " of " +
                std::to_string(bytes.size()) + " bytes of shared memory");
  if (address % size)
    throw Error("access of " + std::to_string(size) + " bytes at " +
                std::to_string(address) + " isn't aligned");
}

void SharedMemory::checkRace(int64_t address, const Shadow &byte, int warp,
                             bool write) const {
  bool afterWrite = byte.writePhase == phase && byte.writer != warp;
  bool afterRead = write && byte.readPhase == phase && byte.reader != warp;
  if (afterWrite || afterRead)
    throw Error("race: warp " + std::to_string(warp) +
                (write ? " writes" : " reads") + " byte " +
                std::to_string(address) + " of shared memory that " +
                (afterWrite ? "warp " + std::to_string(byte.writer) + " wrote"
                            : std::string("another warp read")) +
                " since the last barrier");
}

void SharedMemory::read(int64_t address, int64_t size, int warp, void *to) {
  check(address, size);
  for (int64_t i = address; i < address + size; ++i) {
    Shadow &byte = shadow[i];
    if (byte.reserved)
      throw Error("byte " + std::to_string(i) +
                  " of shared memory is read before a wait for the cp.async "
                  "that writes it");
    if (!byte.written)
      throw Error("byte " + std::to_string(i) +
                  " of shared memory is read and was never written");
    checkRace(i, byte, warp, /*write=*/false);
    byte.reader = byte.readPhase == phase && byte.reader != warp ? -2 : warp;
    byte.readPhase = phase;
  }
  std::memcpy(to, bytes.data() + address, size);
}

void SharedMemory::claim(int64_t address, int64_t size, int warp,
                         bool reserved) {
  check(address, size);
  for (int64_t i = address; i < address + size; ++i) {
    Shadow &byte = shadow[i];
    checkRace(i, byte, warp, /*write=*/true);
    byte.writePhase = phase;
    byte.writer = warp;
    byte.reserved = reserved;
    byte.written |= !reserved;
  }
}

void SharedMemory::write(int64_t address, int64_t size, int warp,
                         const void *from) {
  claim(address, size, warp, /*reserved=*/false);
  std::memcpy(bytes.data() + address, from, size);
}

void SharedMemory::reserve(int64_t address, int64_t size, int warp) {
  claim(address, size, warp, /*reserved=*/true);
}

//===----------------------------------------------------------------------===//
// Warps
//===----------------------------------------------------------------------===//

Warp::Warp(Block &block, int index)
    : block(block), index(index), registers(block.launch.kernel->numRegisters) {
  int threads = static_cast<int>(block.launch.block.x * block.launch.block.y *
                                 block.launch.block.z);
  int lanes = std::min(kLanes, threads - index * kLanes);
  alive = lanes == kLanes ? ~0u : (1u << lanes) - 1;
}

static uint64_t getSpecial(const Warp &warp, int64_t which, int lane) {
  const Launch &launch = warp.block.launch;
  unsigned thread = static_cast<unsigned>(warp.index * kLanes + lane);
  const Dim3 &size = launch.block;
  switch (which) {
  case TidX:
    return thread % size.x;
  case TidY:
    return thread / size.x % size.y;
  case TidZ:
    return thread / size.x / size.y;
  case CtaidX:
    return warp.block.index.x;
  case CtaidY:
    return warp.block.index.y;
  case CtaidZ:
    return warp.block.index.z;
  case NtidX:
    return size.x;
  case NtidY:
    return size.y;
  case NtidZ:
    return size.z;
  case NctaidX:
    return launch.grid.x;
  case NctaidY:
    return launch.grid.y;
  case NctaidZ:
    return launch.grid.z;
  default:
    return static_cast<uint64_t>(lane);
  }
}

uint64_t Warp::get(const Operand &operand, int lane) const {
  switch (operand.kind) {
  case Operand::Register:
    return registers[operand.index][lane];
  case Operand::Immediate:
    return static_cast<uint64_t>(operand.value);
  case Operand::Special:
    return getSpecial(*this, operand.value, lane);
  case Operand::Symbol:
    return addressOf(operand, lane);
  default:
    throw Error("an operand that has no value");
  }
}

void Warp::setBits(const Operand &operand, int lane, uint64_t bits) {
  if (operand.kind != Operand::Register)
    throw Error("a result that is no register");
  registers[operand.index][lane] = bits;
}

uint64_t Warp::addressOf(const Operand &operand, int lane) const {
  if (operand.index >= 0)
    return registers[operand.index][lane] + operand.value;
  const Module &module = *block.launch.module;
  auto shared = module.shared.find(operand.text);
  if (shared != module.shared.end()) {
    // Dynamic memory is behind what kernels always have.
    int64_t offset = shared->second.size ? shared->second.offset
                                         : (module.staticShared + 15) / 16 * 16;
    return static_cast<uint64_t>(offset + operand.value);
  }
  auto global = block.launch.symbols->find(operand.text);
  if (global == block.launch.symbols->end())
    throw Error("no variable '" + operand.text + "'");
  return global->second + operand.value;
}

static void checkGlobal(const Warp &warp, uint64_t address, int64_t size) {
  if (!warp.block.launch.memory->contains(address, size))
    throw Error("access of " + std::to_string(size) +
                " bytes outside of the device's allocations");
  if (address % size)
    throw Error("access of " + std::to_string(size) +
                " bytes in global memory isn't aligned");
}

/// Another block's writes are nobody's business: kernels don't wait for them.
static void checkGlobalRace(const Warp &warp, uint64_t address, int64_t size,
                            const char *what) {
  const auto &writers = warp.block.globalWriters;
  if (writers.empty())
    return;
  for (uint64_t byte = address; byte < address + size; ++byte) {
    auto found = writers.find(byte);
    if (found != writers.end() && found->second != warp.index)
      throw Error("race: warp " + std::to_string(warp.index) + " " + what +
                  " global memory that warp " + std::to_string(found->second) +
                  " wrote since the last barrier");
  }
}

void Warp::readGlobal(uint64_t address, int64_t size, void *to) const {
  checkGlobal(*this, address, size);
  checkGlobalRace(*this, address, size, "reads");
  std::memcpy(to, reinterpret_cast<const void *>(address), size);
}

void Warp::writeGlobal(uint64_t address, int64_t size, const void *from) const {
  checkGlobal(*this, address, size);
  checkGlobalRace(*this, address, size, "writes");
  for (uint64_t byte = address; byte < address + size; ++byte)
    block.globalWriters[byte] = index;
  std::memcpy(reinterpret_cast<void *>(address), from, size);
}

void Warp::expectWhole(const Instruction &instruction) const {
  if (active != alive)
    throw Error("only some lanes of a warp reach " + instruction.opcode);
}

void Warp::run() {
  const std::vector<Instruction> &code = block.launch.kernel->code;
  atBarrier = false;
  uint32_t waiting = 0;
  while (alive && !atBarrier) {
    // Where all wait for others, the handler says so.
    uint32_t ready = alive & ~waiting ? alive & ~waiting : alive;
    int first = static_cast<int>(code.size());
    for (int lane = 0; lane < kLanes; ++lane)
      if (ready >> lane & 1)
        first = std::min(first, pc[lane]);
    if (first >= static_cast<int>(code.size()))
      throw Error("a kernel ends without ret");
    const Instruction &instruction = code[first];
    uint32_t here = 0;
    for (int lane = 0; lane < kLanes; ++lane)
      if (alive >> lane & 1 && pc[lane] == first)
        here |= 1u << lane;
    // The others are still on their way, or have left.
    if (instruction.gathers && alive & ~waiting & ~here) {
      waiting |= here;
      continue;
    }
    if (instruction.gathers)
      waiting = 0;
    for (int lane = 0; lane < kLanes; ++lane)
      pc[lane] += here >> lane & 1;
    active = here;
    if (instruction.predicate >= 0)
      for (int lane = 0; lane < kLanes; ++lane)
        if (here >> lane & 1 && (registers[instruction.predicate][lane] != 0) ==
                                    instruction.negated)
          active &= ~(1u << lane);
    try {
      if (active)
        instruction.run(*this, instruction);
    } catch (const Error &error) {
      throw Error(instruction.opcode + ": " + error.what(), instruction.line);
    }
  }
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

static void runBlock(const Launch &launch, Dim3 index) {
  int64_t shared = (launch.module->staticShared + 15) / 16 * 16;
  Block block{launch, index, SharedMemory(shared + launch.dynamicShared), {}};
  unsigned threads = launch.block.x * launch.block.y * launch.block.z;
  std::deque<Warp> warps;
  for (unsigned i = 0; i < (threads + kLanes - 1) / kLanes; ++i)
    warps.emplace_back(block, static_cast<int>(i));
  for (bool alive = true; alive;) {
    alive = false;
    bool waits = false, exits = false;
    for (Warp &warp : warps) {
      if (warp.hasExited())
        continue;
      warp.run();
      (warp.hasExited() ? exits : waits) = true;
      alive |= !warp.hasExited();
    }
    if (waits && exits)
      throw Error("some warps of a block leave while others are at a barrier");
    block.nextPhase();
  }
}

void run(const Launch &launch) {
  for (unsigned z = 0; z < launch.grid.z; ++z)
    for (unsigned y = 0; y < launch.grid.y; ++y)
      for (unsigned x = 0; x < launch.grid.x; ++x)
        runBlock(launch, {x, y, z});
}

} // namespace ptx
