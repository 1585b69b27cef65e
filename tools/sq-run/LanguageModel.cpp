//===- LanguageModel.cpp - prefill and decode behind one call -------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LanguageModel.h"

#include <cstring>

using namespace llvm;
using namespace sqrun;

/// Checks the signature, so that what follows may rely on it.
static Error checkSignature(const sq_function_desc &function) {
  auto inputs = inputsOf(function);
  bool fits = inputs.size() == 2 && function.num_results == 1 &&
              typeOf(*inputs[0]) == kI32 && inputs[0]->rank == 1 &&
              typeOf(*inputs[1]) == kI64 && inputs[1]->rank == 0 &&
              typeOf(function.results[0]) == kF32 &&
              function.results[0].rank == 2 &&
              function.results[0].shape[0] == inputs[0]->shape[0] &&
              function.results[0].shape[1] > 0;
  if (fits)
    return Error::success();
  return makeError("function '" + Twine(function.name) +
                   "' isn't a language model's (tokens: i32[T], pos: i64[]) -> "
                   "logits: f32[T, vocab]");
}

Expected<LanguageModel> LanguageModel::create(Session &session) {
  LanguageModel model(session);
  const sq_artifact_desc &descriptor = session.descriptor();
  for (uint32_t i = 0; i < descriptor.num_functions; ++i) {
    const sq_function_desc &function = descriptor.functions[i];
    StringRef name = function.name;
    if (name != "prefill" && name != "decode")
      continue;
    if (Error error = checkSignature(function))
      return std::move(error);
    (name == "prefill" ? model.prefill : model.decode) = &function;
    int64_t vocab = function.results[0].shape[1];
    if (model.vocab && model.vocab != vocab)
      return makeError("prefill and decode have different vocabularies");
    model.vocab = vocab;
  }
  if (!model.vocab)
    return makeError("the model '" + Twine(descriptor.model_name) +
                     "' is no language model: it has neither a function "
                     "'prefill' nor 'decode'");
  if (model.decode && inputsOf(*model.decode)[0]->shape[0] != 1)
    return makeError("function 'decode' must take one token");
  return model;
}

int64_t LanguageModel::capacity() const {
  const sq_function_desc *function = decode ? decode : prefill;
  return function && function->pos_arg >= 0 ? function->capacity : 0;
}

int64_t LanguageModel::largestPrefill() const {
  if (!prefill)
    return capacity();
  int64_t extent = inputsOf(*prefill)[0]->shape[0];
  if (extent >= 0)
    return extent;
  int64_t limit = prefill->symbols[-1 - extent].max;
  if (int64_t positions = capacity();
      !limit || (positions && positions < limit))
    return positions;
  return limit;
}

Error LanguageModel::run(const sq_function_desc &function,
                         ArrayRef<int32_t> tokens, int64_t pos, size_t first,
                         function_ref<void(size_t, ArrayRef<float>)> take) {
  HostTensor inputs[2] = {{kI32, {static_cast<int64_t>(tokens.size())}},
                          {kI64, {}}};
  std::memcpy(inputs[0].data<int32_t>(), tokens.data(),
              tokens.size() * sizeof(int32_t));
  *inputs[1].data<int64_t>() = pos;
  Expected<std::vector<HostTensor>> results = makeResults(function, inputs);
  if (!results)
    return results.takeError();
  if (Error error = session->call(function, inputs, *results))
    return error;
  const float *logits = results->front().data<float>();
  for (size_t i = 0; i < tokens.size(); ++i)
    take(first + i, ArrayRef(logits + i * vocab, vocab));
  return Error::success();
}

Error LanguageModel::feed(ArrayRef<int32_t> tokens, int64_t pos,
                          function_ref<void(size_t, ArrayRef<float>)> take) {
  for (size_t first = 0; first < tokens.size();) {
    size_t left = tokens.size() - first, chunk = 1;
    const sq_function_desc *function = decode;
    // One token is what decode is for; a prefill of a fixed length only takes
    // that length.
    if (prefill && (left > 1 || !decode)) {
      int64_t extent = inputsOf(*prefill)[0]->shape[0];
      size_t limit = largestPrefill();
      if (extent < 0) {
        function = prefill;
        chunk = limit ? std::min(limit, left) : left;
      } else if (left >= limit) {
        function = prefill;
        chunk = limit;
      }
    }
    if (!function || chunk == 0)
      return makeError("'prefill' takes " + Twine(largestPrefill()) +
                       " tokens at once, " + Twine(left) +
                       " are left, and the model has no 'decode'");
    if (Error error = run(*function, tokens.slice(first, chunk), pos + first,
                          first, take))
      return error;
    first += chunk;
  }
  return Error::success();
}
