//===- sq-compile.cpp - Models to artifacts -------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Remarks.h"
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

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace cl = llvm::cl;
using namespace mlir::sq;

static cl::OptionCategory inputOptions("Input options");
static cl::OptionCategory compressionOptions("Compression options");
static cl::OptionCategory targetOptions("Target options");
static cl::OptionCategory outputOptions("Output options");

static cl::opt<std::string>
    input(cl::Positional, cl::Required,
          cl::desc("<Hugging Face folder, llama2.c .bin, or .mlir>"),
          cl::cat(inputOptions));
static cl::opt<int64_t>
    maxSeq("max-seq",
           cl::desc("Positions of the KV caches of an imported model (default: "
                    "the model's maximum, at most 2048)"),
           cl::value_desc("n"), cl::init(0), cl::cat(inputOptions));
static cl::opt<KVCacheType> kvCache(
    "kv-cache",
    cl::desc("Elements of the caches of keys and values of an imported model "
             "(default: f32)"),
    cl::values(clEnumValN(KVCacheType::F32, "f32", "as they are computed"),
               clEnumValN(KVCacheType::F16, "f16", "half the memory"),
               clEnumValN(KVCacheType::Int8, "int8",
                          "a quarter; a scale for each token and head")),
    cl::init(KVCacheType::F32), cl::cat(inputOptions));
static cl::opt<std::string>
    weightsDir("weights-dir",
               cl::desc("Folder of the weight files that the module names "
                        "(default: that of the input)"),
               cl::value_desc("folder"), cl::cat(inputOptions));

static cl::opt<std::string>
    recipe("recipe",
           cl::desc("YAML rules: which layers become sparse and quantized, and "
                    "how; see docs/recipes.md (default: none, all stay f32)"),
           cl::value_desc("recipe.yaml"), cl::cat(compressionOptions));
static cl::opt<StudyOrder> study(
    "study-order",
    cl::desc(
        "For measurements, not for use: store dense f32 weights that were"),
    cl::values(clEnumValN(StudyOrder::SparsityFirst, "sparsity-first",
                          "masked, then quantized"),
               clEnumValN(StudyOrder::QuantizationFirst, "quantization-first",
                          "quantized, then masked by the quantized values"),
               clEnumValN(StudyOrder::Sparsity, "sparsity", "masked only"),
               clEnumValN(StudyOrder::Quantization, "quantization",
                          "quantized only")),
    cl::init(StudyOrder::None), cl::cat(compressionOptions));

static cl::opt<std::string>
    target("target",
           cl::desc("CPU to compile for: 'native' (default, this machine), an "
                    "LLVM CPU name of this architecture such as "
                    "icelake-server, triple:cpu, or multi:cpu,cpu for several "
                    "in one artifact; or GPUs: cuda:sm_80,sm_90a"),
           cl::value_desc("cpu"), cl::init("native"), cl::cat(targetOptions));
static cl::opt<bool>
    openmp("openmp",
           cl::desc("Run layers on several threads, with libomp (default: "
                    "true)"),
           cl::init(true), cl::cat(targetOptions));
static cl::opt<std::string> preferKernel(
    "prefer-kernel",
    cl::desc("Take this kernel wherever it fits, not the one that is expected "
             "to be the fastest: cpu.tile-dot, or cpu.tile-panel:48 for "
             "48 rows of activations and more (default: none)"),
    cl::value_desc("kernel"), cl::cat(targetOptions));
static cl::opt<bool> sanitize(
    "sanitize-addresses",
    cl::desc("For tests, not for use: check each access of generated code with "
             "AddressSanitizer, whose runtime the program must have (default: "
             "false)"),
    cl::init(false), cl::cat(targetOptions));
static cl::opt<std::string>
    runtime("runtime",
            cl::desc("Runtime to link into the shared library (default: "
                     "libSQRuntime.a of this installation)"),
            cl::value_desc("libSQRuntime.a"), cl::cat(targetOptions));

static cl::opt<std::string>
    output("o",
           cl::desc("Output file; the weight file and the C header get its "
                    "name with .sqw and .h (default: model, with the extension "
                    "of what is written)"),
           cl::value_desc("file"), cl::cat(outputOptions));
