//===- Parser.cpp - PTX text to instructions ------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Program.h"

#include <cctype>
#include <cstring>
#include <sstream>

namespace ptx {
namespace {

class Parser {
public:
  explicit Parser(const std::string &text) : text(text) {}

  Module run() {
    skip();
    while (at < text.size())
      parseTopLevel();
    return std::move(module);
  }

private:
  [[noreturn]] void fail(const std::string &message) {
    throw Error(message, line);
  }

  //===--- Characters and words -------------------------------------------===//

  /// Over blanks and comments.
  void skip() {
    while (at < text.size()) {
      if (text[at] == '\n')
        ++line;
      if (std::isspace(static_cast<unsigned char>(text[at]))) {
        ++at;
      } else if (text.compare(at, 2, "//") == 0) {
        while (at < text.size() && text[at] != '\n')
          ++at;
      } else {
        return;
      }
    }
  }
  bool take(char c) {
    if (at >= text.size() || text[at] != c)
      return false;
    ++at;
    skip();
    return true;
  }
  void expect(char c) {
    if (!take(c))
      fail(std::string("expected '") + c + "' at '" +
           text.substr(at, text.find('\n', at) - at) + "'");
  }
  std::string word() {
    size_t start = at;
    while (at < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[at])) ||
            std::strchr("_$%.:", text[at])))
      ++at;
    std::string result = text.substr(start, at - start);
    skip();
    return result;
  }
  int64_t number() {
    bool negative = take('-');
    std::string digits = word();
    if (digits.empty())
      fail("expected a number");
    // An unsigned literal may have a suffix.
    uint64_t value = std::stoull(digits, nullptr, 0);
    return static_cast<int64_t>(negative ? -value : value);
  }
  void skipLine() {
    while (at < text.size() && text[at] != '\n')
      ++at;
    skip();
  }

  //===--- Directives
  //------------------------------------------------------===//

  void parseTopLevel() {
    std::string directive = word();
    if (directive == ".version" || directive == ".target" ||
        directive == ".address_size")
      skipLine();
    else if (directive == ".visible" || directive == ".extern" ||
             directive == ".weak")
      return;
    else if (directive == ".entry")
      parseKernel();
    else if (directive == ".shared" || directive == ".global")
      parseVariable(directive == ".shared");
    else
      fail("unknown directive '" + directive + "'");
  }

  static int sizeOf(const std::string &type) {
    size_t digit = type.find_first_of("0123456789");
    return digit == std::string::npos ? 0 : std::stoi(type.substr(digit)) / 8;
  }

  void parseVariable(bool shared) {
    Variable variable;
    std::string next = word();
    while (next[0] == '.') {
      if (next == ".align")
        variable.alignment = number();
      else if (sizeOf(next))
        variable.size = sizeOf(next);
      next = word();
    }
    variable.name = next;
    int element = static_cast<int>(variable.size);
    if (take('[')) {
      variable.size = text[at] == ']' ? 0 : number() * element;
      expect(']');
    }
    variable.bytes.resize(variable.size);
    if (take('=')) {
      expect('{');
      for (int64_t i = 0; !take('}'); i += element) {
        int64_t value = number();
        if (i + element > variable.size)
          fail("too many values for '" + variable.name + "'");
        std::memcpy(variable.bytes.data() + i, &value, element);
        take(',');
      }
    }
    expect(';');
    if (shared) {
      int64_t &end = module.staticShared;
      variable.offset = (end + variable.alignment - 1) / variable.alignment *
                        variable.alignment;
      if (variable.size)
        end = variable.offset + variable.size;
      module.shared[variable.name] = variable;
    } else {
      module.global[variable.name] = variable;
    }
  }

  void parseParameter(Kernel &kernel) {
    Parameter parameter;
    std::string next = word();
    if (next != ".param")
      fail("expected a parameter, got '" + next + "'");
    for (next = word(); next[0] == '.'; next = word()) {
      if (next == ".align")
        number();
      else if (sizeOf(next))
        parameter.size = sizeOf(next);
    }
    parameter.name = next;
    if (take('[')) {
      parameter.size *= static_cast<int>(number());
      expect(']');
    }
    kernel.parameters.push_back(parameter);
    take(',');
  }

  //===--- Kernels
  //---------------------------------------------------------===//

  void parseKernel() {
    kernel = Kernel();
    registers.clear();
    labels.clear();
    pending.clear();
    kernel.name = word();
    if (take('('))
      while (!take(')'))
        parseParameter(kernel);
    while (!take('{')) {
      // Limits on the number of threads.
      word();
      number();
      while (take(','))
        number();
    }
    while (!take('}'))
      parseStatement();
    for (auto [instruction, operand, name] : pending) {
      auto found = labels.find(name);
      if (found == labels.end())
        throw Error("no label '" + name + "'", kernel.code[instruction].line);
      kernel.code[instruction].operands[operand].index = found->second;
    }
    kernel.numRegisters = static_cast<int>(registers.size());
    for (Instruction &instruction : kernel.code)
      decode(instruction);
    module.kernels[kernel.name] = std::move(kernel);
  }

  void parseStatement() {
    if (take('{'))
      return parseScope();
    Instruction instruction;
    instruction.line = line;
    if (take('@')) {
      instruction.negated = take('!');
      instruction.predicate = registerOf(word());
    }
    std::string first = word();
    if (first == ".reg")
      return declareRegisters();
    if (first == ".shared" || first == ".global")
      return parseVariable(first == ".shared");
    if (first == ".pragma")
      return skipLine();
    if (!first.empty() && first.back() == ':') {
      labels[first.substr(0, first.size() - 1)] =
          static_cast<int>(kernel.code.size());
      return;
    }
    if (first.empty())
      fail("expected an instruction at '" + text.substr(at, 20) + "'");
    instruction.opcode = first;
    std::stringstream stream(first);
    for (std::string part; std::getline(stream, part, '.');)
      if (!part.empty())
        instruction.parts.push_back(part);
    bool isBranch = instruction.parts.front() == "bra";
    while (!take(';')) {
      Operand operand = parseOperand();
      if (isBranch) {
        operand.kind = Operand::Label;
        pending.push_back(
            {kernel.code.size(), instruction.operands.size(), operand.text});
      }
      instruction.operands.push_back(std::move(operand));
      take(',');
      // A pair of results: d|p.
      take('|');
    }
    kernel.code.push_back(std::move(instruction));
  }
  /// Inline assembly may have braces of its own.
  void parseScope() {
    while (!take('}'))
      parseStatement();
  }

  /// ".b32 %r<5>", or a name.
  void declareRegisters() {
    word();
    do {
      std::string name = word();
      if (take('<')) {
        number();
        expect('>');
      } else {
        registerOf(name);
      }
    } while (take(','));
    expect(';');
  }
  int registerOf(const std::string &name) {
    return registers.emplace(name, static_cast<int>(registers.size()))
        .first->second;
  }

  //===--- Operands
  //--------------------------------------------------------===//

  Operand parseOperand() {
    Operand operand;
    if (take('{')) {
      operand.kind = Operand::Vector;
      while (!take('}')) {
        operand.elements.push_back(parseOperand());
        take(',');
      }
      return operand;
    }
    if (take('[')) {
      operand.kind = Operand::Memory;
      std::string base = word();
      if (base[0] == '%')
        operand.index = registerOf(base);
      else
        operand.text = base;
      if (take('+'))
        operand.value = number();
      expect(']');
      return operand;
    }
    char c = text[at];
    if (c == '-' || std::isdigit(static_cast<unsigned char>(c)))
      return parseImmediate();
    std::string name = word();
    if (name.empty())
      fail("expected an operand");
    static const std::map<std::string, SpecialRegister> special = {
        {"%tid.x", TidX},       {"%tid.y", TidY},       {"%tid.z", TidZ},
        {"%ctaid.x", CtaidX},   {"%ctaid.y", CtaidY},   {"%ctaid.z", CtaidZ},
        {"%ntid.x", NtidX},     {"%ntid.y", NtidY},     {"%ntid.z", NtidZ},
        {"%nctaid.x", NctaidX}, {"%nctaid.y", NctaidY}, {"%nctaid.z", NctaidZ},
        {"%laneid", LaneId}};
    auto found = special.find(name);
    if (found != special.end()) {
      operand.kind = Operand::Special;
      operand.value = found->second;
    } else if (name[0] == '%') {
      operand.kind = Operand::Register;
      operand.index = registerOf(name);
    } else {
      operand.kind = Operand::Symbol;
      operand.text = name;
    }
    return operand;
  }

  Operand parseImmediate() {
    Operand operand;
    operand.kind = Operand::Immediate;
    size_t start = at;
    if (text[at] == '0' && (text[at + 1] == 'f' || text[at + 1] == 'd') &&
        !std::isspace(static_cast<unsigned char>(text[at + 2]))) {
      std::string digits = word();
      operand.value =
          static_cast<int64_t>(std::stoull(digits.substr(2), nullptr, 16));
      return operand;
    }
    at = start;
    operand.value = number();
    return operand;
  }

  struct Pending {
    size_t instruction, operand;
    std::string name;
  };

  const std::string &text;
  size_t at = 0;
  int line = 1;
  Module module;
  Kernel kernel;
  std::map<std::string, int> registers, labels;
  std::vector<Pending> pending;
};

} // namespace

Module parse(const std::string &text) { return Parser(text).run(); }

} // namespace ptx
