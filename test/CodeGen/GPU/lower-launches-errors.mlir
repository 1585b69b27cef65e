// RUN: sq-opt %s --sq-lower-launches --verify-diagnostics

module attributes {gpu.container_module} {
  llvm.func @f(%n: i64, %stream: !llvm.ptr) {
    // expected-error@below {{a launch on a stream of its own isn't in the order that the runtime's one stream keeps}}
    gpu.launch_func <%stream : !llvm.ptr> @kernels::@g blocks in (%n, %n, %n) threads in (%n, %n, %n) : i64
    llvm.return
  }
  gpu.module @kernels {
    llvm.func @g() attributes {gpu.kernel, nvvm.kernel} {
      llvm.return
    }
  }
}
