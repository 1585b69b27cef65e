//===- CallTest.cpp - Calls, right and wrong ------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestModel.h"
#include "Workspace.h"

#include <cstring>
#include <thread>

using namespace sqtest;

TEST_F(CallTest, ComputesAndKeepsItsState) {
  ASSERT_EQ(call(), SQ_OK) << m.api->last_error(context);
  EXPECT_EQ(yData, (std::vector<float>{1, 2, 3, 4, 50, 60, 70, 80}));
  EXPECT_EQ(sum, 270);
  ASSERT_EQ(call(), SQ_OK);
  EXPECT_EQ(yData, (std::vector<float>{2, 4, 6, 8, 100, 120, 140, 160}));
  ASSERT_EQ(m.api->context_reset(context), SQ_OK);
  ASSERT_EQ(call(), SQ_OK);
  EXPECT_EQ(yData, (std::vector<float>{1, 2, 3, 4, 50, 60, 70, 80}));
}

TEST_F(CallTest, ByteOffsetAndCompactStridesAreFine) {
  std::vector<float> padded = {-7, 1, 2, 3, 4, 5, 6, 7, 8};
  x.data = padded.data();
  x.byteOffset = sizeof(float);
  x.strides = {4, 1};
  ASSERT_EQ(call(), SQ_OK) << m.api->last_error(context);
  EXPECT_EQ(yData[7], 80);
}

TEST_F(CallTest, StrideOfAnExtentOfOneIsFree) {
  x.shape = y.shape = {1, kColumns};
  ids.shape = {1};
  x.strides = {12345, 1};
  EXPECT_EQ(call(), SQ_OK) << m.api->last_error(context);
}

TEST_F(CallTest, FunctionWithoutArguments) {
  EXPECT_EQ(m.api->call(context, &m.functions[1], nullptr, 0, nullptr, 0),
            SQ_OK);
}

TEST_F(CallTest, NullContext) {
  EXPECT_EQ(m.api->call(nullptr, &m.functions[0], nullptr, 0, nullptr, 0),
            SQ_ERROR_NULL_POINTER);
}

TEST_F(CallTest, NullFunction) {
  EXPECT_EQ(m.api->call(context, nullptr, nullptr, 0, nullptr, 0),
            SQ_ERROR_UNKNOWN_FUNCTION);
}

TEST_F(CallTest, FunctionOfAnotherModel) {
  TestModel other;
  EXPECT_EQ(m.api->call(context, &other.functions[0], nullptr, 0, nullptr, 0),
            SQ_ERROR_INVALID_ARGUMENT);
}

TEST_F(CallTest, NullArrays) {
  EXPECT_EQ(m.api->call(context, &m.functions[0], nullptr, 4, nullptr, 2),
            SQ_ERROR_NULL_POINTER);
}

TEST_F(CallTest, ArgCount) {
  const sq_tensor *tensors[] = {x.get()};
  EXPECT_EQ(m.api->call(context, &m.functions[0], tensors, 1, tensors, 1),
            SQ_ERROR_ARG_COUNT);
  EXPECT_STREQ(m.api->last_error(context),
               "function 'accumulate' has 4 inputs, got 1");
}

TEST_F(CallTest, NullTensor) {
  const sq_tensor *inputs[] = {x.get(), nullptr, flagTensor.get(),
                               posTensor.get()};
  const sq_tensor *outputs[] = {y.get(), sumTensor.get()};
  EXPECT_EQ(m.api->call(context, &m.functions[0], inputs, 4, outputs, 2),
            SQ_ERROR_NULL_DATA);
}

TEST_F(CallTest, NullData) {
  x.data = nullptr;
  expectError(SQ_ERROR_NULL_DATA, "input 'x': its data is NULL");
}

TEST_F(CallTest, NullShape) {
  const sq_tensor *inputs[] = {x.get(), ids.get(), flagTensor.get(),
                               posTensor.get()};
  const sq_tensor *outputs[] = {y.get(), sumTensor.get()};
  x.tensor.shape = nullptr;
  EXPECT_EQ(m.api->call(context, &m.functions[0], inputs, 4, outputs, 2),
            SQ_ERROR_NULL_DATA);
}

