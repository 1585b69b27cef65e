//===- Program.h - PTX, decoded ---------------------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the parser makes of a text and the interpreter runs. Only what LLVM
// emits for our kernels is known; anything else is an error that quotes the
// line.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TEST_PTX_PROGRAM_H
#define SPARSE_QUANT_TEST_PTX_PROGRAM_H

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace ptx {

/// A message for whoever launched; `line` in the text, 0 if it isn't one's.
struct Error : std::runtime_error {
  explicit Error(const std::string &message, int line = 0)
      : std::runtime_error(message), line(line) {}
  int line;
};

struct Operand {
  enum Kind {
    Register,  // index
    Immediate, // value: bits, sign-extended
    Special,   // value: SpecialRegister
    Vector,    // elements
    Memory,    // base register (index) or symbol, plus value
    Label,     // index: of an instruction
    Symbol     // text: a variable
  } kind;
  int index = -1;
  int64_t value = 0;
  std::string text;
  std::vector<Operand> elements;
};

enum SpecialRegister {
  TidX,
  TidY,
  TidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NtidX,
  NtidY,
  NtidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  LaneId
};

struct Warp;
struct Instruction;
/// Runs one instruction for the lanes of a warp that are active.
using Handler = void (*)(Warp &, const Instruction &);

struct Instruction {
  int line = 0;
  /// "mad.lo.s64", whole and in parts.
  std::string opcode;
  std::vector<std::string> parts;
  std::vector<Operand> operands;
  int predicate = -1;
  bool negated = false;
  /// Of the handlers, which decode `parts` once.
  Handler run = nullptr;
  int bits = 0, width = 1;
  /// Lanes that reach it wait for the others of their warp.
  bool gathers = false;
};

struct Parameter {
  std::string name;
  int size = 0;
};

/// In .shared or .global; `size` 0 is the launch's dynamic shared memory.
struct Variable {
  std::string name;
  int64_t size = 0, alignment = 1, offset = 0;
  std::vector<uint8_t> bytes;
};

struct Kernel {
  std::string name;
  std::vector<Parameter> parameters;
  std::vector<Instruction> code;
  int numRegisters = 0;
};

struct Module {
  std::map<std::string, Kernel> kernels;
  std::map<std::string, Variable> shared, global;
  int64_t staticShared = 0;
};

/// Throws Error.
Module parse(const std::string &text);
/// Sets `run` and what it needs; throws for an instruction that isn't known.
void decode(Instruction &instruction);

} // namespace ptx

#endif // SPARSE_QUANT_TEST_PTX_PROGRAM_H
