//===----------------------------------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_CPU_PASSES_TD
#define SPARSE_QUANT_CODEGEN_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def DecodeActivations : Pass<"sq-decode-activations"> {
  let summary = "Quantized activations to what kernels multiply";
  let description = [{
    Of each `sq.matmul` with a kernel that multiplies in f32 (`cpu.tile-fma`,
    `cpu.decode-rows`), whatever the format of its activations: an
    `sq.dequantize` in front of it, which products of the same codes share. So
    each activation is rounded and decoded once, however many weights it meets,
    and kernels have one kind of activations. `convert-sq-to-linalg` makes
    `sq.quantize` and this `sq.dequantize` one loop, which stores no codes.

    f16 and bf16 activations, which have no format, are widened in the same place.

    Of each with a kernel that multiplies bytes, where codes are no bytes of
    integers (E2M1, E2M3, int4): an `sq.widen`, in the same way.

    Needs: `sq-select-kernels`, tensors.
    Guarantees: an `sq.matmul` with an activation format that is left has a
    kernel that multiplies integers, which finds them as i8, or `cpu.reference`.

    Before:
    ```mlir
    %q, %s = sq.quantize %x to fp8<f8E4M3FN, row>
    sq.matmul ins(%q, %s) ... {activationFormat = #sq.fp8<f8E4M3FN, row>, kernel = "cpu.tile-fma"}
    ```
    After:
    ```mlir
    %q, %s = sq.quantize %x to fp8<f8E4M3FN, row>
    %y = sq.dequantize %q, %s from fp8<f8E4M3FN, row>
    sq.matmul ins(%y) ... {kernel = "cpu.tile-fma"}
    ```
  }];
  let dependentDialects = ["::mlir::sq::SQDialect"];
}

