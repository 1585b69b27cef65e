// Parses a module and says how many masks it has.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  if (argc != 2) {
    llvm::errs() << "usage: count-masks module.mlir\n";
    return 1;
  }
  mlir::MLIRContext context;
  context.loadDialect<mlir::func::FuncDialect, mlir::sq::SQDialect>();
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(argv[1], &context);
  if (!module)
    return 1;
  int masks = 0;
  module->walk([&](mlir::sq::MaskOp) { ++masks; });
  llvm::outs() << masks << " masks\n";
}
