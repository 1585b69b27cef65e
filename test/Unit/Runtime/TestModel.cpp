//===- TestModel.cpp - A hand-written artifact with parts to break --------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestModel.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

using namespace sqtest;

namespace {

/// MLIR's memref descriptors, as generated code sees them.
template <typename T, int Rank>
struct MemRef {
  T *allocated, *aligned;
  int64_t offset, sizes[Rank], strides[Rank];
};
template <typename T>
struct MemRef<T, 0> {
  T *allocated, *aligned;
  int64_t offset;
};

void accumulate(void **args) {
  auto &weights = *static_cast<MemRef<const uint8_t, 1> *>(args[0]);
  auto &x = *static_cast<MemRef<const float, 2> *>(args[1]);
  auto &ids = *static_cast<MemRef<const int32_t, 1> *>(args[2]);
  auto &flag = *static_cast<MemRef<const uint8_t, 0> *>(args[3]);
  auto &acc = *static_cast<MemRef<float, 2> *>(args[4]);
  auto &pos = *static_cast<MemRef<const int64_t, 0> *>(args[5]);
  auto &y = *static_cast<MemRef<float, 2> *>(args[6]);
  auto &sum = *static_cast<MemRef<float, 0> *>(args[7]);
  // The compiler knows where the data starts; here it is computed.
  uint64_t header;
  std::memcpy(&header, weights.aligned, sizeof header);
  const uint8_t *w = weights.aligned + 8 + header;

  *sum.aligned = 0;
  for (int64_t n = 0; n < x.sizes[0]; ++n) {
    float scale;
    std::memcpy(&scale, w + 4 * ids.aligned[n], sizeof scale);
    for (int64_t c = 0; c < x.sizes[1]; ++c) {
      float &cell =
          acc.aligned[(*pos.aligned + n) * acc.strides[0] + c * acc.strides[1]];
      cell += x.aligned[n * x.strides[0] + c * x.strides[1]];
      float &out = y.aligned[n * y.strides[0] + c * y.strides[1]];
      out = scale * cell;
      *sum.aligned += *flag.aligned ? out : 0;
    }
  }
}

void nothing(void **) {}

} // namespace

std::string sqtest::makeWeights(const std::vector<float> &values) {
  std::string data(reinterpret_cast<const char *>(values.data()),
                   values.size() * sizeof(float));
  char hash[17];
  std::snprintf(hash, sizeof hash, "%016llx",
                (unsigned long long)sq_hash(data.data(), data.size()));
  std::string header =
      std::string(R"({"__metadata__":{")") + SQ_WEIGHTS_HASH_KEY + "\":\"" +
      hash + R"("},"w":{"dtype":"F32","shape":[)" +
      std::to_string(values.size()) + R"(],"data_offsets":[0,)" +
      std::to_string(data.size()) + "]}}";
  header.resize((header.size() + 8 + 63) / 64 * 64 - 8, ' ');
  uint64_t length = header.size();
  return std::string(reinterpret_cast<const char *>(&length), 8) + header +
         data;
}

void sqtest::describeWeights(sq_artifact_desc &artifact,
                             const std::string &file) {
  uint64_t length;
  std::memcpy(&length, file.data(), sizeof length);
  artifact.weights_size = file.size();
  artifact.weights_header_hash = sq_hash(file.data(), 8 + length);
  artifact.weights_data_hash =
      sq_hash(file.data() + 8 + length, file.size() - 8 - length);
}

TempDir::TempDir() {
  std::string name =
      (std::filesystem::temp_directory_path() / "sq-test-XXXXXX").string();
  dir = mkdtemp(name.data());
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(dir, ignored);
}

std::string TempDir::write(const std::string &name,
                           const std::string &bytes) const {
  std::ofstream(path(name), std::ios::binary) << bytes;
  return path(name);
}

