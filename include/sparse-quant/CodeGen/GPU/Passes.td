//===----------------------------------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_CODEGEN_GPU_PASSES_TD
#define SPARSE_QUANT_CODEGEN_GPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerLinearToGPU : Pass<"sq-lower-linear-to-gpu", "::mlir::ModuleOp"> {
  let summary = "sq.matmul on memrefs to launches of kernels for tensor cores";
  let description = [{
    Each product becomes launches of kernels whose bodies are written in full:
    fragments of weights as they are in memory (numerics.md, NUM-L11), `mma` or
    `mma.sp` with ordered metadata, scales after sums of integers or of a scale
    group. Which launch a call takes depends on its number of rows of
    activations: up to 8 and up to 16 go to one that reads each weight once,
    more to one that shares weights and activations in a block of threads
    through shared memory, in three stages.

    f32 activations are first split into three bf16 each, which hold all of
    their bits; codes whose rows aren't whole blocks of columns are first
    copied to such that are. Products of the same activations, such as those of
    queries, keys and values, share that, if nothing writes them in between.
    Weights with bitmaps are expanded by the kernels for few tokens; for more, a
    launch of its own puts zeros between them in the device's memory.

    What `linalg` ops next to a product compute element by element, its kernel
    computes where the elements are in registers: in front of it what it is added
    to, such as a bias, behind it activation functions, gates and rounding. The
    product itself is stored only if others read it. The ops are on the elements
    of the product, read what no other thread writes in the meantime, and write
    what none reads.

    `linalg.matmul` with dense weights in f32, f16 or bf16, [N, K] with static N
    and K, is left alone for up to 16 rows of activations. For more, weights are
    made bf16 in fragments, of f32 three and of f16 two that are added up, and
    multiplied as those above.

    Needs: memrefs, decisions of `sq-select-kernels`, the module's GPUs.
    Guarantees: no `sq.matmul` is left.

    Before:
    ```mlir
    sq.matmul ins(%x : memref<?x64xf32>) weights(...) outs(%y : memref<?x16xf32>)
        {kernel = "gpu.mma-bf16", ...}
    ```
    After:
    ```mlir
    gpu.launch blocks(...) threads(...) { ... }  // f32 to three bf16
    scf.if %few {
      gpu.launch blocks(...) threads(...) dynamic_shared_memory_size %bytes {
        ...
        nvvm.mma.sync ...
      }
    } else { ... }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect",
    "::mlir::NVVM::NVVMDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"];
}

def FuseRows : Pass<"sq-fuse-rows", "::mlir::func::FuncOp"> {
  let summary = "Runs of linalg ops on the same rows to one kernel each";
  let description = [{
    Between products a transformer works on rows: a norm, maxima and codes of
    activations, the softmax of a head. As a kernel each, such ops cost a launch
    each, which is longer than they take. A run of `linalg` ops that can be done
    row by row becomes one `gpu.launch`: a block of threads does all of them for
    its row, and its threads wait for each other in between.

    A row is an index of the first loops of each op of the run, which are
    parallel and have the same extents; the first two ops decide how many these
    are. What an op of the run writes, others read and write at the index of
    their own row alone, and under one name. Memory is known to be apart where
    it is allocated or comes as an argument (artifact.h). Allocations, and ops
    without effects, may stand within a run; deallocations move behind it;
    anything else ends it. So do an op with two reductions or two results, one
    whose body does more than load, and more memrefs than a launch has
    parameters for.

    Within a row, threads share elements; a single sum is shared by all threads;
    sums along rows of memory by warps; few sums across rows (values in
    attention) by groups of threads whose neighbors read neighbors.

    Needs: bufferized ops. All memory but that of `memref.get_global` is the
    device's.

    Before:
    ```mlir
    linalg.fill ins(%zero : i32) outs(%max : memref<?xi32>)
    linalg.generic #rows ins(%x : memref<?x192xf32>) outs(%max : memref<?xi32>)
    linalg.generic #codes ins(%x, %max : ...) outs(%q : memref<?x192xi8>)
    ```
    After:
    ```mlir
    gpu.launch blocks(%row, ...) in (%m, ...) threads(%t, ...) in (%c256, ...) {
      ...
      gpu.barrier
      scf.for %k = %t to %c192 step %c256 ...  // Shuffles, shared memory.
      gpu.barrier
      scf.for %k = %t to %c192 step %c256 ...
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect"];
}

def TileForGPU : Pass<"sq-tile-for-gpu", "::mlir::func::FuncOp"> {
  let summary = "Each linalg op on memrefs to blocks and threads";
  let description = [{
    The generic way onto a GPU, right for every op and fast for few: a
    `linalg` op becomes two `scf.parallel` loops, over blocks and over the
    threads of a block, which upstream's `gpu-map-parallel-loops` and
    `convert-parallel-loops-to-gpu` make a `gpu.launch` of. A thread computes
    one element of the result, and reduces in the order of the op's loops. Where
    the last block has more threads than there are elements, a comparison guards
    the others.

    Rows are reduced by the 32 lanes of a warp: one reduction, along the last
    dimension of every operand that has it, to 32 bits, by an operation with a
    neutral element (sums, maxima), of 32 columns or any number. Lane l takes
    columns l, l + 32, and so on, and lanes then exchange (`gpu.shuffle`); so
    sums of floating-point numbers aren't in the order of the loop.

    Needs: bufferized ops. All memory but that of `memref.get_global` is the
    device's.
    Guarantees: outside of `scf.parallel` no op writes memory. `memref.copy` is
    a kernel like others. A loop nest that stores, such as what `sq.matmul` has
    for the ranks of a bitmap, runs on a single thread, and a `missed` remark
    says so. Constants (`memref.get_global`) are read where kernels use them, so
    that outlining takes them along.

    Before:
    ```mlir
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : memref<?xf32>) outs(%y : memref<?xf32>) { ... }
    ```
    After:
    ```mlir
    scf.parallel (%block) = (%c0) to (%n) step (%c128) {
      scf.parallel (%thread) = (%c0) to (%c128) step (%c1) {
        %i = arith.addi %thread, %block : index
        %inside = arith.cmpi ult, %i, %n : index
        scf.if %inside { ... }
      }
    }
    ```
  }];
  let options = [
    Option<"threads", "threads", "int64_t", /*default=*/"128",
           "Threads of a block, 1 to 1024">,
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::affine::AffineDialect",
    "::mlir::gpu::GPUDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect"];
}

def MergeKernels : Pass<"sq-merge-kernels", "::mlir::ModuleOp"> {
  let summary = "All kernels into one module, each of them once";
  let description = [{
    `gpu-kernel-outlining` makes a `gpu.module` for each launch. A model has the
    same kernel in each of its layers, and a device loads code a module at a
    time: the kernels go to `@kernels`, named after the function that launches
    them first and numbered, and equal ones are one.

    Before:
    ```mlir
    gpu.module @decode_kernel { gpu.func @decode_kernel() kernel { ... } }
    gpu.module @decode_kernel_1 { gpu.func @decode_kernel() kernel { ... } }
    ```
    After:
    ```mlir
    gpu.module @kernels { gpu.func @decode_kernel() kernel { ... } }
    ```
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect"];
}

def AttachNVVM : Pass<"sq-attach-nvvm", "::mlir::ModuleOp"> {
  let summary = "The module's GPUs to targets of its gpu.module ops";
  let description = [{
    Reads the architectures that `sq-attach-target` wrote, and gives each
    `gpu.module` an `#nvvm.target` with the PTX version that each needs, for
    `gpu-module-to-binary`.

    Before:
    ```mlir
    module attributes {dlti.target_system_spec = #dlti.target_system_spec<
      "GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"]>>} {
      gpu.module @kernels { ... }
    }
    ```
    After:
    ```mlir
      gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx85">] { ... }
    ```
  }];
  let dependentDialects = ["::mlir::gpu::GPUDialect",
                           "::mlir::NVVM::NVVMDialect"];
}

def ExpandDeviceMath : Pass<"sq-expand-device-math", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Functions of math to arithmetic, so that no library is needed";
  let description = [{
    Upstream calls NVIDIA's libdevice for what PTX has no instruction for; who
    compiles a model needs no toolkit, so `exp`, `tanh`, `erf`, `sin`, `cos`,
    `log` become upstream's polynomials, and `rsqrt` a division. What is left of
    `math` has an instruction (`sq-replace-libdevice`). Upstream's `sin` and
    `cos` reduce their argument in f32, so they lose absolute precision as it
    grows: about 1e-7 of it.

    Before:
    ```mlir
    %e = math.exp %x : f32
    ```
    After: a polynomial on `%x`, with `arith` and `math.floor`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def ReplaceLibdevice : Pass<"sq-replace-libdevice", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Calls to libdevice to intrinsics, which are instructions";
  let description = [{
    `convert-gpu-to-nvvm` calls libdevice for every op of `math`, even for what
    PTX has an instruction for: `floor`, `fma`, `sqrt`, ... The calls become
    LLVM's intrinsics. A call that no intrinsic stands for is an error, as there
    is no library to link.

    Before:
    ```mlir
    %y = llvm.call @__nv_floorf(%x) : (f32) -> f32
    ```
    After:
    ```mlir
    %y = llvm.intr.floor(%x) : (f32) -> f32
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def ExportSharedMemory : Pass<"sq-export-shared-memory", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Dynamic shared memory is the launch's, not a variable's";
  let description = [{
    Upstream makes of `gpu.dynamic_shared_memory` a variable without elements
    that is internal to its module, which PTX declares as one byte. Declared
    external, it is what a launch asks for.

    Before:
    ```mlir
    llvm.mlir.global internal @__dynamic_shmem__0() {addr_space = 3 : i32} : !llvm.array<0 x i8>
    ```
    After:
    ```mlir
    llvm.mlir.global external @__dynamic_shmem__0() {addr_space = 3 : i32} : !llvm.array<0 x i8>
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def LowerHostLoads : Pass<"sq-lower-host-loads", "::mlir::ModuleOp"> {
  let summary = "Scalars that the host reads are copied from the device";
  let description = [{
    Functions on the host load a few scalars, such as the position that
    addresses a cache. The memory is the device's, so the runtime copies the
    element, when all before it has been computed, to the stack.

    Needs: kernels are outlined, so that a `memref.load` in a function is the
    host's. Loads of constants (`memref.get_global`) stay.

    Before:
    ```mlir
    %p = memref.load %pos[] : memref<i64>
    ```
    After:
    ```mlir
    %room = memref.alloca() : memref<i64>
    llvm.call @sq_gpu_read(%room_address, %pos_address, %c8)
    %p = memref.load %room[] : memref<i64>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect"];
}

def LowerLaunches : Pass<"sq-lower-launches", "::mlir::ModuleOp"> {
  let summary = "Launches and allocations to calls of the runtime";
  let description = [{
    Runs on what upstream's `gpu-to-llvm` leaves. Each `gpu.launch_func` calls
    `sq_gpu_launch` with the number of the kernel, the grid, the block, and the
    addresses of the arguments, which are on the stack. `aligned_alloc` and
    `free`, which temporaries come from, are the runtime's for the device. The
    kernels' names go to the module, as `sq.gpu_kernels`.

    Before:
    ```mlir
    gpu.launch_func @kernels::@f blocks in (%n, %c1, %c1) threads in (%c128, %c1, %c1) : i64 args(%x : !llvm.ptr)
    ```
    After:
    ```mlir
    llvm.store %x, %x_place : !llvm.ptr, !llvm.ptr
    llvm.store %x_place, %args : !llvm.ptr, !llvm.ptr
    llvm.call @sq_gpu_launch(%c0, %n, %c1, %c1, %c128, %c1, %c1, %no_shared, %args)
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // SPARSE_QUANT_CODEGEN_GPU_PASSES_TD
