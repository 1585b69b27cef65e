//===- LanguageModel.h - prefill and decode behind one call -----*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TOOLS_SQ_RUN_LANGUAGEMODEL_H
#define SPARSE_QUANT_TOOLS_SQ_RUN_LANGUAGEMODEL_H

#include "Session.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace sqrun {

/// A model whose functions follow the importer's convention; either may be
/// missing:
///   prefill(tokens: i32[T], pos: i64) -> logits f32[T, vocab]
///   decode(token: i32[1], pos: i64) -> logits f32[1, vocab]
class LanguageModel {
public:
  static llvm::Expected<LanguageModel> create(Session &session);

  int64_t vocabSize() const { return vocab; }
  /// How many positions the caches have; 0 if the model doesn't say.
  int64_t capacity() const;
  /// How many tokens one call takes; 0 if there is no limit.
  int64_t largestPrefill() const;

  /// Runs `tokens` from position `pos` on and hands over the logits after each.
  llvm::Error
  feed(llvm::ArrayRef<int32_t> tokens, int64_t pos,
       llvm::function_ref<void(size_t, llvm::ArrayRef<float>)> take);

private:
  explicit LanguageModel(Session &session) : session(&session) {}
  llvm::Error run(const sq_function_desc &function,
                  llvm::ArrayRef<int32_t> tokens, int64_t pos, size_t first,
                  llvm::function_ref<void(size_t, llvm::ArrayRef<float>)> take);

  Session *session;
  const sq_function_desc *prefill = nullptr, *decode = nullptr;
  int64_t vocab = 0;
};

} // namespace sqrun

#endif // SPARSE_QUANT_TOOLS_SQ_RUN_LANGUAGEMODEL_H
