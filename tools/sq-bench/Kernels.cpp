//===- Kernels.cpp - sq-bench kernels -------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Failure.h"
#include "Layer.h"
#include "Roofline.h"

#include "sparse-quant/Numerics/Format.h"
#include "sparse-quant/Numerics/Pattern.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/WithColor.h"

#include <benchmark/benchmark.h>

#include <cmath>

using namespace llvm;
using namespace sqbench;
using sqrun::makeError;

namespace {

/// A folder that goes away with the program.
struct TemporaryFolder {
  ~TemporaryFolder() {
    if (!path.empty())
      sys::fs::remove_directories(path);
  }
  SmallString<128> path;
};

/// A layer that is compiled when its first benchmark runs.
class LazyLayer {
public:
  LazyLayer(LayerSpec spec, KernelOptions options)
      : spec(std::move(spec)), options(std::move(options)) {}

  Expected<OpenLayer *> get();

  const LayerSpec spec;
  const KernelOptions options;
  /// NaN if it was there already.
  double compileSeconds = NAN;

private:
  Error make(StringRef folder);

  std::unique_ptr<OpenLayer> opened;
  /// The first error; it is the same one every time.
  std::string failure;
};

} // namespace

static StringRef temporaryFolder() {
  static TemporaryFolder folder;
  if (folder.path.empty())
    sys::fs::createUniqueDirectory("sq-bench", folder.path);
  return folder.path;
}

/// Whether `path` was made after this program was.
static bool isNewerThanProgram(const Twine &path) {
  static int anchor;
  sys::fs::file_status file, program;
  return !sys::fs::status(path, file) &&
         !sys::fs::status(sys::fs::getMainExecutable(nullptr, &anchor),
                          program) &&
         file.getLastModificationTime() > program.getLastModificationTime();
}

Error LazyLayer::make(StringRef folder) {
  if (isNewerThanProgram(folder + "/layer.so"))
    return Error::success();
  sys::fs::remove_directories(folder);
  if (std::error_code code = sys::fs::create_directories(folder))
    return makeError("cannot make the folder '" + folder +
                     "': " + code.message());
  Expected<double> seconds =
      compileLayer(spec, options.target, options.preferKernel, folder);
  if (!seconds)
    return seconds.takeError();
  compileSeconds = *seconds;
  return Error::success();
}

Expected<OpenLayer *> LazyLayer::get() {
  if (opened)
    return opened.get();
  if (!failure.empty())
    return makeError(failure);
  std::string name = options.target + "/" + spec.name();
  if (!options.preferKernel.empty())
    name += "/" + options.preferKernel;
  for (char &c : name)
    c = c == '/' || c == ':' ? '_' : c;
  SmallString<128> folder(options.artifacts.empty() ? temporaryFolder()
                                                    : options.artifacts);
  sys::path::append(folder, name);
  auto open = [&]() -> Error {
    if (Error error = make(folder))
      return error;
    auto layer = OpenLayer::open(
        folder, options.workingSet ? options.workingSet : getUncachedSize(),
        options.threads);
    if (!layer)
      return layer.takeError();
    opened = std::move(*layer);
    return Error::success();
  };
  if (Error error = open()) {
    failure = toString(std::move(error));
    return makeError(failure);
  }
  return opened.get();
}