def LowerLinear : Pass<"sq-lower-linear", "::mlir::ModuleOp"> {
  let summary = "Linear layers on memrefs to vector code";
  let description = [{
    Lowers `out += x * transpose(w)` on memrefs with static N and K, spelled as
    `linalg.matmul` with f32 operands or as `sq.matmul` with a kernel of the
    table that has a generator (docs/compile.md describes each), to an
    `scf.parallel` loop over blocks of rows of `w` with `vector` bodies. Tails
    are masked; nothing is read out of bounds. A pass on modules, because the
    tables that decode codes are globals which the functions share.

    Needs: bufferized functions, identity layouts in the innermost dimension.
    Guarantees: no `sq.matmul` with those kernels is left; other ops are untouched.

    Before:
    ```mlir
    linalg.matmul indexing_maps = [(m,n,k)->(m,k), (m,n,k)->(n,k), (m,n,k)->(m,n)]
        ins(%x, %w : memref<1x64xf32>, memref<32x64xf32>) outs(%y : memref<1x32xf32>)
    ```
    After:
    ```mlir
    scf.parallel (%n) = (%c0) to (%c32) step (%c4) {
      %acc = scf.for %k = %c0 to %c64 step %c16 iter_args(...) {
        vector.load, vector.load, vector.fma
      }
      vector.reduction <add>, ...
    }
    ```
  }];
  let options = [
    Option<"lanes", "lanes", "unsigned", /*default=*/"16",
           "f32 lanes of a vector register of the target, for a module that "
           "has none">,
    Option<"isa", "isa", "::mlir::sq::VectorISA",
           /*default=*/"::mlir::sq::VectorISA::None",
           "what the target has beyond generic vectors, for a module that "
           "has none",
           [{::mlir::sq::getVectorISAValues()}]>,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def ApproximateMath : Pass<"sq-approximate-math"> {
  let summary = "exp, tanh and erf to polynomials, so that their loops vectorize";
  let description = [{
    A call of libm for each element keeps the loop around it scalar. The
    polynomials are upstream's; their errors, which a test bounds: `exp` 1 unit in
    the last place from -87 to 10, 4 above, and 0 for what would be subnormal;
    `tanh` and `erf` 5. `sin` and `cos` keep their calls: positions times
    frequencies are large, and their reduction has to be exact.

    Before:
    ```mlir
    %y = math.exp %x : f32
    ```
    After:
    ```mlir
    %k = math.floor %t : f32
    %p = math.fma %r, %c5, %c4 : f32
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def LowerAttention : Pass<"sq-lower-attention", "::mlir::ModuleOp"> {
  let summary = "sq.attention on memrefs to functions of vector code";
  let description = [{
    Makes a function for each kind of `sq.attention` (ops that differ in their
    layer only share one) and calls it. It appends to the caches and computes
    blocks of rows with an online softmax, in one pass over keys and values: a
    row of scores is never in memory. Heads run on several threads where there
    is work for them.

    Needs: bufferized functions, innermost strides of 1.
    Guarantees: no `sq.attention` is left. `math.exp` on vectors is.

    Before:
    ```mlir
    sq.attention ins(%q, %k, %v : ...) at %pos outs(%y : ...) caches(%kc, %vc : ...)
        {layer = 3, scale = 0.125 : f32}
    ```
    After:
    ```mlir
    %c3 = arith.constant 3 : index
    func.call @sq_attention0(%q, %k, %v, %pos, %y, %kc, %vc, %c3) : (...) -> ()
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def PlanBuffers : Pass<"sq-plan-buffers", "::mlir::func::FuncOp"> {
  let summary = "One piece of memory for all temporaries of a function";
  let description = [{
    Buffers of static size that live at the same time get places beside each
    other, others share one: first fit, in order of allocation. What a function
    needs is then known, and is on its stack if it is small, else allocated once
    a call. Buffers of dynamic size, and those of loop bodies, stay as they are.

    Needs: each `memref.dealloc` where its buffer dies (upstream's
    `optimize-allocation-liveness`), in the block of the `memref.alloc`.

    Before:
    ```mlir
    %0 = memref.alloc() : memref<1x64xf32>
    ... // uses %0
    memref.dealloc %0 : memref<1x64xf32>
    %1 = memref.alloc() : memref<1x32xf32>
    ... // uses %1
    memref.dealloc %1 : memref<1x32xf32>
    ```
    After:
    ```mlir
    %m = memref.alloca() {alignment = 64 : i64} : memref<256xi8>
    %0 = memref.view %m[%c0][] : memref<256xi8> to memref<1x64xf32>
    ... // uses %0
    %1 = memref.view %m[%c0][] : memref<256xi8> to memref<1x32xf32>
    ... // uses %1
    ```
  }];
  let options = [
    Option<"stackBytes", "stack-bytes", "unsigned", /*default=*/"65536",
           "Size up to which the memory is on the stack">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

def CountParallelRegions
    : Pass<"sq-count-parallel-regions", "::mlir::ModuleOp"> {
  let summary = "Say how often a call of each function starts threads";
  let description = [{
    Sets `sq.parallel_regions` on each public function: how many
    `omp.parallel` one call runs at most, those of callees included and those
    of loops counted once an iteration. Between two of them the threads wait
    for each other, so of a decode step that takes microseconds there should
    be few. Of branches the one with more counts; parallel regions within
    others start no threads. Where the number of iterations isn't constant, a
    missed remark says so instead.

    Before:
    ```mlir
    func.func @f() {
      scf.for %i = %c0 to %c4 step %c1 {
        omp.parallel {
          omp.terminator
        }
      }
      return
    }
    ```
    After:
    ```mlir
    func.func @f() attributes {sq.parallel_regions = 4 : i32} {
    ```
  }];
}

def ParallelizeRows : Pass<"sq-parallelize-rows", "::mlir::func::FuncOp"> {
  let summary = "Large linalg ops around layers to parallel loops over rows";
  let description = [{
    Norms, activation functions, residuals and quantizing activations are done
    for each row, and with many rows there is work for several threads. A
    `linalg` op on memrefs whose outermost dimension is parallel becomes an
    `scf.parallel` over parts of its rows, of about `part-work` ops each, if it
    has at least `min-work` ops, an element of the iteration space counted as
    its body's. Where the number of rows is known only when the code runs, the
    code compares; the other branch does all rows as one part, so the same
    function serves both (`sq-outline-kernels`). Products are left to their
    kernels, and so are ops whose inner extents aren't known.

    Before:
    ```mlir
    linalg.generic #rows ins(%x : memref<?x4096xf32>)
        outs(%y : memref<?x4096xf32>) {...}
    ```
    After:
    ```mlir
    scf.if %large {
      scf.parallel (%i) = (%c0) to (%n) step (%c8) {
        %xs = memref.subview %x[%i, 0] [%size, 4096] [1, 1] : ...
        %ys = memref.subview %y[%i, 0] [%size, 4096] [1, 1] : ...
        linalg.generic #rows ins(%xs : ...) outs(%ys : ...) {...}
      }
    } else {
      scf.for %i = %c0 to %n step %n {
        ...
      }
    }
    ```
  }];
  let options = [
    Option<"minWork", "min-work", "uint64_t", /*default=*/"1 << 20",
           "Ops below which an op is for one thread">,
    Option<"partWork", "part-work", "int64_t", /*default=*/"1 << 16",
           "Ops of a part">,
  ];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"
  ];
}

def SerializeLoops : Pass<"sq-serialize-loops", "::mlir::func::FuncOp"> {
  let summary = "Parallel loops with too little work to loops of one thread";
  let description = [{
    Starting and joining threads takes a microsecond or more. A parallel loop
    whose bounds, and those of all loops in it, are constants, and which runs
    fewer than `min-work` ops that aren't about indices, is turned into a loop
    of one thread. What isn't known stays parallel.

    Before:
    ```mlir
    scf.parallel (%i) = (%c0) to (%c4) step (%c1) {
      %0 = vector.load %x[%i, %c0] : memref<4x16xf32>, vector<16xf32>
      vector.store %0, %y[%i, %c0] : memref<4x16xf32>, vector<16xf32>
    }
    ```
    After:
    ```mlir
    scf.for %i = %c0 to %c4 step %c1 {
      %0 = vector.load %x[%i, %c0] : memref<4x16xf32>, vector<16xf32>
      vector.store %0, %y[%i, %c0] : memref<4x16xf32>, vector<16xf32>
    }
    ```
  }];
  let options = [
    Option<"minWork", "min-work", "unsigned", /*default=*/"8192",
           "Ops below which a loop is for one thread">,
  ];
  let dependentDialects = ["::mlir::scf::SCFDialect"];
}

def SplitDestinations : Pass<"sq-split-destinations", "::mlir::func::FuncOp"> {
  let summary = "A tensor of its own for each op that writes one";
  let description = [{
    Common subexpressions have made one `tensor.empty` of all that ops of a
    shape write to. Bufferization gives each op memory of its own all the same,
    but first compares each with each other, which takes a time that grows with
    the cube of a model's layers. So each op gets its own.

    They also have made one tensor of zeros of all that products of a shape are
    added to. Each would be copied from it; filling again is cheaper,
    and can be done in the place where the result goes. An `sq.matmul` whose
    kernel can write its results instead of adding to them (`kernels`) needs no
    zeros: it becomes one that `overwrites` a tensor that nobody fills.

    Before:
    ```mlir
    %z = linalg.fill ins(%cst : f32) outs(%e : tensor<1x64xf32>)
    %0 = linalg.matmul ... outs(%z : tensor<1x64xf32>)
    %1 = linalg.matmul ... outs(%z : tensor<1x64xf32>)
    ```
    After:
    ```mlir
    %z0 = linalg.fill ins(%cst : f32) outs(%e0 : tensor<1x64xf32>)
    %0 = linalg.matmul ... outs(%z0 : tensor<1x64xf32>)
    %z1 = linalg.fill ins(%cst : f32) outs(%e1 : tensor<1x64xf32>)
    %1 = linalg.matmul ... outs(%z1 : tensor<1x64xf32>)
    ```
  }];
  let options = [
    ListOption<"kernels", "kernels", "std::string",
               "Kernels that can write their results instead of adding to "
               "them">,
  ];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def OutlineKernels : Pass<"sq-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Equal ops on memrefs to calls of one private function";
  let description = [{
    Replaces each destination-style op on memrefs (`sq.matmul`, `linalg.*`) by a
    call of a function that holds it. Ops that differ in nothing but their
    operands share a function, so the layers of a transformer are compiled once,
    however many there are: the key is the op with its attributes and body, the
    types of its operands, and which of them are the same. A constant offset of
    a strided memref, such as a layer's slice of a cache, is passed as an
    argument; constants are moved into the function.

    What the function writes to is memory apart from its other operands in most
    cases: it says so by `memref.distinct_objects`, where the operands are
    allocations, globals, or arguments of a public function, which
    `sparse-quant-c/artifact.h` keeps apart.

    A remark a function says how often it is called.

    Needs: bufferized functions whose public ones have the calling convention of
    artifacts (`sq-lower-interface`).
    Guarantees: no destination-style op on memrefs outside of private functions.

    Before:
    ```mlir
    linalg.fill ins(%zero : f32) outs(%a : memref<1x64xf32>)
    linalg.fill ins(%zero : f32) outs(%b : memref<1x64xf32>)
    ```
    After:
    ```mlir
    func.func private @fill_1x64(%arg0: memref<1x64xf32>) {
      %cst = arith.constant 0.0 : f32
      linalg.fill ins(%cst : f32) outs(%arg0 : memref<1x64xf32>)
      return
    }
    call @fill_1x64(%a) : (memref<1x64xf32>) -> ()
    call @fill_1x64(%b) : (memref<1x64xf32>) -> ()
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect"];
}

def RelaxReductions : Pass<"sq-relax-reductions", "::mlir::func::FuncOp"> {
  let summary = "Let f32 sums be reassociated, so that they vectorize";
  let description = [{
    Adds `fastmath<reassoc,contract>` to the addition that a `linalg.generic`
    reduces with, and to the multiplication that feeds it. Only sums over a
    reduction dimension are touched: quantization relies on exact rounding
    elsewhere.

    Before:
    ```mlir
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
    ```
    After:
    ```mlir
    %p = arith.mulf %a, %b fastmath<reassoc,contract> : f32
    %s = arith.addf %acc, %p fastmath<reassoc,contract> : f32
    linalg.yield %s : f32
    ```
  }];
}

def LowerAllocaScope : Pass<"sq-lower-alloca-scope", "::mlir::func::FuncOp"> {
  let summary = "memref.alloca_scope to saving and restoring the stack pointer";
  let description = [{
    Upstream lowers `memref.alloca_scope` together with memrefs, after control
    flow has become unstructured; a scope with a loop in it then has several
    blocks, which its verifier rejects. This pass comes before.

    Before:
    ```mlir
    memref.alloca_scope {
      %0 = memref.alloca() : memref<4xf32>
      scf.for ...
    }
    ```
    After:
    ```mlir
    %s = llvm.intr.stacksave : !llvm.ptr
    %0 = memref.alloca() : memref<4xf32>
    scf.for ...
    llvm.intr.stackrestore %s : !llvm.ptr
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def LowerCopies : Pass<"sq-lower-copies", "::mlir::func::FuncOp"> {
  let summary = "Copies of strided memrefs to linalg.copy";
  let description = [{
    Upstream lowers a `memref.copy` with strides to a call of a function of
    MLIR's runner library, which an artifact doesn't have. Contiguous copies
    stay: they become `memcpy`.

    Before:
    ```mlir
    memref.copy %a, %b : memref<4x4xf32, strided<[8, 1]>> to memref<4x4xf32>
    ```
    After:
    ```mlir
    linalg.copy ins(%a : memref<4x4xf32, strided<[8, 1]>>) outs(%b : memref<4x4xf32>)
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

#endif // SPARSE_QUANT_CODEGEN_CPU_PASSES_TD