static cl::opt<EmitKind> emitKind(
    "emit", cl::desc("What to write (default: so):"),
    cl::values(clEnumValN(EmitKind::SharedLibrary, "so",
                          "shared library, weight file, C header"),
               clEnumValN(EmitKind::Object, "obj",
                          "object, weight file, C header"),
               clEnumValN(EmitKind::Assembly, "asm", "assembly"),
               clEnumValN(EmitKind::LLVMIR, "llvm", "optimized LLVM IR"),
               clEnumValN(EmitKind::MLIRLinalg, "mlir-linalg",
                          "linalg IR after the reference lowering"),
               clEnumValN(EmitKind::MLIRSQ, "mlir-sq",
                          "sq IR: compressed, packed, kernels selected")),
    cl::init(EmitKind::SharedLibrary), cl::cat(outputOptions));
static cl::opt<std::string>
    modelName("name",
              cl::desc("Name of the model in artifact and header (default: the "
                       "module's)"),
              cl::value_desc("name"), cl::cat(outputOptions));
static cl::opt<std::string> report(
    "report",
    cl::desc("Write a JSON report of each layer: pattern, format, errors "
             "in both orders, bytes, kernel, why not sparse"),
    cl::value_desc("report.json"), cl::cat(outputOptions));
static cl::opt<bool>
    measureErrors("measure-errors",
                  cl::desc("Measure the errors of the report (default: true)"),
                  cl::init(true), cl::cat(outputOptions));

static cl::opt<bool> quiet("quiet",
                           cl::desc("Don't print what became of the layers "
                                    "(default: false)"),
                           cl::cat(outputOptions));
static cl::opt<bool>
    remarks("remarks",
            cl::desc("Print each decision on each layer, with its reason "
                     "(default: false)"),
            cl::cat(outputOptions));

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

/// libSQRuntime.a in the library folder that goes with the bin/ folder of this
/// program: lib/ in a build, perhaps lib64/ or another name once installed.
static std::string findRuntime(const char *program) {
  static int anchor;
  llvm::SmallString<128> bin(
      llvm::sys::fs::getMainExecutable(program, &anchor));
  llvm::sys::path::remove_filename(bin);
  llvm::SmallString<128> path;
  for (llvm::StringRef folder : {"lib", SQ_INSTALL_LIBDIR}) {
    path = bin;
    llvm::sys::path::append(path, "..", folder, "libSQRuntime.a");
    if (llvm::sys::fs::exists(path))
      break;
  }
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
  options.kvCache = kvCache;
  auto module = importModel(context, input, options);
  if (module)
    return std::move(*module);
  mlir::emitError(mlir::UnknownLoc::get(&context))
      << llvm::toString(module.takeError());
  return nullptr;
}

/// Layers are packed in thousands of blocks, whose buffers come and go. By
/// default each goes back to the operating system, and the next one pays for
/// page faults: a third of the time.
static void keepFreedMemory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20); // The largest that it takes.
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
#endif
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  keepFreedMemory();
  mlir::registerAsmPrinterCLOptions();
  mlir::registerMLIRContextCLOptions();
  mlir::registerPassManagerCLOptions();
  cl::HideUnrelatedOptions(
      {&inputOptions, &compressionOptions, &targetOptions, &outputOptions});
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
  // Without a filter of its own, a kind of remark isn't enabled.
  mlir::remark::RemarkCategories allRemarks{"sq-.*", "", "", "", ""};
  if (remarks &&
      failed(mlir::remark::enableOptimizationRemarks(
          context, /*streamer=*/nullptr,
          std::make_unique<mlir::remark::RemarkEmittingPolicyAll>(), allRemarks,
          /*printAsEmitRemarks=*/true)))
    return 1;
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
  options.preferKernel = preferKernel;
  options.sanitizeAddresses = sanitize;
  options.weightsDir =
      weightsDir.empty() ? getWeightDirectory(input) : std::string(weightsDir);
  options.recipe = recipe;
  options.report = report;
  options.summary = quiet ? nullptr : &llvm::errs();
  options.study = study;
  options.measureErrors = measureErrors;
  options.configurePasses = [](mlir::PassManager &passes) {
    return mlir::applyPassManagerCLOptions(passes);
  };
  options.runtime = runtime.empty() ? findRuntime(argv[0]) : runtime;
  options.runtimeIsHosts = runtime.empty();
  return failed(compile(*module, options));
}
