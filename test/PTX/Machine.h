//===- Machine.h - What a GPU is to a kernel --------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Blocks of threads run one after the other, the warps of a block in turns:
// each as far as the next barrier. The lanes of a warp have a program counter
// each; those with the lowest run, which brings them together again behind
// branches; at an exchange they wait for the others. What would be undefined is
// an error:
//
//   - accesses outside of an allocation, of shared memory or of parameters,
//     and ones that aren't aligned;
//   - shared memory that is read before it is written, or while cp.async is
//     still writing it;
//   - races: two warps touch a byte of shared memory, one of them writing, with
//     no barrier in between, or a byte of global memory that one of them has
//     written;
//   - barriers and instructions of whole warps that only some lanes reach.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TEST_PTX_MACHINE_H
#define SPARSE_QUANT_TEST_PTX_MACHINE_H

#include "Program.h"

#include <array>
#include <cstring>
#include <map>
#include <unordered_map>

namespace ptx {

inline constexpr int kLanes = 32;

/// The device's memory: addresses are the process's.
class GlobalMemory {
public:
  void add(uint64_t address, uint64_t size) { allocations[address] = size; }
  void remove(uint64_t address) {
    allocations.erase(address);
    start = end = 0;
  }
  bool contains(uint64_t address, uint64_t size);

private:
  std::map<uint64_t, uint64_t> allocations;
  /// The last that was found.
  uint64_t start = 0, end = 0;
};

/// Shared memory of a block, and who touched which byte since the last barrier.
class SharedMemory {
public:
  explicit SharedMemory(int64_t size) : bytes(size), shadow(size) {}

  void read(int64_t address, int64_t size, int warp, void *to);
  void write(int64_t address, int64_t size, int warp, const void *from);
  /// cp.async: from now on nobody may read; the write is at the wait.
  void reserve(int64_t address, int64_t size, int warp);
  void nextPhase() { ++phase; }

private:
  struct Shadow {
    int writePhase = -1, writer = -1, readPhase = -1;
    /// A warp; -2 if there were several.
    int reader = -1;
    bool written = false, reserved = false;
  };
  void check(int64_t address, int64_t size) const;
  /// For a write now, or at the wait.
  void claim(int64_t address, int64_t size, int warp, bool reserved);
  void checkRace(int64_t address, const Shadow &byte, int warp,
                 bool write) const;

  std::vector<uint8_t> bytes;
  std::vector<Shadow> shadow;
  int phase = 0;
};

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;
};

struct Launch {
  const Module *module;
  const Kernel *kernel;
  Dim3 grid, block;
  int64_t dynamicShared;
  void **args;
  GlobalMemory *memory;
  /// Of .global variables.
  const std::map<std::string, uint64_t> *symbols;
};

struct Block {
  const Launch &launch;
  Dim3 index;
  SharedMemory shared;
  /// Bytes of global memory that were written since the last barrier, by which
  /// warp.
  std::unordered_map<uint64_t, int> globalWriters;

  void nextPhase() {
    shared.nextPhase();
    globalWriters.clear();
  }
};

struct AsyncCopy {
  int64_t to;
  uint64_t from;
  int64_t size, copied;
};

struct Warp {
  Warp(Block &block, int index);

  /// Until all lanes have left or are at a barrier.
  void run();
  bool hasExited() const { return alive == 0; }

  //===--- What handlers use ----------------------------------------------===//

  uint64_t get(const Operand &operand, int lane) const;
  template <typename T>
  T get(const Operand &operand, int lane) const {
    uint64_t bits = get(operand, lane);
    T value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  void setBits(const Operand &operand, int lane, uint64_t bits);
  template <typename T>
  void set(const Operand &operand, int lane, T value) {
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    setBits(operand, lane, bits);
  }
  template <typename F>
  void forEachLane(F body) {
    for (int lane = 0; lane < kLanes; ++lane)
      if (active >> lane & 1)
        body(lane);
  }
  uint64_t addressOf(const Operand &operand, int lane) const;
  void readGlobal(uint64_t address, int64_t size, void *to) const;
  void writeGlobal(uint64_t address, int64_t size, const void *from) const;
  /// Fails unless all lanes that are alive run this instruction.
  void expectWhole(const Instruction &instruction) const;

  Block &block;
  int index;
  /// Lanes that have not left, and those that run the instruction.
  uint32_t alive = 0, active = 0;
  std::array<int, kLanes> pc{};
  bool atBarrier = false;
  std::vector<std::array<uint64_t, kLanes>> registers;
  /// Of each lane: copies that no commit has closed, and groups.
  std::array<std::vector<AsyncCopy>, kLanes> open;
  std::array<std::vector<std::vector<AsyncCopy>>, kLanes> groups;
};

/// Throws Error.
void run(const Launch &launch);

} // namespace ptx

#endif // SPARSE_QUANT_TEST_PTX_MACHINE_H
