//===- Commands.h - What sq-run's subcommands do ----------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TOOLS_SQ_RUN_COMMANDS_H
#define SPARSE_QUANT_TOOLS_SQ_RUN_COMMANDS_H

#include "Sampler.h"
#include "Session.h"

namespace sqrun {

/// `sq-run info`: what is in a model.
llvm::Error runInfo(const SessionOptions &session, llvm::raw_ostream &os);

struct CallOptions {
  std::string function;
  /// "name=file.npy", or "name=3" for scalars.
  std::vector<std::string> inputs;
  /// An .npz file with inputs by name; "" for none.
  std::string inputsFile;
  /// "name=file.npy", or "file.npy" where there is one result.
  std::vector<std::string> outputs, expected;
  double rtol = 1e-4, atol = 0;
  bool print = false;
  /// Calls, of which the times are printed if there is more than one.
  unsigned repeat = 1;
};
/// `sq-run call`: one function on NumPy files.
llvm::Error runCall(const SessionOptions &session, const CallOptions &options,
                    llvm::raw_ostream &os);

struct GenerateOptions {
  std::string tokenizer, prompt;
  /// Tokens of the text, the prompt included; 0 means all there is room for.
  unsigned steps = 0;
  SamplerOptions sampler;
};
/// `sq-run generate`: text to `os` as it appears, speed to `log`.
llvm::Error runGenerate(const SessionOptions &session,
                        const GenerateOptions &options, llvm::raw_ostream &os,
                        llvm::raw_ostream &log);

struct PerplexityOptions {
  std::string tokenizer, text;
  /// Tokens of a window; 0 means the model's maximum.
  unsigned window = 0;
  /// Begin each window with BOS, so that its first token of text is scored.
  /// Otherwise BOS begins the text and is in the first window only.
  bool bos = false;
  bool json = false;
};
/// `sq-run perplexity`: how well a model predicts a text.
llvm::Error runPerplexity(const SessionOptions &session,
                          const PerplexityOptions &options,
                          llvm::raw_ostream &os);

} // namespace sqrun

#endif // SPARSE_QUANT_TOOLS_SQ_RUN_COMMANDS_H
