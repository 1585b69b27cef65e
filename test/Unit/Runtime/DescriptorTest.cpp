//===- DescriptorTest.cpp - Descriptors that contradict themselves --------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestModel.h"

#include <functional>

using namespace sqtest;

namespace {
struct Breakage {
  const char *name;
  std::function<void(TestModel &)> apply;
  const char *message;
};
class DescriptorTest : public ::testing::TestWithParam<Breakage> {};
} // namespace

TEST_P(DescriptorTest, IsRefused) {
  TestModel m;
  GetParam().apply(m);
  sq_status status = m.open();
  EXPECT_STREQ(m.api->status_name(status), "SQ_ERROR_DESCRIPTOR");
  EXPECT_NE(std::string(m.message).find(GetParam().message), std::string::npos)
      << m.message;
}

static const int64_t kNegative[2] = {-1, 4};

static const Breakage kBreakages[] = {
    {"NullString", [](TestModel &m) { m.artifact.target_cpu = nullptr; },
     "a NULL string"},
    {"NullFeatures", [](TestModel &m) { m.artifact.target_features = nullptr; },
     "a NULL string"},
    {"NullTable", [](TestModel &m) { m.artifact.states = nullptr; },
     "a NULL table"},
    {"Flags", [](TestModel &m) { m.artifact.flags = 4; }, "unknown flags, 0x4"},
    {"StateName", [](TestModel &m) { m.states[0].name = nullptr; },
     "a state without a name"},
    {"StateShape", [](TestModel &m) { m.states[0].shape = kNegative; },
     "an impossible extent in dimension 0"},
    {"StateSize",
     [](TestModel &m) { m.accShape[0] = m.accShape[1] = INT64_MAX; },
     "an impossible extent"},
    {"StateType", [](TestModel &m) { m.states[0].bits = 4; },
     "isn't made of whole bytes"},
    {"FunctionName", [](TestModel &m) { m.functions[1].name = nullptr; },
     "missing parts"},
    {"NoEntry", [](TestModel &m) { m.functions[0].entry = nullptr; },
     "missing parts"},
    {"NoArgs", [](TestModel &m) { m.functions[0].args = nullptr; },
     "missing parts"},
    {"TensorName", [](TestModel &m) { m.args[0].name = nullptr; },
     "without a name or shape"},
    {"TensorShape", [](TestModel &m) { m.args[0].shape = nullptr; },
     "without a name or shape"},
    {"TensorRank", [](TestModel &m) { m.args[0].rank = 1000; },
     "without a name or shape"},
    {"TensorType", [](TestModel &m) { m.args[0].bits = 4; },
     "isn't whole bytes"},
    {"NoLanes", [](TestModel &m) { m.args[0].lanes = 0; }, "isn't whole bytes"},
    {"NoSuchSymbol", [](TestModel &m) { m.idsShape[0] = -2; },
     "dimension 0 of 'ids' has no symbol"},
    {"BoundOfFloat", [](TestModel &m) { m.args[0].bound = 3; },
     "'x' has a bound"},
    {"NegativeBound", [](TestModel &m) { m.args[1].bound = -3; },
     "'ids' has a bound"},
    {"ArgumentKind", [](TestModel &m) { m.args[0].kind = SQ_TENSOR_RESULT; },
     "'x' has the wrong kind, 2"},
    {"ResultKind", [](TestModel &m) { m.results[0].kind = SQ_TENSOR_INPUT; },
     "'y' has the wrong kind, 0"},
    {"NoSuchState", [](TestModel &m) { m.args[3].state = 1; },
     "refers to state 1 of 1"},
    {"StateOfOtherType", [](TestModel &m) { m.args[3].bits = 16; },
     "another type than state 'acc'"},
    {"StateOfOtherShape", [](TestModel &m) { m.accArgShape[0] = 9; },
     "another shape than state 'acc'"},
    {"UnboundSymbol", [](TestModel &m) { m.xShape[0] = m.idsShape[0] = 2; },
     "no input has the extent 'N'"},
    {"SymbolName", [](TestModel &m) { m.symbols[0].name = nullptr; },
     "symbol 0 has no name"},
    {"NoPosition", [](TestModel &m) { m.functions[0].pos_arg = 5; },
     "has no argument 5 for its position"},
    {"PositionIsNoScalar", [](TestModel &m) { m.functions[0].pos_arg = 1; },
     "the position 'ids' isn't an integer scalar"},
    {"NoLength", [](TestModel &m) { m.functions[0].len_symbol = 1; },
     "has no symbol 1 for its length"},
    {"NegativeCapacity", [](TestModel &m) { m.functions[0].capacity = -1; },
     "a negative capacity"},
};

INSTANTIATE_TEST_SUITE_P(All, DescriptorTest, ::testing::ValuesIn(kBreakages),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });
