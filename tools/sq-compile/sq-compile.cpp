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

static cl::opt<std::string> input(cl::Positional, cl::Required,
                                  cl::desc("<model.mlir>"),
                                  cl::cat(category));
static cl::opt<std::string>
    output("o", cl::desc("Output file; the weight file and the C header get "
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
               clEnumValN(EmitKind::Object, "obj", "an object file and model.h"),
               clEnumValN(EmitKind::SharedLibrary, "so",
                          "a shared library and model.h (default)")),
    cl::init(EmitKind::SharedLibrary), cl::cat(category));
static cl::opt<std::string>
    target("target",
           cl::desc("'native', a CPU name of this architecture such as "
                    "icelake-server, or triple:cpu"),
           cl::value_desc("target"), cl::init("native"), cl::cat(category));
static cl::opt<std::string> modelName("name",
                                      cl::desc("Name of the model in the artifact"),
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

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  mlir::registerAsmPrinterCLOptions();
  mlir::registerMLIRContextCLOptions();
  mlir::registerPassManagerCLOptions();
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv,
      "compiles a transformer, sparse and quantized, ahead of time\n\n"
      "  sq-compile model.mlir -o model.so\n");

  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry);
  // One line an error; the op can be thousands of lines of loops.
  context.printOpOnDiagnostic(false);
  llvm::SourceMgr sources;
  mlir::SourceMgrDiagnosticHandler diagnostics(sources, &context);
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::parseSourceFile<mlir::ModuleOp>(input, sources, &context);
  if (!module)
    return 1;

  CompileOptions options;
  options.emit = emitKind;
  options.output = output.empty()
                       ? std::string("model.") + getExtension(emitKind)
                       : output;
  options.target = target;
  options.modelName = modelName;
  options.openmp = openmp;
  options.runtime = runtime.empty() ? findRuntime(argv[0]) : runtime;
  return failed(compile(*module, options));
}
