//===- Llama2C.cpp - Read a llama2.c checkpoint ---------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The legacy ("version 0") format: seven int32 (dim, hidden_dim, n_layers,
// n_heads, n_kv_heads, vocab_size, seq_len; a negative vocab_size says that the
// head isn't the embedding), then f32 matrices, each kind for all layers
// together, and two tables of rotations that nobody reads any more.
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Import/Llama.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir::sq;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

static constexpr unsigned numFields = 7;
/// "ak42": later versions of the format begin with it.
static constexpr uint32_t magic = 0x616b3432;

namespace {
/// Hands out consecutive f32 tensors. A file's size bounds the products of
/// plausible headers; others saturate and are then found to be too large.
class Cursor {
public:
  explicit Cursor(int64_t position) : position(position) {}
  /// Reserves `count` matrices of `elements`; returns the offset of the first.
  int64_t take(int64_t count, int64_t elements) {
    int64_t begin = position;
    int64_t bytes = 0;
    if (llvm::MulOverflow(count, elements, bytes) ||
        llvm::MulOverflow<int64_t>(bytes, 4, bytes) ||
        llvm::AddOverflow(position, bytes, position))
      position = std::numeric_limits<int64_t>::max();
    return begin;
  }
  int64_t get() const { return position; }

private:
  int64_t position;
};
} // namespace

Expected<LlamaModel> mlir::sq::readLlama2C(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createStringError("cannot open '" + path +
                                   "': " + buffer.getError().message());
  int64_t size = (*buffer)->getBufferSize();
  auto fail = [&](const Twine &what) {
    return llvm::createStringError("'" + path +
                                   "' isn't a llama2.c checkpoint: " + what);
  };
  if (size < 4 * numFields)
    return fail("it has only " + Twine(size) + " bytes");
  int32_t field[numFields];
  for (unsigned i = 0; i < numFields; ++i)
    field[i] =
        llvm::support::endian::read32le((*buffer)->getBufferStart() + 4 * i);
  if (static_cast<uint32_t>(field[0]) == magic)
    return fail("version " + Twine(field[1]) +
                " of the format isn't supported; export version 0 (legacy)");

  LlamaModel model;
  LlamaConfig &c = model.config;
  c.hiddenSize = field[0];
  c.intermediateSize = field[1];
  c.numLayers = field[2];
  c.numHeads = field[3];
  c.numKVHeads = field[4];
  c.vocabSize = std::abs(static_cast<int64_t>(field[5]));
  c.maxPositions = field[6];
  c.interleavedRope = true;
  bool tied = field[5] > 0;
  if (c.numHeads > 0 && c.hiddenSize % c.numHeads)
    return fail("dim is " + Twine(c.hiddenSize) + ", no multiple of n_heads, " +
                Twine(c.numHeads));
  c.headDim = c.numHeads > 0 ? c.hiddenSize / c.numHeads : 0;
  if (llvm::Error error = verifyConfig(c, path))
    return std::move(error);

  Cursor cursor(4 * numFields);
  int64_t embedding = cursor.take(1, c.vocabSize * c.hiddenSize);
  auto takeLayers = [&](int64_t rows, int64_t columns) {
    return cursor.take(c.numLayers, rows * columns);
  };
  int64_t attentionNorm = takeLayers(1, c.hiddenSize);
  int64_t query = takeLayers(c.getQuerySize(), c.hiddenSize);
  int64_t key = takeLayers(c.getKVSize(), c.hiddenSize);
  int64_t value = takeLayers(c.getKVSize(), c.hiddenSize);
  int64_t output = takeLayers(c.hiddenSize, c.getQuerySize());
  int64_t mlpNorm = takeLayers(1, c.hiddenSize);
  int64_t gate = takeLayers(c.intermediateSize, c.hiddenSize);
  int64_t down = takeLayers(c.hiddenSize, c.intermediateSize);
  int64_t up = takeLayers(c.intermediateSize, c.hiddenSize);
  int64_t finalNorm = cursor.take(1, c.hiddenSize);
  cursor.take(2, c.maxPositions * (c.headDim / 2));
  int64_t head = tied ? embedding : cursor.take(1, c.vocabSize * c.hiddenSize);
  if (cursor.get() != size)
    return fail("its header asks for " + Twine(cursor.get()) +
                " bytes, but it has " + Twine(size) +
                (size < cursor.get() ? ": truncated?" : ""));

  std::string source = llvm::sys::path::filename(path).str();
  model.embedding.offset = embedding;
  model.finalNorm.offset = finalNorm;
  model.head.offset = head;
  model.layers.resize(c.numLayers);
  for (int64_t i = 0; i < c.numLayers; ++i) {
    LlamaLayer &layer = model.layers[i];
    auto at = [&](int64_t first, int64_t rows, int64_t columns) {
      return first + 4 * i * rows * columns;
    };
    layer.attentionNorm.offset = at(attentionNorm, 1, c.hiddenSize);
    layer.query.offset = at(query, c.getQuerySize(), c.hiddenSize);
    layer.key.offset = at(key, c.getKVSize(), c.hiddenSize);
    layer.value.offset = at(value, c.getKVSize(), c.hiddenSize);
    layer.output.offset = at(output, c.hiddenSize, c.getQuerySize());
    layer.mlpNorm.offset = at(mlpNorm, 1, c.hiddenSize);
    layer.gate.offset = at(gate, c.intermediateSize, c.hiddenSize);
    layer.down.offset = at(down, c.hiddenSize, c.intermediateSize);
    layer.up.offset = at(up, c.intermediateSize, c.hiddenSize);
  }
  forEachWeight(model, [&](WeightRef &weight, StringRef name, const auto &) {
    weight.name = name.str();
    weight.source = source;
  });
  if (tied)
    model.head = model.embedding;
  return std::move(model);
}
