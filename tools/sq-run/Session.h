//===- Session.h - An open model and a context ------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TOOLS_SQ_RUN_SESSION_H
#define SPARSE_QUANT_TOOLS_SQ_RUN_SESSION_H

#include "HostTensor.h"
#include "sparse-quant-c/artifact.h"

#include <memory>

namespace sqrun {

/// What the subcommands share.
struct SessionOptions {
  std::string model;
  /// Empty means beside the model.
  std::string weights;
  /// 0 means the OpenMP runtime's choice.
  int threads = 0;
  /// CPU of the variant to take; empty means the best that runs here.
  std::string variant;
  /// Check all of the weight file, not only its header.
  bool verify = false;
};

class Session {
public:
  static llvm::Expected<std::unique_ptr<Session>>
  open(const SessionOptions &options);
  ~Session();
  Session(const Session &) = delete;

  const sq_artifact_desc &descriptor() const { return *api->descriptor(model); }
  const sq_api &getApi() const { return *api; }
  /// The function, or an error that lists those there are.
  llvm::Expected<const sq_function_desc *> find(llvm::StringRef name) const;
  /// Runs a function. `inputs` are its inputs without the states.
  llvm::Error call(const sq_function_desc &function,
                   llvm::MutableArrayRef<HostTensor> inputs,
                   llvm::MutableArrayRef<HostTensor> results);
  /// Zeroes the states.
  llvm::Error reset();

private:
  Session() = default;
  llvm::Expected<const sq_artifact_desc *> findVariant(llvm::StringRef cpu);
  llvm::Error fail(sq_status status, llvm::StringRef message) const;

  void *library = nullptr;
  const sq_api *api = nullptr;
  sq_model *model = nullptr;
  sq_context *context = nullptr;
};

/// Variant `index` of the artifact, null if there is none; an artifact from
/// before there were variants has none. `whyNot` is why this CPU can't run it.
const sq_artifact_desc *getVariant(const sq_api &api, uint32_t index,
                                   std::string &whyNot);

/// The inputs of `function`, in order.
std::vector<const sq_tensor_desc *> inputsOf(const sq_function_desc &function);

/// Makes tensors for the results, whose symbolic extents come from `inputs`.
/// Inputs that don't fit the signature are left for the runtime to refuse.
llvm::Expected<std::vector<HostTensor>>
makeResults(const sq_function_desc &function,
            llvm::ArrayRef<HostTensor> inputs);

/// "tokens: i32[T]".
std::string describe(const sq_tensor_desc &desc,
                     const sq_function_desc &function);

} // namespace sqrun

#endif // SPARSE_QUANT_TOOLS_SQ_RUN_SESSION_H
