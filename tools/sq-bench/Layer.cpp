//===- Layer.cpp - One linear layer, compiled -----------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "sparse-quant/InitAll.h"
#include "sparse-quant/Pipelines/Compile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>

using namespace llvm;
using namespace sqbench;
using namespace sqrun;

/// No larger number of rows of activations is measured.
static constexpr int64_t maxRows = 1 << 16;

/// What the compiler says of the layer, beside it.
static constexpr StringLiteral kReport = "report.json";

std::string LayerSpec::name() const {
  return formatv("{0}x{1}/{2}/{3}/{4}", rows, cols, weights, pattern,
                 activations);
}

static std::string join(StringRef folder, StringRef name) {
  SmallString<128> path(folder);
  sys::path::append(path, name);
  return std::string(path);
}

static Error writeText(const std::string &path,
                       function_ref<void(raw_ostream &)> write) {
  std::error_code code;
  raw_fd_ostream os(path, code);
  if (!code)
    write(os);
  os.close();
  if (!code && os.has_error()) {
    code = os.error();
    os.clear_error();
  }
  return code ? makeError("cannot write '" + path + "': " + code.message())
              : Error::success();
}

/// Sums of four uniform numbers: near enough to a normal distribution, and much
/// faster, which counts at a billion weights.
static void writeWeights(const LayerSpec &spec, raw_ostream &os) {
  std::string header =
      formatv("{{\"layer.weight\":{{\"dtype\":\"F32\",\"shape\":[{0},{1}],"
              "\"data_offsets\":[0,{2}]}}",
              spec.rows, spec.cols, spec.rows * spec.cols * 4);
  header.resize((header.size() + 7) / 8 * 8, ' ');
  uint64_t size = header.size();
  os.write(reinterpret_cast<const char *>(&size), sizeof size) << header;
  uint64_t state = 0x9e3779b97f4a7c15;
  std::vector<float> row(spec.cols);
  for (int64_t i = 0; i < spec.rows; ++i) {
    for (float &value : row) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      int64_t sum = int64_t(state & 0xffff) + (state >> 16 & 0xffff) +
                    (state >> 32 & 0xffff) + (state >> 48) - 2 * 0xffff;
      value = static_cast<float>(sum) * 1e-6f;
    }
    os.write(reinterpret_cast<const char *>(row.data()), row.size() * 4);
  }
}

static void writeRecipe(const LayerSpec &spec, raw_ostream &os) {
  os << "rules:\n  - match: layer\n";
  if (!spec.isDense())
    os << "    sparsity:\n      pattern: " << spec.pattern << "\n";
  if (spec.weights != "f32")
    os << "    weights: " << spec.weights << "\n";
  if (spec.activations != "f32")
    os << "    activations: " << spec.activations << "\n";
}

static std::string moduleText(const LayerSpec &spec) {
  std::string text = "#x = affine_map<(m, n, k) -> (m, k)>\n"
                     "#w = affine_map<(m, n, k) -> (n, k)>\n"
                     "#y = affine_map<(m, n, k) -> (m, n)>\n";
  for (bool isPrefill : {false, true}) {
    std::string m = isPrefill ? "?" : "1";
    std::string x = formatv("tensor<{0}x{1}xf32>", m, spec.cols);
    std::string w = formatv("tensor<{0}x{1}xf32>", spec.rows, spec.cols);
    std::string y = formatv("tensor<{0}x{1}xf32>", m, spec.rows);
    const char *dims = isPrefill ? ", sq.dims = [\"M\", \"\"]" : "";
    text += formatv("func.func @{0}(%x: {1} {{sq.name = \"x\"{2}}) -> ({3} "
                    "{{sq.name = \"y\"{2}})",
                    isPrefill ? "prefill" : "decode", x, dims, y);
    if (isPrefill)
      text += formatv(" attributes {{sq.symbol_max = {{M = {0}}}", maxRows);
    text += formatv(" {{\n  %w = sq.parameter \"layer.weight\" from "
                    "\"layer.safetensors\" : {0}\n"
                    "  %zero = arith.constant 0.0 : f32\n",
                    w);
    if (isPrefill)
      text += formatv("  %c0 = arith.constant 0 : index\n"
                      "  %m = tensor.dim %x, %c0 : {0}\n",
                      x);
    text +=
        formatv("  %e = tensor.empty({0}) : {1}\n"
                "  %i = linalg.fill ins(%zero : f32) outs(%e : {1}) -> {1}\n"
                "  %r = linalg.matmul indexing_maps = [#x, #w, #y] "
                "ins(%x, %w : {2}, {3}) outs(%i : {1}) -> {1}\n"
                "  return %r : {1}\n",
                isPrefill ? "%m" : "", y, x, w);
    text += "}\n";
  }
  return text;
}

