//===- Llama.h - A Llama model as plain data --------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the front ends fill in and the builder reads. Layers have Hugging Face's
// names whatever file they come from, so that one recipe fits both.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_IMPORT_LLAMA_H
#define SPARSE_QUANT_IMPORT_LLAMA_H

#include "sparse-quant/Import/Import.h"

#include <optional>
#include <string>
#include <vector>

namespace mlir::sq {

struct LlamaConfig {
  int64_t vocabSize = 0, hiddenSize = 0, intermediateSize = 0;
  int64_t numLayers = 0, numHeads = 0, numKVHeads = 0, headDim = 0;
  int64_t maxPositions = 0;
  double ropeTheta = 10000.0;
  double rmsNormEps = 1e-5;
  /// RoPE rotates elements (2j, 2j+1) of a head, as llama2.c does, rather than
  /// (j, j + headDim/2), as Hugging Face does.
  bool interleavedRope = false;

  /// Query heads that share a key and value head.
  int64_t getGroupSize() const { return numHeads / numKVHeads; }
  int64_t getQuerySize() const { return numHeads * headDim; }
  int64_t getKVSize() const { return numKVHeads * headDim; }
};

/// The operands of sq.parameter.
struct WeightRef {
  std::string name, source;
  std::optional<int64_t> offset;
};

struct LlamaLayer {
  WeightRef attentionNorm, query, key, value, output;
  WeightRef mlpNorm, gate, up, down;
};

struct LlamaModel {
  /// Of the module.
  std::string name;
  LlamaConfig config;
  WeightRef embedding, finalNorm;
  /// The same as `embedding` for a tied head.
  WeightRef head;
  std::vector<LlamaLayer> layers;
};

/// Calls `visit(weight, name, shape)` for each weight in the order of
/// execution, the head last; `name` is the Hugging Face one.
template <typename ModelT, typename Fn>
void forEachWeight(ModelT &model, Fn visit) {
  const LlamaConfig &c = model.config;
  using Shape = llvm::SmallVector<int64_t, 2>;
  visit(model.embedding, "model.embed_tokens.weight",
        Shape{c.vocabSize, c.hiddenSize});
  for (size_t i = 0; i < model.layers.size(); ++i) {
    auto &layer = model.layers[i];
    auto name = [&](llvm::StringRef suffix) {
      return "model.layers." + std::to_string(i) + "." + suffix.str() +
             ".weight";
    };
    visit(layer.attentionNorm, name("input_layernorm"), Shape{c.hiddenSize});
    visit(layer.query, name("self_attn.q_proj"),
          Shape{c.getQuerySize(), c.hiddenSize});
    visit(layer.key, name("self_attn.k_proj"),
          Shape{c.getKVSize(), c.hiddenSize});
    visit(layer.value, name("self_attn.v_proj"),
          Shape{c.getKVSize(), c.hiddenSize});
    visit(layer.output, name("self_attn.o_proj"),
          Shape{c.hiddenSize, c.getQuerySize()});
    visit(layer.mlpNorm, name("post_attention_layernorm"), Shape{c.hiddenSize});
    visit(layer.gate, name("mlp.gate_proj"),
          Shape{c.intermediateSize, c.hiddenSize});
    visit(layer.up, name("mlp.up_proj"),
          Shape{c.intermediateSize, c.hiddenSize});
    visit(layer.down, name("mlp.down_proj"),
          Shape{c.hiddenSize, c.intermediateSize});
  }
  visit(model.finalNorm, "model.norm.weight", Shape{c.hiddenSize});
  visit(model.head, "lm_head.weight", Shape{c.vocabSize, c.hiddenSize});
}

/// Checks what both front ends have to: positive extents that divide each
/// other. The message names the key as `config.json` spells it.
llvm::Error verifyConfig(const LlamaConfig &config, llvm::StringRef path);

/// Front ends. `path` is a folder with a config.json, or a file.
llvm::Expected<LlamaModel> readHuggingFace(llvm::StringRef path);
llvm::Expected<LlamaModel> readLlama2C(llvm::StringRef path);

/// The IR of a model whose options have been checked.
OwningOpRef<ModuleOp> buildLlama(MLIRContext &context, const LlamaModel &model,
                                 const ImportOptions &options);

} // namespace mlir::sq

#endif // SPARSE_QUANT_IMPORT_LLAMA_H
