//===- TestModel.h - A hand-written artifact with parts to break *- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One function over one state, in tables that a test may change before opening
// the model:
//
//   accumulate(x: f32[N, 4], ids: i32[N], flag: bool, pos: i64)
//       -> (y: f32[N, 4], sum: f32)      state acc: f32[8, 4]
//
//   acc[pos + n, :] += x[n, :];  y[n, :] = w[ids[n]] * acc[pos + n, :]
//   sum = flag ? sum of y : 0
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TEST_UNIT_RUNTIME_TESTMODEL_H
#define SPARSE_QUANT_TEST_UNIT_RUNTIME_TESTMODEL_H

#include "Common.h"
#include "gtest/gtest.h"

#include <string>
#include <vector>

namespace sqtest {

inline constexpr int64_t kColumns = 4, kCapacity = 8, kNumIds = 3;

/// A safetensors file that holds one f32 tensor, `w`.
std::string makeWeights(const std::vector<float> &values);

/// Fills in the three fields that describe `file`.
void describeWeights(sq_artifact_desc &artifact, const std::string &file);

/// A folder that goes away with all that is in it.
class TempDir {
public:
  TempDir();
  ~TempDir();
  std::string path(const std::string &name) const { return dir + "/" + name; }
  std::string write(const std::string &name, const std::string &bytes) const;

private:
  std::string dir;
};

/// The tables. Entries point to each other, so it doesn't move.
struct TestModel {
  TestModel();
  TestModel(const TestModel &) = delete;

  /// Opens with the weights embedded, unless a path is given.
  sq_status open(uint32_t flags = 0, const char *path = nullptr);
  ~TestModel();

  std::string weights = makeWeights({1.0f, 10.0f, 100.0f});
  int64_t xShape[2] = {-1, kColumns}, idsShape[1] = {-1};
  int64_t accShape[2] = {kCapacity, kColumns};
  int64_t accArgShape[2] = {kCapacity, kColumns};
  sq_symbol_desc symbols[1] = {{"N", 1, 6}};
  sq_state_desc states[1];
  sq_tensor_desc args[5], results[2];
  sq_function_desc functions[2];
  sq_layer_desc layers[1];
  sq_artifact_desc artifact = {};

  const sq_api *api = sq_get_api(SQ_ABI_VERSION);
  sq_model *model = nullptr;
  char message[512] = "";
};

/// A tensor with storage for its shape and strides.
struct Tensor {
  Tensor(void *data, sq_dtype dtype, std::vector<int64_t> shape)
      : shape(std::move(shape)), dtype(dtype), data(data) {}
  /// The sq_tensor of the current values.
  sq_tensor *get();

  std::vector<int64_t> shape, strides;
  sq_dtype dtype;
  void *data;
  int32_t device = SQ_DEVICE_CPU, deviceId = 0;
  uint64_t byteOffset = 0;
  sq_tensor tensor = {};
};

inline constexpr sq_dtype kF32 = {SQ_TYPE_FLOAT, 32, 1};
inline constexpr sq_dtype kI32 = {SQ_TYPE_INT, 32, 1};
inline constexpr sq_dtype kI64 = {SQ_TYPE_INT, 64, 1};
inline constexpr sq_dtype kBool = {SQ_TYPE_BOOL, 8, 1};

/// An open model, a context, and the tensors of a call that is in order.
class CallTest : public ::testing::Test {
protected:
  void SetUp() override;
  void TearDown() override;
  /// Calls with whatever the tensors are now.
  sq_status call();
  /// Calls, and expects a failure whose message contains `text`.
  void expectError(sq_status status, const std::string &text);

  TestModel m;
  sq_context *context = nullptr;
  std::vector<float> xData = {1, 2, 3, 4, 5, 6, 7, 8}, yData = {};
  std::vector<int32_t> idsData = {0, 1};
  int64_t pos = 0;
  uint8_t flag = 1;
  float sum = -1;
  Tensor x{nullptr, kF32, {2, kColumns}}, ids{nullptr, kI32, {2}};
  Tensor flagTensor{&flag, kBool, {}}, posTensor{&pos, kI64, {}};
  Tensor y{nullptr, kF32, {2, kColumns}}, sumTensor{&sum, kF32, {}};
};

} // namespace sqtest

#endif // SPARSE_QUANT_TEST_UNIT_RUNTIME_TESTMODEL_H
