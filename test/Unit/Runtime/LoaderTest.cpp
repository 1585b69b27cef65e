//===- LoaderTest.cpp - A real shared library, and its weights beside it --===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sparse-quant-c/loader.h"
#include "TestModel.h"

#include <filesystem>

using namespace sqtest;

namespace {
class LoaderTest : public ::testing::Test {
protected:
  void SetUp() override {
    std::filesystem::copy_file(SQ_TOY_LM, dir.path("toy.so"));
  }
  void TearDown() override { sq_unload_artifact(library); }
  sq_status load(const std::string &name) {
    return sq_load_artifact(dir.path(name).c_str(), &library, &api, message,
                            sizeof message);
  }

  TempDir dir;
  void *library = nullptr;
  const sq_api *api = nullptr;
  char message[512] = "";
};
} // namespace

/// The weights that Inputs/toy-lm.c was written for; make-toy-lm.py, for the
/// lit tests, has the same.
static std::string makeToyWeights() {
  std::vector<float> next(270);
  for (size_t token = 0; token < next.size(); ++token)
    next[token] = static_cast<float>((token + 1) % next.size());
  next[1] = 266;
  next[266] = 267;
  next[267] = 268;
  next[268] = 264;
  next[264] = 3 + '!';
  next[3 + '!'] = 261;
  next[261] = 1;
  return makeWeights(next);
}

TEST_F(LoaderTest, FindsTheWeightsBesideTheLibrary) {
  ASSERT_EQ(load("toy.so"), SQ_OK) << message;
  sq_model *model;
  EXPECT_EQ(api->open(nullptr, &model, message, sizeof message),
            SQ_ERROR_WEIGHTS_OPEN);
  EXPECT_NE(std::string(message).find(dir.path("toy.sqw")), std::string::npos)
      << message;

  std::string weights = makeToyWeights();
  dir.write("toy.sqw", weights);
  sq_artifact_desc expected = {};
  describeWeights(expected, weights);
  sq_open_options verify = {nullptr, nullptr, SQ_OPEN_VERIFY_WEIGHTS, 0};
  ASSERT_EQ(api->open(&verify, &model, message, sizeof message), SQ_OK)
      << message << std::hex << "; toy-lm.c must have the size "
      << expected.weights_size << " and the hashes "
      << expected.weights_header_hash << ", " << expected.weights_data_hash;

  // The artifact's own runtime runs, not the one in this program.
  EXPECT_NE(api, sq_get_api(SQ_ABI_VERSION));
  EXPECT_STREQ(api->descriptor(model)->model_name, "toy-lm");
  const sq_function_desc *decode = api->find_function(model, "decode");
  ASSERT_NE(decode, nullptr);
  sq_context *context;
  ASSERT_EQ(api->context_create(model, &context, message, sizeof message),
            SQ_OK);
  int32_t token = 1;
  int64_t pos = 0;
  std::vector<float> logits(270);
  Tensor in{&token, kI32, {1}}, at{&pos, kI64, {}},
      out{logits.data(), kF32, {1, 270}};
  const sq_tensor *inputs[] = {in.get(), at.get()}, *outputs[] = {out.get()};
  ASSERT_EQ(api->call(context, decode, inputs, 2, outputs, 1), SQ_OK)
      << api->last_error(context);
  EXPECT_EQ(logits[266], 4);
  token = 270;
  EXPECT_EQ(api->call(context, decode, inputs, 2, outputs, 1), SQ_ERROR_VALUE);
  api->context_destroy(context);
  api->close(model);
}

TEST_F(LoaderTest, TwoArtifactsAreTwoRuntimes) {
  std::filesystem::copy_file(SQ_TOY_LM, dir.path("other.so"));
  void *other;
  const sq_api *otherApi;
  ASSERT_EQ(load("toy.so"), SQ_OK) << message;
  ASSERT_EQ(sq_load_artifact(dir.path("other.so").c_str(), &other, &otherApi,
                             message, sizeof message),
            SQ_OK);
  EXPECT_NE(api, otherApi);
  sq_unload_artifact(other);
}

TEST_F(LoaderTest, MissingLibrary) {
  EXPECT_EQ(load("missing.so"), SQ_ERROR_LOAD);
  EXPECT_NE(std::string(message).find("missing.so"), std::string::npos);
  EXPECT_EQ(api, nullptr);
}

TEST_F(LoaderTest, NoLibraryAtAll) {
  dir.write("text.so", "not an ELF file");
  EXPECT_EQ(load("text.so"), SQ_ERROR_LOAD);
}

TEST_F(LoaderTest, LibraryThatIsNoArtifact) {
  EXPECT_EQ(
      sq_load_artifact(SQ_NO_ARTIFACT, &library, &api, message, sizeof message),
      SQ_ERROR_LOAD);
  EXPECT_NE(std::string(message).find("doesn't export sq_get_api"),
            std::string::npos)
      << message;
}