TestModel::TestModel()
    : states{{"acc", SQ_TYPE_FLOAT, 32, 1, 2, accShape}},
      args{
          {"x", SQ_TYPE_FLOAT, 32, 1, 2, xShape, SQ_TENSOR_INPUT, 0, 0},
          {"ids", SQ_TYPE_INT, 32, 1, 1, idsShape, SQ_TENSOR_INPUT, 0, kNumIds},
          {"flag", SQ_TYPE_BOOL, 8, 1, 0, nullptr, SQ_TENSOR_INPUT, 0, 0},
          {"acc", SQ_TYPE_FLOAT, 32, 1, 2, accArgShape, SQ_TENSOR_STATE, 0, 0},
          {"pos", SQ_TYPE_INT, 64, 1, 0, nullptr, SQ_TENSOR_INPUT, 0, 0}},
      results{
          {"y", SQ_TYPE_FLOAT, 32, 1, 2, xShape, SQ_TENSOR_RESULT, 0, 0},
          {"sum", SQ_TYPE_FLOAT, 32, 1, 0, nullptr, SQ_TENSOR_RESULT, 0, 0}},
      functions{{"accumulate", 5, 2, args, results, 1, /*pos_arg=*/4, symbols,
                 /*len_symbol=*/0, 0, /*fixed_len=*/0, kCapacity, accumulate},
                {"nothing", 0, 0, nullptr, nullptr, 0, -1, nullptr, -1, 0, 0, 0,
                 nothing}},
      layers{{"w", "dense", "f32", "reference", "given", "", 3, 1, 12, 12, 0,
              ""}} {
  artifact.abi_version = SQ_ABI_VERSION;
  artifact.producer = "hand";
  artifact.model_name = "test";
  artifact.target_triple = "";
  artifact.target_cpu = "generic";
  artifact.target_features = "";
  artifact.num_functions = 2;
  artifact.num_states = 1;
  artifact.num_layers = 1;
  artifact.functions = functions;
  artifact.states = states;
  artifact.layers = layers;
  artifact.embedded_weights = weights.data();
  describeWeights(artifact, weights);
}

sq_status TestModel::open(uint32_t flags, const char *path) {
  api->close(model);
  if (path)
    artifact.embedded_weights = nullptr;
  sq_open_options options = {path, &artifact, flags, 0};
  return api->open(&options, &model, message, sizeof message);
}

TestModel::~TestModel() { api->close(model); }

sq_tensor *Tensor::get() {
  tensor.data = data;
  tensor.device = {device, deviceId};
  tensor.ndim = static_cast<int32_t>(shape.size());
  tensor.dtype = dtype;
  tensor.shape = shape.data();
  tensor.strides = strides.empty() ? nullptr : strides.data();
  tensor.byte_offset = byteOffset;
  return &tensor;
}

void CallTest::SetUp() {
  yData.assign(xData.size(), -1);
  x.data = xData.data();
  ids.data = idsData.data();
  y.data = yData.data();
  ASSERT_EQ(m.open(), SQ_OK) << m.message;
  ASSERT_EQ(
      m.api->context_create(m.model, &context, m.message, sizeof m.message),
      SQ_OK)
      << m.message;
}

void CallTest::TearDown() { m.api->context_destroy(context); }

sq_status CallTest::call() {
  const sq_tensor *inputs[] = {x.get(), ids.get(), flagTensor.get(),
                               posTensor.get()};
  const sq_tensor *outputs[] = {y.get(), sumTensor.get()};
  return m.api->call(context, &m.functions[0], inputs, 4, outputs, 2);
}

void CallTest::expectError(sq_status status, const std::string &text) {
  std::vector<float> before = yData;
  sq_status got = call();
  std::string message = m.api->last_error(context);
  EXPECT_STREQ(m.api->status_name(got), m.api->status_name(status)) << message;
  EXPECT_NE(message.find(text), std::string::npos)
      << "message: " << message << "\nexpected to contain: " << text;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  EXPECT_EQ(before, yData) << "a refused call has written";
}
