//===- Import.cpp - Trained models to IR ----------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Import/Import.h"
#include "sparse-quant/Import/Llama.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cmath>

using namespace mlir;
using namespace mlir::sq;
using llvm::Expected;
using llvm::Twine;

llvm::Error mlir::sq::verifyConfig(const LlamaConfig &config, StringRef path) {
  auto fail = [&](const Twine &what) {
    return llvm::createStringError("'" + path + "': " + what);
  };
  // Beyond this limit products of two extents would overflow.
  constexpr int64_t limit = int64_t(1) << 30;
  const std::pair<StringRef, int64_t> extents[] = {
      {"vocab_size", config.vocabSize},
      {"hidden_size", config.hiddenSize},
      {"intermediate_size", config.intermediateSize},
      {"num_hidden_layers", config.numLayers},
      {"num_attention_heads", config.numHeads},
      {"num_key_value_heads", config.numKVHeads},
      {"head_dim", config.headDim},
      {"max_position_embeddings", config.maxPositions}};
  for (auto [key, value] : extents)
    if (value < 1 || value > limit)
      return fail(key + " is " + Twine(value) + ", expected 1 to 2^30");
  if (config.numLayers > 4096 || config.numHeads > 65536 ||
      config.headDim > 65536)
    return fail("expected at most 4096 layers, 65536 heads and head_dim 65536");
  if (config.numHeads % config.numKVHeads)
    return fail("num_attention_heads is " + Twine(config.numHeads) +
                ", no multiple of num_key_value_heads, " +
                Twine(config.numKVHeads));
  if (config.headDim % 2)
    return fail("head_dim is " + Twine(config.headDim) +
                ", but rotary embeddings need pairs");
  // A number such as 1e999 reads as infinity.
  if (!(config.ropeTheta > 0.0) || !std::isfinite(config.ropeTheta))
    return fail("rope_theta is " + std::to_string(config.ropeTheta) +
                ", expected a positive number");
  if (!(config.rmsNormEps >= 0.0) || !std::isfinite(config.rmsNormEps))
    return fail("rms_norm_eps is " + std::to_string(config.rmsNormEps) +
                ", expected a nonnegative number");
  return llvm::Error::success();
}

/// The last component of a path: "model/" -> "model".
static StringRef getBaseName(StringRef path) {
  while (path.size() > 1 && llvm::sys::path::is_separator(path.back()))
    path = path.drop_back();
  return llvm::sys::path::filename(path);
}

std::string mlir::sq::getWeightDirectory(StringRef path) {
  if (llvm::sys::fs::is_directory(path))
    return path.str();
  StringRef parent = llvm::sys::path::parent_path(path);
  return parent.empty() ? "." : parent.str();
}

Expected<OwningOpRef<ModuleOp>>
mlir::sq::importModel(MLIRContext &context, StringRef path,
                      const ImportOptions &options) {
  if (!llvm::sys::fs::exists(path))
    return llvm::createStringError("'" + path + "' doesn't exist");
  if (!options.prefill && !options.decode)
    return llvm::createStringError("expected at least one function to import");
  bool isFolder = llvm::sys::fs::is_directory(path);
  Expected<LlamaModel> model =
      isFolder ? readHuggingFace(path) : readLlama2C(path);
  if (!model)
    return model.takeError();

  SmallString<256> absolute(path);
  llvm::sys::fs::make_absolute(absolute);
  llvm::sys::path::remove_dots(absolute, /*remove_dot_dot=*/true);
  StringRef base = getBaseName(absolute);
  model->name = (isFolder ? base : llvm::sys::path::stem(base)).str();
  ImportOptions checked = options;
  int64_t positions = model->config.maxPositions;
  if (options.maxSeq < 0 || options.maxSeq > positions)
    return llvm::createStringError("'" + path +
                                   "' has positions for sequences of 1 to " +
                                   Twine(positions) + " tokens, but " +
                                   Twine(options.maxSeq) + " were asked for");
  if (checked.maxSeq == 0)
    checked.maxSeq = std::min(positions, ImportOptions::defaultMaxSeq);
  return buildLlama(context, *model, checked);
}
