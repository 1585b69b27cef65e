// RUN: sq-opt %s --sq-attach-target=target=x86_64-linux-gnu:icelake-server | FileCheck %s --check-prefix=ICX
// RUN: sq-opt %s --sq-attach-target=target=x86_64-linux-gnu:haswell | FileCheck %s --check-prefix=HSW
// RUN: sq-opt %s --sq-attach-target=target=x86_64-linux-gnu:nehalem | FileCheck %s --check-prefix=OLD
// RUN: sq-opt %s --sq-attach-target=target=aarch64-linux-gnu:neoverse-v1 | FileCheck %s --check-prefix=ARM

// ICX: module attributes {dlti.target_system_spec = #dlti.target_system_spec<"CPU" = #dlti.target_device_spec<
// ICX-SAME: "sq.isa" = "avx512-vbmi2"
// ICX-SAME: "max_vector_op_width" = 512
// ICX-SAME: "L1_cache_size_in_bytes" = 49152
// ICX-SAME: "L2_cache_size_in_bytes" = 1310720
// ICX-SAME: "sq.cores" = 40
// ICX-SAME: "sq.read_mb_per_s" = 163000
// ICX-SAME: "sq.int8_ops_per_cycle" = 256
// ICX-SAME: "sq.f32_ops_per_cycle" = 64

// HSW: "sq.isa" = "avx2", "max_vector_op_width" = 256
// HSW-SAME: "sq.int8_ops_per_cycle" = 32

// A CPU that the table doesn't have: the conservative row, and vectors of the
// least width that kernels have.
// OLD: "sq.isa" = "none", "max_vector_op_width" = 256
// OLD-SAME: "sq.cores" = 4
// OLD-SAME: "sq.f32_ops_per_cycle" = 16

// ARM: "max_vector_op_width" = 256
// ARM-SAME: "sq.cores" = 64
// ARM-SAME: "sq.int8_ops_per_cycle" = 128
module {}
