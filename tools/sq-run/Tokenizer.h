//===- Tokenizer.h - llama2.c's tokenizer -----------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TOOLS_SQ_RUN_TOKENIZER_H
#define SPARSE_QUANT_TOOLS_SQ_RUN_TOKENIZER_H

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sqrun {

/// Byte-pair encoding over a vocabulary with scores, as in llama2.c's
/// tokenizer.bin: an i32 (the longest token's length), then for each token an
/// f32 score, an i32 length and that many bytes.
class Tokenizer {
public:
  static constexpr int32_t kUnknown = 0, kBos = 1, kEos = 2;

  /// Parses the file's bytes. `where` is for messages.
  static llvm::Expected<Tokenizer> parse(llvm::StringRef bytes,
                                         llvm::StringRef where);
  static llvm::Expected<Tokenizer> load(llvm::StringRef path);

  size_t size() const { return pieces.size(); }

  /// The tokens of `text`: those llama2.c finds, but in O(n log n). Characters
  /// outside of the vocabulary become byte tokens if the vocabulary has them,
  /// and <unk> otherwise.
  std::vector<int32_t> encode(llvm::StringRef text, bool addBos) const;

  /// The bytes that `token` adds to the text, after `previous`.
  std::string decode(int32_t previous, int32_t token) const;

private:
  struct Piece {
    std::string text;
    float score;
  };
  /// The token with this text, or -1.
  int32_t find(llvm::StringRef text) const;
  void addCharacters(llvm::StringRef text, std::vector<int32_t> &tokens) const;
  std::vector<int32_t> merge(llvm::ArrayRef<int32_t> tokens) const;

  std::vector<Piece> pieces;
  llvm::StringMap<int32_t> ids;
  /// Whether tokens 3 to 258 stand for the bytes.
  bool hasBytes = false;
};

} // namespace sqrun

#endif // SPARSE_QUANT_TOOLS_SQ_RUN_TOKENIZER_H
