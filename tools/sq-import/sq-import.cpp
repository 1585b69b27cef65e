//===- sq-import.cpp - Trained models to IR -------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "sparse-quant/Import/Import.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/WithColor.h"

namespace cl = llvm::cl;
using namespace mlir::sq;

static cl::OptionCategory category("sq-import options");

static cl::opt<std::string>
    input(cl::Positional, cl::Required,
          cl::desc("<Hugging Face folder or llama2.c .bin>"),
          cl::cat(category));
static cl::opt<std::string>
    output("o", cl::desc("Output file (default: -, standard output)"),
           cl::value_desc("file"), cl::init("-"), cl::cat(category));
static cl::opt<int64_t>
    maxSeq("max-seq",
           cl::desc("Positions of the KV caches (default: the model's maximum, "
                    "at most 2048)"),
           cl::value_desc("n"), cl::init(0), cl::cat(category));
static cl::opt<KVCacheType> kvCache(
    "kv-cache",
    cl::desc("Elements of the caches of keys and values "
             "(default: f32)"),
    cl::values(clEnumValN(KVCacheType::F32, "f32", "as they are computed"),
               clEnumValN(KVCacheType::F16, "f16", "half the memory"),
               clEnumValN(KVCacheType::Int8, "int8",
                          "a quarter; a scale for each token and head")),
    cl::init(KVCacheType::F32), cl::cat(category));

namespace {
enum Function { Prefill, Decode };
} // namespace
static cl::list<Function> functions(
    "functions",
    cl::desc("Functions to import, separated by commas (default: both)"),
    cl::values(clEnumValN(Prefill, "prefill", "any number of tokens a call"),
               clEnumValN(Decode, "decode", "one token a call")),
    cl::CommaSeparated, cl::cat(category));

static int fail(llvm::StringRef message) {
  llvm::WithColor::error(llvm::errs(), "sq-import") << message << "\n";
  return 1;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv,
      "imports a trained model: a Hugging Face folder of the Llama family, or\n"
      "a llama2.c checkpoint; weights stay in their files\n\n"
      "  sq-import model/ -o model.mlir\n");
  if (maxSeq.getNumOccurrences() && maxSeq < 1)
    return fail("--max-seq is " + std::to_string(maxSeq) +
                ", expected a positive number");
  ImportOptions options;
  options.maxSeq = maxSeq;
  options.kvCache = kvCache;
  if (!functions.empty()) {
    options.prefill = llvm::is_contained(functions, Prefill);
    options.decode = llvm::is_contained(functions, Decode);
  }
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto module = importModel(context, input, options);
  if (!module)
    return fail(llvm::toString(module.takeError()));
  if (failed(mlir::verify(**module)))
    return 1;
  std::error_code error;
  llvm::ToolOutputFile file(output, error, llvm::sys::fs::OF_Text);
  if (error)
    return fail("cannot write '" + output + "': " + error.message());
  (*module)->print(file.os());
  file.os() << "\n";
  file.keep();
  return 0;
}