static void runLayer(benchmark::State &state, LazyLayer &lazy, int64_t m) {
  Expected<OpenLayer *> layer = lazy.get();
  if (!layer)
    return fail(state, layer.takeError());
  Roofline roofline = getRoofline(lazy.options.threads);
  // The first call for this number of rows makes its inputs and buffers.
  if (Error error = (*layer)->call(m))
    return fail(state, std::move(error));
  auto start = std::chrono::steady_clock::now();
  int64_t calls = 0;
  for (auto _ : state) {
    if (Error error = (*layer)->call(m))
      return fail(state, std::move(error));
    ++calls;
  }
  double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count() /
      static_cast<double>(std::max<int64_t>(calls, 1));

  const LayerSpec &spec = lazy.spec;
  const sq_layer_desc *desc = (*layer)->layer();
  double elements = static_cast<double>(spec.rows * spec.cols);
  double bytes = desc ? static_cast<double>(desc->packed_bytes) : elements * 4;
  double ops = 2 * elements * static_cast<double>(m);
  bool isInteger = spec.activations != "f32";
  auto &counters = state.counters;
  counters["MB"] = bytes / 1e6;
  counters["GB/s"] = bytes / seconds / 1e9;
  counters["Gweights/s"] = elements / seconds / 1e9;
  counters["Gops"] = ops / seconds / 1e9;
  counters["read%"] = 100 * bytes / seconds / roofline.read;
  counters["peak%"] =
      100 * ops / seconds / (isInteger ? roofline.int8 : roofline.f32);
  counters["read_GB/s"] = roofline.read / 1e9;
  counters["int8_Gops"] = roofline.int8 / 1e9;
  counters["f32_Gops"] = roofline.f32 / 1e9;
  counters["compile_s"] = lazy.compileSeconds;
  counters["predicted_us"] = (*layer)->getPrediction(m);
  state.SetLabel(desc ? desc->kernel : "f32");
}

//===----------------------------------------------------------------------===//
// The grid
//===----------------------------------------------------------------------===//

static Error parseShape(StringRef text, LayerSpec &spec) {
  auto [rows, cols] = text.split('x');
  constexpr int64_t limit = 1 << 20;
  if (rows.getAsInteger(10, spec.rows) || cols.getAsInteger(10, spec.cols) ||
      spec.rows < 1 || spec.cols < 1 || spec.rows > limit || spec.cols > limit)
    return makeError("--shapes has '" + text +
                     "', expected NxK, each from 1 to 1048576");
  return Error::success();
}

/// What activations can't be quantized for.
static bool isFloat(StringRef weights) {
  return weights == "f32" || weights == "f16" || weights == "bf16";
}

static Error checkFormat(const char *option, const std::string &text) {
  if (text == "f32" || mlir::sq::numerics::parseFormat(text))
    return Error::success();
  return makeError(Twine("--") + option + " has '" + text +
                   "', expected f32 or a format such as int8.row, "
                   "int4.g64.f16 or mx.e2m1fn");
}

static Error checkGrid(const KernelOptions &options) {
  if (StringRef(options.target).starts_with("cuda:"))
    return makeError("--target has '" + options.target +
                     "', and the time of a call with copies says little of a "
                     "GPU; tools/sq-bench/gpu/build.py measures it");
  for (const std::string &text : options.weights)
    if (!isFloat(text))
      if (Error error = checkFormat("weights", text))
        return error;
  for (const std::string &text : options.activations)
    if (Error error = checkFormat("activations", text))
      return error;
  for (const std::string &text : options.patterns)
    if (text != "dense" && !mlir::sq::numerics::parsePattern(text))
      return makeError("--patterns has '" + text +
                       "', expected dense or a pattern such as nm2:4, "
                       "unstructured0.5.row or block16x4.0.75");
  for (int64_t m : options.m)
    if (m < 1 || m > 1 << 16)
      return makeError("--m has " + Twine(m) + ", expected 1 to 65536");
  return Error::success();
}

Error sqbench::registerKernels(const KernelOptions &options) {
  if (Error error = checkGrid(options))
    return error;
  bool skipped = false;
  for (const std::string &shape : options.shapes)
    for (const std::string &weights : options.weights)
      for (const std::string &pattern : options.patterns)
        for (const std::string &activations : options.activations) {
          LayerSpec spec = {0, 0, weights, pattern, activations};
          if (Error error = parseShape(shape, spec))
            return error;
          if (isFloat(weights) && activations != "f32") {
            skipped = true;
            continue;
          }
          auto layer = std::make_shared<LazyLayer>(spec, options);
          for (int64_t m : options.m)
            benchmark::RegisterBenchmark(
                ("kernels/" + spec.name() + "/m:" + std::to_string(m)).c_str(),
                [layer, m](benchmark::State &state) {
                  runLayer(state, *layer, m);
                })
                ->UseRealTime()
                ->Unit(benchmark::kMicrosecond);
        }
  if (skipped)
    WithColor::note(errs(), "sq-bench")
        << "f32 weights go with f32 activations only; the other combinations "
           "are left out\n";
  return Error::success();
}
