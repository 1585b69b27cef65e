//===- Session.cpp - An open model and a context --------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "sparse-quant-c/loader.h"
#include "llvm/ADT/StringExtras.h"

#include <cstddef>

using namespace llvm;
using namespace sqrun;

Expected<std::unique_ptr<Session>>
Session::open(const SessionOptions &options) {
  std::unique_ptr<Session> session(new Session);
  char message[1024] = "";
  sq_status status = sq_load_artifact(options.model.c_str(), &session->library,
                                      &session->api, message, sizeof message);
  if (status != SQ_OK)
    return makeError(message);
  const sq_api *api = session->api;
  const sq_artifact_desc *variant = nullptr;
  if (!options.variant.empty()) {
    Expected<const sq_artifact_desc *> found =
        session->findVariant(options.variant);
    if (!found)
      return found.takeError();
    variant = *found;
  }
  sq_open_options openOptions = {
      options.weights.empty() ? nullptr : options.weights.c_str(), variant,
      options.verify ? uint32_t(SQ_OPEN_VERIFY_WEIGHTS) : 0u, 0};
  status = api->open(&openOptions, &session->model, message, sizeof message);
  if (status == SQ_OK)
    status = api->context_create(session->model, &session->context, message,
                                 sizeof message);
  if (status != SQ_OK)
    return session->fail(status, message);
  status = api->context_set_threads(session->context, options.threads);
  if (status != SQ_OK)
    return session->fail(status, api->last_error(session->context));
  return session;
}

const sq_artifact_desc *sqrun::getVariant(const sq_api &api, uint32_t index,
                                          std::string &whyNot) {
  whyNot.clear();
  if (api.size <= offsetof(sq_api, variant))
    return nullptr;
  const sq_artifact_desc *variant;
  char message[512] = "";
  if (api.variant(index, &variant, message, sizeof message) != SQ_OK)
    whyNot = message;
  return variant;
}

Expected<const sq_artifact_desc *> Session::findVariant(StringRef cpu) {
  std::string names, whyNot;
  for (uint32_t i = 0; const auto *variant = getVariant(*api, i, whyNot); ++i) {
    if (cpu == variant->target_cpu)
      return variant;
    names += (i ? ", " : "") + std::string(variant->target_cpu);
  }
  return makeError("the model has no variant '" + cpu +
                   "'; it has: " + (names.empty() ? "none" : names));
}

Session::~Session() {
  if (api) {
    api->context_destroy(context);
    api->close(model);
  }
  sq_unload_artifact(library);
}

Error Session::fail(sq_status status, StringRef message) const {
  return makeError(message + " [" + api->status_name(status) + "]");
}

Expected<const sq_function_desc *> Session::find(StringRef name) const {
  if (const sq_function_desc *function =
          api->find_function(model, name.str().c_str()))
    return function;
  std::string names;
  for (uint32_t i = 0; i < api->num_functions(model); ++i)
    names += (i ? ", " : "") + std::string(api->function(model, i)->name);
  return makeError("the model has no function '" + name +
                   "'; it has: " + names);
}

Error Session::call(const sq_function_desc &function,
                    MutableArrayRef<HostTensor> inputs,
                    MutableArrayRef<HostTensor> results) {
  std::vector<sq_tensor> views;
  for (HostTensor &tensor : inputs)
    views.push_back(tensor.view());
  for (HostTensor &tensor : results)
    views.push_back(tensor.view());
  std::vector<const sq_tensor *> pointers;
  for (const sq_tensor &view : views)
    pointers.push_back(&view);
  sq_status status =
      api->call(context, &function, pointers.data(), inputs.size(),
                pointers.data() + inputs.size(), results.size());
  if (status != SQ_OK)
    return fail(status, api->last_error(context));
  return Error::success();
}

Error Session::reset() {
  sq_status status = api->context_reset(context);
  if (status != SQ_OK)
    return fail(status, "cannot reset the context");
  return Error::success();
}

std::vector<const sq_tensor_desc *>
sqrun::inputsOf(const sq_function_desc &function) {
  std::vector<const sq_tensor_desc *> inputs;
  for (uint32_t i = 0; i < function.num_args; ++i)
    if (function.args[i].kind == SQ_TENSOR_INPUT)
      inputs.push_back(&function.args[i]);
  return inputs;
}

Expected<std::vector<HostTensor>>
sqrun::makeResults(const sq_function_desc &function,
                   ArrayRef<HostTensor> inputs) {
  std::vector<int64_t> symbols(function.num_symbols, 0);
  for (auto [desc, tensor] : llvm::zip(inputsOf(function), inputs))
    for (size_t dim = 0; dim < desc->rank && dim < tensor.shape.size(); ++dim)
      if (desc->shape[dim] < 0)
        symbols[-1 - desc->shape[dim]] = tensor.shape[dim];
  std::vector<HostTensor> results;
  for (uint32_t i = 0; i < function.num_results; ++i) {
    const sq_tensor_desc &desc = function.results[i];
    std::vector<int64_t> shape(desc.shape, desc.shape + desc.rank);
    for (int64_t &extent : shape)
      if (extent < 0)
        extent = symbols[-1 - extent];
    if (!checkedSize(typeOf(desc), shape))
      return makeError("result '" + Twine(desc.name) + "' would be too large");
    results.emplace_back(typeOf(desc), shape);
  }
  return results;
}

std::string sqrun::describe(const sq_tensor_desc &desc,
                            const sq_function_desc &function) {
  std::string text =
      std::string(desc.name) + ": " + typeName(typeOf(desc)) + "[";
  for (uint32_t i = 0; i < desc.rank; ++i) {
    int64_t extent = desc.shape[i];
    text += i ? ", " : "";
    text += extent < 0 ? std::string(function.symbols[-1 - extent].name)
                       : std::to_string(extent);
  }
  return text + "]";
}
