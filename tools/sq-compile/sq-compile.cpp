//===- sq-compile.cpp - Models to artifacts -------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "sparse-quant/Import/Import.h"
#include "sparse-quant/InitAll.h"
#include "sparse-quant/Pipelines/Compile.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;
using namespace mlir::sq;

static cl::OptionCategory category("sq-compile options");

static cl::opt<std::string>
    input(cl::Positional, cl::Required,
          cl::desc("<model folder, llama2.c .bin, or .mlir>"),
          cl::cat(category));
static cl::opt<std::string>
    output("o",
           cl::desc("Output file; the weight file and the C header get "
                    "its name (default: model.so, .o, .s, .ll or .mlir)"),
           cl::value_desc("file"), cl::cat(category));
static cl::opt<EmitKind> emitKind(
    "emit", cl::desc("What to write:"),
    cl::values(clEnumValN(EmitKind::MLIRSQ, "mlir-sq",
                          "sq IR: compressed, packed, kernels selected"),
               clEnumValN(EmitKind::MLIRLinalg, "mlir-linalg",
                          "linalg IR after the reference lowering"),
               clEnumValN(EmitKind::LLVMIR, "llvm", "optimized LLVM IR"),
               clEnumValN(EmitKind::Assembly, "asm", "assembly"),
               clEnumValN(EmitKind::Object, "obj",
                          "an object file and model.h"),
               clEnumValN(EmitKind::SharedLibrary, "so",
                          "a shared library and model.h (default)")),
    cl::init(EmitKind::SharedLibrary), cl::cat(category));
static cl::opt<std::string>
    target("target",
           cl::desc("'native', a CPU name of this architecture such as "
                    "icelake-server, or triple:cpu"),
           cl::value_desc("target"), cl::init("native"), cl::cat(category));
static cl::opt<std::string>
    recipe("recipe",
           cl::desc("YAML rules: which layers become sparse and quantized, and "
                    "how (docs/recipes.md)"),
           cl::value_desc("recipe.yaml"), cl::cat(category));
static cl::opt<std::string>
    report("report",
           cl::desc("Write a report a layer: pattern, format, errors of each "
                    "order, bytes, kernel, why not sparse"),
           cl::value_desc("report.json"), cl::cat(category));
static cl::opt<StudyOrder> study(
    "study-order",
    cl::desc("For measurements, not for use: dense f32 weights that were"),
    cl::values(clEnumValN(StudyOrder::SparsityFirst, "sparsity-first",
                          "masked, then quantized"),
               clEnumValN(StudyOrder::QuantizationFirst, "quantization-first",
                          "quantized, then masked by the quantized values"),
               clEnumValN(StudyOrder::Sparsity, "sparsity", "masked"),
               clEnumValN(StudyOrder::Quantization, "quantization",
                          "quantized")),
    cl::init(StudyOrder::None), cl::cat(category));
static cl::opt<bool>
    measureErrors("measure-errors",
                  cl::desc("Measure the errors of the report (on by default)"),
                  cl::init(true), cl::cat(category));
static cl::opt<int64_t>
    maxSeq("max-seq",
           cl::desc("Positions of the KV caches (default: the model's own)"),
           cl::value_desc("N"), cl::init(0), cl::cat(category));
static cl::opt<std::string>
    weightsDir("weights-dir",
               cl::desc("Folder of the weight files that the module names "
                        "(default: the model's)"),
               cl::value_desc("folder"), cl::cat(category));
static cl::opt<std::string>
    modelName("name", cl::desc("Name of the model in the artifact"),
              cl::value_desc("name"), cl::cat(category));
static cl::opt<bool> openmp("openmp",
                            cl::desc("Run layers on several threads by OpenMP"),
                            cl::init(true), cl::cat(category));
static cl::opt<std::string>
    runtime("runtime",
            cl::desc("The runtime to link (default: libSQRuntime.a of this "
                     "installation)"),
            cl::value_desc("libSQRuntime.a"), cl::cat(category));

static const char *getExtension(EmitKind kind) {
  switch (kind) {
  case EmitKind::MLIRSQ:
  case EmitKind::MLIRLinalg:
    return "mlir";
  case EmitKind::LLVMIR:
    return "ll";
  case EmitKind::Assembly:
    return "s";
  case EmitKind::Object:
    return "o";
  case EmitKind::SharedLibrary:
    return "so";
  }
  return "out";
}

/// libSQRuntime.a beside the bin/ directory of this program.
static std::string findRuntime(const char *program) {
  static int anchor;
  llvm::SmallString<128> path(
      llvm::sys::fs::getMainExecutable(program, &anchor));
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "..", "lib", "libSQRuntime.a");
  return std::string(path);
}

/// IR as it is; everything else through the importer.
static mlir::OwningOpRef<mlir::ModuleOp> loadModel(mlir::MLIRContext &context,
                                                   llvm::SourceMgr &sources) {
  llvm::StringRef extension = llvm::sys::path::extension(input);
  if (input == "-" || extension == ".mlir" || extension == ".mlirbc")
    return mlir::parseSourceFile<mlir::ModuleOp>(input, sources, &context);
  ImportOptions options;
  options.maxSeq = maxSeq;
  auto module = importModel(context, input, options);
  if (module)
    return std::move(*module);
  mlir::emitError(mlir::UnknownLoc::get(&context))
      << llvm::toString(module.takeError());
  return nullptr;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  mlir::registerAsmPrinterCLOptions();
  mlir::registerMLIRContextCLOptions();
  mlir::registerPassManagerCLOptions();
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv,
      "compiles a transformer, sparse and quantized, ahead of time\n\n"
      "  sq-compile model/ --recipe recipe.yaml -o model.so\n");

  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  // One line an error; the op can be thousands of lines of loops.
  context.printOpOnDiagnostic(false);
  llvm::SourceMgr sources;
  mlir::SourceMgrDiagnosticHandler diagnostics(sources, &context);
  mlir::OwningOpRef<mlir::ModuleOp> module = loadModel(context, sources);
  if (!module)
    return 1;

  CompileOptions options;
  options.emit = emitKind;
  options.output =
      output.empty() ? std::string("model.") + getExtension(emitKind) : output;
  options.target = target;
  options.modelName = modelName;
  options.openmp = openmp;
  options.weightsDir =
      weightsDir.empty() ? getWeightDirectory(input) : std::string(weightsDir);
  options.recipe = recipe;
  options.report = report;
  options.study = study;
  options.measureErrors = measureErrors;
  options.runtime = runtime.empty() ? findRuntime(argv[0]) : runtime;
  return failed(compile(*module, options));
}