TEST_F(CallTest, Device) {
  x.device = 2;
  expectError(SQ_ERROR_DEVICE, "device type 2; copy it to CPU memory");
}

TEST_F(CallTest, Stream) {
  int stream;
  EXPECT_EQ(m.api->context_set_stream(context, &stream), SQ_ERROR_DEVICE);
  EXPECT_STREQ(m.api->last_error(context),
               "the model runs on the CPU, which has no streams");
}

TEST_F(CallTest, Dtype) {
  x.dtype = {SQ_TYPE_BFLOAT, 16, 1};
  expectError(SQ_ERROR_DTYPE, "expected elements of type f32, got bf16");
  x.dtype = {99, 7, 1};
  expectError(SQ_ERROR_DTYPE, "DLPack type code 99 of 7 bits");
  x.dtype = {SQ_TYPE_FLOAT, 32, 4};
  expectError(SQ_ERROR_DTYPE, "got 4xf32");
}

TEST_F(CallTest, Rank) {
  x.shape = {2, 2, 2};
  expectError(SQ_ERROR_RANK, "expected rank 2, got 3");
  x.tensor = {};
  const sq_tensor *inputs[] = {x.get(), ids.get(), flagTensor.get(),
                               posTensor.get()};
  const sq_tensor *outputs[] = {y.get(), sumTensor.get()};
  x.tensor.ndim = -1;
  EXPECT_EQ(m.api->call(context, &m.functions[0], inputs, 4, outputs, 2),
            SQ_ERROR_RANK);
}

TEST_F(CallTest, FixedExtent) {
  x.shape = {2, 3};
  expectError(SQ_ERROR_SHAPE, "expected extent 4 in dimension 1, got 3");
}

TEST_F(CallTest, SymbolicExtentOutOfRange) {
  x.shape = {7, kColumns};
  expectError(SQ_ERROR_SHAPE, "dimension 0, N, must be 1 to 6, got 7");
  x.shape = {0, kColumns};
  expectError(SQ_ERROR_SHAPE, "must be 1 to 6, got 0");
  x.shape = {-1, kColumns};
  expectError(SQ_ERROR_SHAPE, "got -1");
  m.symbols[0] = {"N", 0, 0};
  x.shape = {-1, kColumns};
  expectError(SQ_ERROR_SHAPE, "must be at least 0, got -1");
}

TEST_F(CallTest, ExtentsThatOverflow) {
  m.symbols[0] = {"N", 0, 0};
  x.shape = {INT64_MAX / 2, kColumns};
  expectError(SQ_ERROR_SHAPE, "would not fit into the address space");
}

TEST_F(CallTest, SymbolsDisagree) {
  ids.shape = {1};
  expectError(SQ_ERROR_SYMBOL, "dimension 0 is N, which an earlier tensor has "
                               "fixed to 2, but its extent is 1");
}

TEST_F(CallTest, ResultDisagreesWithSymbol) {
  y.shape = {1, kColumns};
  expectError(SQ_ERROR_SYMBOL, "result 'y'");
}

TEST_F(CallTest, Strides) {
  x.strides = {1, 2};
  expectError(SQ_ERROR_STRIDES, "dimension 1 has stride 2 instead of 1");
  x.strides = {8, 1};
  expectError(SQ_ERROR_STRIDES, "dimension 0 has stride 8 instead of 4");
}

TEST_F(CallTest, Alignment) {
  x.byteOffset = 2;
  expectError(SQ_ERROR_ALIGNMENT, "must be aligned to 4 bytes");
}

TEST_F(CallTest, IdOutOfRange) {
  idsData[1] = kNumIds;
  expectError(SQ_ERROR_VALUE, "element 1 is 3, but must be 0 to 2");
  idsData[1] = -1;
  expectError(SQ_ERROR_VALUE, "element 1 is -1");
}

TEST_F(CallTest, BooleanThatIsNone) {
  flag = 2;
  expectError(SQ_ERROR_VALUE, "input 'flag': element 0 is 2");
}

