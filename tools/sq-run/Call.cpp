//===- Call.cpp - sq-run call ---------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Npy.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <cmath>
#include <cstdio>

using namespace llvm;
using namespace sqrun;

using TensorMap = std::map<std::string, HostTensor>;

/// An input given as a number on the command line.
static std::optional<HostTensor> parseScalar(StringRef text) {
  if (int64_t value; !text.getAsInteger(0, value)) {
    HostTensor tensor(kI64, {});
    *tensor.data<int64_t>() = value;
    return tensor;
  }
  return std::nullopt;
}

/// All that the command line gives, by name.
static Expected<TensorMap> readInputs(const CallOptions &options) {
  TensorMap tensors;
  if (!options.inputsFile.empty()) {
    Expected<TensorMap> archive = readNpz(options.inputsFile);
    if (!archive)
      return archive.takeError();
    tensors = std::move(*archive);
  }
  for (StringRef input : options.inputs) {
    auto [name, value] = input.split('=');
    if (name.empty() || value.empty())
      return makeError("--input '" + input + "' isn't name=file.npy");
    if (std::optional<HostTensor> scalar = parseScalar(value)) {
      tensors[name.str()] = std::move(*scalar);
      continue;
    }
    Expected<HostTensor> tensor = readNpy(value);
    if (!tensor)
      return tensor.takeError();
    tensors[name.str()] = std::move(*tensor);
  }
  return tensors;
}

/// The tensors in the order of the function's inputs, with its types.
static Expected<std::vector<HostTensor>>
arrangeInputs(const sq_function_desc &function, TensorMap tensors) {
  std::vector<HostTensor> inputs;
  for (const sq_tensor_desc *desc : inputsOf(function)) {
    auto it = tensors.find(desc->name);
    if (it == tensors.end())
      return makeError("function '" + Twine(function.name) +
                       "' needs the input '" + describe(*desc, function) + "'");
    if (Error error = convertTo(it->second, typeOf(*desc), desc->name))
      return std::move(error);
    inputs.push_back(std::move(it->second));
    tensors.erase(it);
  }
  if (!tensors.empty())
    return makeError("function '" + Twine(function.name) + "' has no input '" +
                     tensors.begin()->first + "'");
  return inputs;
}

/// Splits "name=path" into the index of that result and the path.
static Expected<std::pair<size_t, StringRef>>
splitResult(const sq_function_desc &function, StringRef text) {
  auto [name, path] = text.split('=');
  if (path.empty() && function.num_results == 1)
    return std::pair<size_t, StringRef>(0, name);
  for (uint32_t i = 0; i < function.num_results; ++i)
    if (name == function.results[i].name && !path.empty())
      return std::pair<size_t, StringRef>(i, path);
  return makeError("'" + text + "' isn't name=file.npy with a result of '" +
                   function.name + "'");
}

/// Short, as "%g" does it, but all the digits that a float has.
static std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

static void print(StringRef name, const HostTensor &tensor, raw_ostream &os) {
  // More numbers than this nobody reads.
  constexpr int64_t limit = 1024;
  os << name << ": " << tensor.describe() << " =";
  int64_t count = tensor.numElements();
  for (int64_t i = 0; i < std::min(count, limit); ++i)
    os << " " << number(tensor.element(i));
  os << (count > limit ? " ...\n" : "\n");
}

/// Compares like NumPy's allclose, with NaN equal to NaN.
static Error compare(StringRef name, const HostTensor &actual,
                     const HostTensor &expected, const CallOptions &options,
                     raw_ostream &os) {
  if (actual.shape != expected.shape)
    return makeError("result '" + name + "' is " + actual.describe() +
                     ", expected " + expected.describe());
  int64_t bad = 0, worst = 0;
  double worstExcess = -1, largest = 0;
  for (int64_t i = 0, e = actual.numElements(); i < e; ++i) {
    double a = actual.element(i), b = expected.element(i);
    if (a == b || (std::isnan(a) && std::isnan(b)))
      continue;
    double difference = std::abs(a - b);
    double excess = difference - options.atol - options.rtol * std::abs(b);
    // Infinity against a number, or NaN against one.
    if (std::isnan(excess) || std::isinf(difference))
      excess = difference = HUGE_VAL;
    largest = std::max(largest, difference);
    bad += excess > 0;
    if (excess > worstExcess) {
      worstExcess = excess;
      worst = i;
    }
  }
  if (bad)
    return makeError(formatv("result '{0}' differs in {1} of {2} elements; "
                             "worst is element {3}: {4}, expected {5}",
                             name, bad, actual.numElements(), worst,
                             number(actual.element(worst)),
                             number(expected.element(worst)))
                         .str());
  os << formatv("{0}: {1} elements as expected, largest difference {2}\n", name,
                actual.numElements(), number(largest));
  return Error::success();
}

static Error finish(const sq_function_desc &function,
                    MutableArrayRef<HostTensor> results,
                    const CallOptions &options, raw_ostream &os) {
  if (options.print)
    for (uint32_t i = 0; i < function.num_results; ++i)
      print(function.results[i].name, results[i], os);
  for (StringRef output : options.outputs) {
    auto target = splitResult(function, output);
    if (!target)
      return target.takeError();
    if (Error error = writeNpy(target->second, results[target->first]))
      return error;
  }
  for (StringRef expected : options.expected) {
    auto source = splitResult(function, expected);
    if (!source)
      return source.takeError();
    auto [index, path] = *source;
    Expected<HostTensor> tensor = readNpy(path);
    if (!tensor)
      return tensor.takeError();
    // A reference may be more precise; only opaque bytes need a type.
    if (tensor->dtype.code == UINT8_MAX)
      if (Error error = convertTo(*tensor, results[index].dtype, path))
        return error;
    if (Error error = compare(function.results[index].name, results[index],
                              *tensor, options, os))
      return error;
  }
  return Error::success();
}

Error sqrun::runCall(const SessionOptions &sessionOptions,
                     const CallOptions &options, raw_ostream &os) {
  auto session = Session::open(sessionOptions);
  if (!session)
    return session.takeError();
  auto function = (*session)->find(options.function);
  if (!function)
    return function.takeError();
  Expected<TensorMap> tensors = readInputs(options);
  if (!tensors)
    return tensors.takeError();
  auto inputs = arrangeInputs(**function, std::move(*tensors));
  if (!inputs)
    return inputs.takeError();
  auto results = makeResults(**function, *inputs);
  if (!results)
    return results.takeError();

  std::vector<double> times;
  for (unsigned i = 0; i < std::max(options.repeat, 1u); ++i) {
    auto start = std::chrono::steady_clock::now();
    if (Error error = (*session)->call(**function, *inputs, *results))
      return error;
    times.push_back(std::chrono::duration<double, std::micro>(
                        std::chrono::steady_clock::now() - start)
                        .count());
  }
  if (times.size() > 1) {
    llvm::sort(times);
    os << formatv("{0} calls: min {1:F1} us, median {2:F1} us\n", times.size(),
                  times.front(), times[times.size() / 2]);
  }
  return finish(**function, *results, options, os);
}