Expected<double> sqbench::compileLayer(const LayerSpec &spec, StringRef target,
                                       StringRef preferKernel,
                                       StringRef folder) {
  std::string weightPath = join(folder, "layer.safetensors");
  FileRemover removeWeights(weightPath);
  if (Error error = writeText(weightPath,
                              [&](raw_ostream &os) { writeWeights(spec, os); }))
    return std::move(error);
  mlir::sq::CompileOptions options;
  options.output = join(folder, "layer.so");
  options.target = target;
  options.preferKernel = preferKernel;
  options.report = join(folder, kReport);
  options.weightsDir = folder;
  options.modelName = "layer";
  options.measureErrors = false;
  options.runtime = SQ_RUNTIME_LIBRARY;
  if (spec.weights != "f32" || !spec.isDense()) {
    options.recipe = join(folder, "recipe.yaml");
    if (Error error = writeText(
            options.recipe, [&](raw_ostream &os) { writeRecipe(spec, os); }))
      return std::move(error);
  }

  mlir::DialectRegistry registry;
  mlir::sq::registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  std::string errors;
  mlir::ScopedDiagnosticHandler handler(
      &context, [&](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
          errors += (errors.empty() ? "" : "; ") + diagnostic.str();
      });
  auto module = mlir::parseSourceString<mlir::ModuleOp>(
      moduleText(spec), mlir::ParserConfig(&context));
  if (!module)
    return makeError("cannot parse the module of " + spec.name() + ": " +
                     errors);
  auto start = std::chrono::steady_clock::now();
  if (failed(mlir::sq::compile(*module, options)))
    return makeError("cannot compile " + spec.name() + ": " +
                     (errors.empty() ? "no reason given" : errors));
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

//===----------------------------------------------------------------------===//
// OpenLayer
//===----------------------------------------------------------------------===//

/// What the report of a layer expects of its products: rows of activations and
/// microseconds.
static Expected<std::map<int64_t, double>> readPredictions(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path);
  if (std::error_code code = buffer.getError())
    return makeError("cannot read '" + path + "': " + code.message());
  Expected<json::Value> report = json::parse((*buffer)->getBuffer());
  if (!report)
    return report.takeError();
  std::map<int64_t, double> predictions;
  const json::Array *layers = nullptr, *uses = nullptr;
  if (const json::Object *object = report->getAsObject())
    layers = object->getArray("layers");
  if (layers && !layers->empty())
    uses = layers->front().getAsObject()->getArray("uses");
  if (!uses)
    return predictions;
  for (const json::Value &use : *uses)
    for (const json::Value &cost : *use.getAsObject()->getArray("predicted"))
      if (auto inputs = cost.getAsObject()->getInteger("inputs"))
        predictions[*inputs] =
            cost.getAsObject()->getNumber("ns").value_or(NAN) / 1e3;
  return predictions;
}

Expected<std::unique_ptr<OpenLayer>>
OpenLayer::open(StringRef folder, uint64_t workingSet, int threads) {
  std::unique_ptr<OpenLayer> result(new OpenLayer);
  std::string weights = join(folder, "layer.sqw");
  uint64_t size = 0;
  if (std::error_code code = sys::fs::file_size(weights, size))
    return makeError("cannot read '" + weights + "': " + code.message());
  uint64_t copies = (workingSet + size - 1) / std::max<uint64_t>(size, 1);
  for (uint64_t copy = 0; copy < std::max<uint64_t>(copies, 1); ++copy) {
    SessionOptions options;
    options.model = join(folder, "layer.so");
    options.threads = threads;
    if (copy) {
      options.weights = join(folder, ("copy" + Twine(copy) + ".sqw").str());
      if (!sys::fs::exists(options.weights))
        if (std::error_code code = sys::fs::copy_file(weights, options.weights))
          return makeError("cannot write '" + options.weights +
                           "': " + code.message());
    }
    auto session = Session::open(options);
    if (!session)
      return session.takeError();
    result->sessions.push_back(std::move(*session));
  }
  auto predictions = readPredictions(join(folder, kReport));
  if (!predictions)
    return predictions.takeError();
  result->predictions = std::move(*predictions);
  return result;
}

const sq_layer_desc *OpenLayer::layer() const {
  const sq_artifact_desc &descriptor = sessions.front()->descriptor();
  return descriptor.num_layers ? descriptor.layers : nullptr;
}

double OpenLayer::getPrediction(int64_t rows) const {
  auto found = predictions.find(rows);
  return found == predictions.end() ? NAN : found->second;
}

Error OpenLayer::prepare(int64_t rows) {
  functions.clear();
  for (auto &session : sessions) {
    auto function = session->find(rows == 1 ? "decode" : "prefill");
    if (!function)
      return function.takeError();
    functions.push_back(*function);
  }
  const sq_tensor_desc &x = functions.front()->args[0];
  inputs.clear();
  inputs.emplace_back(kF32, ArrayRef<int64_t>{rows, x.shape[1]});
  std::mt19937 engine(1);
  std::normal_distribution<float> normal;
  std::generate_n(inputs[0].data<float>(), inputs[0].numElements(),
                  [&] { return normal(engine); });
  auto made = makeResults(*functions.front(), inputs);
  if (!made)
    return made.takeError();
  results = std::move(*made);
  preparedRows = rows;
  // Every copy has a context of its own, whose first call makes its buffers.
  for (size_t copy = 0; copy < numCopies(); ++copy)
    if (Error error = sessions[copy]->call(*functions[copy], inputs, results))
      return error;
  return Error::success();
}

Error OpenLayer::call(int64_t rows) {
  if (rows != preparedRows)
    if (Error error = prepare(rows))
      return error;
  size_t copy = next++ % sessions.size();
  return sessions[copy]->call(*functions[copy], inputs, results);
}