TEST_F(CallTest, Capacity) {
  pos = kCapacity - 2;
  EXPECT_EQ(call(), SQ_OK);
  yData.assign(yData.size(), -1);
  pos = kCapacity - 1;
  expectError(SQ_ERROR_CAPACITY, "'pos' 7 + length 2");
  pos = INT64_MAX;
  expectError(SQ_ERROR_CAPACITY, "capacity of 8");
  pos = -1;
  expectError(SQ_ERROR_CAPACITY, "'pos' -1");
}

TEST_F(CallTest, FixedLength) {
  m.functions[0].len_symbol = -1;
  m.functions[0].fixed_len = kCapacity;
  pos = 1;
  expectError(SQ_ERROR_CAPACITY, "'pos' 1 + length 8");
}

TEST_F(CallTest, ResultOverInput) {
  y.data = x.data;
  expectError(SQ_ERROR_ALIASING, "its memory overlaps an input");
}

TEST_F(CallTest, ResultOverResult) {
  sumTensor.data = yData.data() + 7;
  expectError(SQ_ERROR_ALIASING, "result 'sum': its memory overlaps another");
}

TEST_F(CallTest, TensorsOverState) {
  sq_tensor state;
  ASSERT_EQ(m.api->context_state(context, 0, &state), SQ_OK);
  y.data = state.data;
  expectError(SQ_ERROR_ALIASING, "overlaps a state of the context");
  y.data = yData.data();
  x.data = state.data;
  expectError(SQ_ERROR_ALIASING, "input 0 overlaps a state");
}

TEST_F(CallTest, ConcurrentContextsDontMeet) {
  auto work = [this](float *last) {
    sq_context *own = nullptr;
    ASSERT_EQ(m.api->context_create(m.model, &own, nullptr, 0), SQ_OK);
    std::vector<float> out(8);
    Tensor x{xData.data(), kF32, {2, 4}}, ids{idsData.data(), kI32, {2}},
        f{&flag, kBool, {}}, p{&pos, kI64, {}}, y{out.data(), kF32, {2, 4}},
        s{last, kF32, {}};
    const sq_tensor *inputs[] = {x.get(), ids.get(), f.get(), p.get()};
    const sq_tensor *outputs[] = {y.get(), s.get()};
    for (int i = 0; i < 1000; ++i)
      ASSERT_EQ(m.api->call(own, &m.functions[0], inputs, 4, outputs, 2),
                SQ_OK);
    m.api->context_destroy(own);
  };
  float last[4];
  std::vector<std::thread> threads;
  for (float &result : last)
    threads.emplace_back(work, &result);
  for (std::thread &thread : threads)
    thread.join();
  for (float result : last)
    EXPECT_EQ(result, 270000);
}

namespace {
TEST_F(CallTest, WithoutMemory) {
  m.functions[1].entry = [](void **) {
    sq_allocate(64, 64);
    sq_allocate(64, uint64_t(1) << 62);
    ADD_FAILURE() << "there can't be so much memory";
  };
  EXPECT_EQ(m.api->call(context, &m.functions[1], nullptr, 0, nullptr, 0),
            SQ_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(std::string(m.api->last_error(context)),
            "out of memory: function 'nothing' needs 4611686018427387904 more "
            "bytes for temporaries; call it with less at a time");
  // The context is as good as before.
  EXPECT_EQ(call(), SQ_OK) << m.api->last_error(context);
}

// What the entry of BusyContext does: call its own context again.
struct Reentry {
  const sq_api *api;
  sq_context *context;
  sq_function_desc *function;
  sq_status call, reset;
} reentry;
} // namespace

TEST_F(CallTest, BusyContext) {
  reentry = {m.api, context, &m.functions[1], SQ_OK, SQ_OK};
  m.functions[1].entry = [](void **) {
    reentry.call = reentry.api->call(reentry.context, reentry.function, nullptr,
                                     0, nullptr, 0);
    reentry.reset = reentry.api->context_reset(reentry.context);
  };
  EXPECT_EQ(m.api->call(context, &m.functions[1], nullptr, 0, nullptr, 0),
            SQ_OK);
  EXPECT_EQ(reentry.call, SQ_ERROR_BUSY);
  EXPECT_EQ(reentry.reset, SQ_ERROR_BUSY);
}
