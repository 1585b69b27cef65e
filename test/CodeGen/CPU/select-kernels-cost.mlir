// RUN: sq-opt %s --sq-select-kernels --remark-format=emitRemark \
// RUN:   --remarks-filter=sq-select-kernels --verify-diagnostics --split-input-file | FileCheck %s

// Round numbers: a core of 1 GHz with 1 GB/s, 128 int8 ops and 32 f32 ops a
// cycle. A token's product takes its bytes: 131072 of weights, 512 of scales, 1024
// of activations and 512 of results are 133120 ns. Of 2048 vectors, each decoded in
// 0.4 cycles and multiplied at 0.78 of the peak, 15 % don't hide behind that: 517 ns;
// and there are 1500 ns for the call.
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"CPU" = #dlti.target_device_spec<
    "sq.isa" = "avx512-vbmi2", "max_vector_op_width" = 512, "sq.cores" = 1, "sq.frequency_mhz" = 1000,
    "sq.core_read_mb_per_s" = 1000, "sq.int8_ops_per_cycle" = 128, "sq.f32_ops_per_cycle" = 32>>} {
  // CHECK-LABEL: @decode
  // CHECK: cost = [#sq.cost<inputs = 1, ns = 135137, bytes = 133120, ops = 262144, bound = memory>]
  // CHECK-SAME: kernel = "cpu.tile-dot"
  func.func @decode(%x: tensor<1x1024xi8>, %xs: tensor<1x1xf32>, %p: tensor<8x16384xi8>, %s: tensor<8x16xf32>,
                    %y: tensor<1x128xf32>) -> tensor<1x128xf32> {
    // expected-remark@below {{predicted 135.1 us for 1 row of activations; cpu.tile-panel 136.3 us}}
    %0 = sq.matmul ins(%x, %xs : tensor<1x1024xi8>, tensor<1x1xf32>)
      weights(%p, scales(%s) : tensor<8x16384xi8>, tensor<8x16xf32>) outs(%y : tensor<1x128xf32>)
      {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>} -> tensor<1x128xf32>
    return %0 : tensor<1x128xf32>
  }
}

// -----

// Where products decide, panels are cheaper: 16777216 ops at 0.95 of the peak and
// a cycle to decode a vector are 140019 ns. Before them weights are read, which takes
// 1316 ns, 60 % of which hide behind the panel before.
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"CPU" = #dlti.target_device_spec<
    "sq.isa" = "avx512-vbmi2", "max_vector_op_width" = 512, "sq.cores" = 1, "sq.frequency_mhz" = 1000,
    "sq.core_read_mb_per_s" = 100000, "sq.read_mb_per_s" = 100000, "sq.int8_ops_per_cycle" = 128,
    "sq.f32_ops_per_cycle" = 32>>} {
  // CHECK-LABEL: @prefill
  // CHECK: cost = [#sq.cost<inputs = 64, ns = 142045, bytes = 229888, ops = 16777216, bound = compute>]
  // CHECK-SAME: kernel = "cpu.tile-panel"
  func.func @prefill(%x: tensor<64x1024xi8>, %xs: tensor<64x1xf32>, %p: tensor<8x16384xi8>, %s: tensor<8x16xf32>,
                     %y: tensor<64x128xf32>) -> tensor<64x128xf32> {
    // expected-remark@below {{predicted 142.0 us for 64 rows of activations; cpu.tile-dot 176.3 us}}
    %0 = sq.matmul ins(%x, %xs : tensor<64x1024xi8>, tensor<64x1xf32>)
      weights(%p, scales(%s) : tensor<8x16384xi8>, tensor<8x16xf32>) outs(%y : tensor<64x128xf32>)
      {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>} -> tensor<64x128xf32>
    return %0 : tensor<64x128xf32>
  }
}

// -----

// An unknown number of rows: one of decoding and one of prefill. Without vpdpbusd
// panels multiply words: 33554432 ops at 1.25 * 0.95 times the peak of 32 a cycle.
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"CPU" = #dlti.target_device_spec<
    "sq.isa" = "avx2", "max_vector_op_width" = 256>>} {
  // CHECK-LABEL: @dynamic
  // CHECK: cost = [#sq.cost<inputs = 1, {{.*}}>, #sq.cost<inputs = 128, {{.*}}>]
  // CHECK-SAME: kernel = "cpu.tile-panel", layout = #sq<layout tiles>, manyInputs = 
  func.func @dynamic(%x: tensor<?x1024xi8>, %xs: tensor<?x1xf32>, %p: tensor<8x16384xi8>, %s: tensor<8x16xf32>,
                     %y: tensor<?x128xf32>) -> tensor<?x128xf32> {
    // expected-remark@below {{kernel=cpu.tile-panel}}
    %0 = sq.matmul ins(%x, %xs : tensor<?x1024xi8>, tensor<?x1xf32>)
      weights(%p, scales(%s) : tensor<8x16384xi8>, tensor<8x16xf32>) outs(%y : tensor<?x128xf32>)
      {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>} -> tensor<?x128xf32>
    return %0 : tensor<?x128xf32>
  }
}

// -----

// From how many rows of activations on panels pay depends on how the weights are
// stored: for no number of them where products skip the dropped half of 2:4.
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"CPU" = #dlti.target_device_spec<
    "sq.isa" = "avx512-vbmi2", "max_vector_op_width" = 512, "sq.int8_ops_per_cycle" = 256>>} {
  // CHECK-LABEL: @many
  // CHECK: kernel = "cpu.tile-panel", layout = #sq<layout tiles>, manyInputs = 32 : i64
  // CHECK: kernel = "cpu.tile-dot"
  func.func @many(%x: tensor<?x1024xi8>, %xs: tensor<?x1xf32>, %p: tensor<8x16384xi8>, %s: tensor<8x16xf32>,
                  %sparse: tensor<8x8192xi8>, %b: tensor<8x2048xi8>, %y: tensor<?x128xf32>)
                  -> (tensor<?x128xf32>, tensor<?x128xf32>) {
    // expected-remark@below {{kernel=cpu.tile-panel}}
    %0 = sq.matmul ins(%x, %xs : tensor<?x1024xi8>, tensor<?x1xf32>)
      weights(%p, scales(%s) : tensor<8x16384xi8>, tensor<8x16xf32>) outs(%y : tensor<?x128xf32>)
      {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>} -> tensor<?x128xf32>
    // expected-remark@below {{kernel=cpu.tile-dot}}
    %1 = sq.matmul ins(%x, %xs : tensor<?x1024xi8>, tensor<?x1xf32>)
      weights(%sparse, bitmap(%b), scales(%s) : tensor<8x8192xi8>, tensor<8x2048xi8>, tensor<8x16xf32>)
      outs(%y : tensor<?x128xf32>)
      {format = #sq.int<8, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>,
       pattern = #sq.nm<2:4>} -> tensor<?x128xf32>
    return %0, %1 : tensor<?x128xf32>, tensor<?x128xf32>
  }
}

// -----

// Nibbles of 2048 vectors, half of them kept, expanded in four cycles more than rows of the
// table have: 8192 ns on a core of 1 GHz that doesn't wait for memory.
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"CPU" = #dlti.target_device_spec<
    "sq.isa" = "avx512-vbmi2", "max_vector_op_width" = 512, "sq.cores" = 1, "sq.frequency_mhz" = 1000,
    "sq.core_read_mb_per_s" = 100000, "sq.read_mb_per_s" = 100000, "sq.int8_ops_per_cycle" = 128,
    "sq.f32_ops_per_cycle" = 32, "sq.expand_cycles" = 4>>} {
  // CHECK-LABEL: @expand
  // CHECK: cost = [#sq.cost<inputs = 1, ns = 15670, {{.*}}bound = compute>]
  func.func @expand(%x: tensor<1x1024xi8>, %xs: tensor<1x1xf32>, %p: tensor<1x32832xi8>, %b: tensor<8x2120xi8>,
                    %s: tensor<8x16xf32>, %y: tensor<1x128xf32>) -> tensor<1x128xf32> {
    // expected-remark@below {{kernel=cpu.tile-dot}}
    %0 = sq.matmul ins(%x, %xs : tensor<1x1024xi8>, tensor<1x1xf32>)
      weights(%p, bitmap(%b), scales(%s) : tensor<1x32832xi8>, tensor<8x2120xi8>, tensor<8x16xf32>)
      outs(%y : tensor<1x128xf32>)
      {format = #sq.int<4, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>,
       pattern = #sq.unstructured<0.5, row>} -> tensor<1x128xf32>
    return %0 : tensor<1x128xf32>
  }
}

// -----

// The same where nothing is added.
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"CPU" = #dlti.target_device_spec<
    "sq.isa" = "avx512-vbmi2", "max_vector_op_width" = 512, "sq.cores" = 1, "sq.frequency_mhz" = 1000,
    "sq.core_read_mb_per_s" = 100000, "sq.read_mb_per_s" = 100000, "sq.int8_ops_per_cycle" = 128,
    "sq.f32_ops_per_cycle" = 32>>} {
  // CHECK-LABEL: @expand
  // CHECK: cost = [#sq.cost<inputs = 1, ns = 7478, {{.*}}bound = compute>]
  func.func @expand(%x: tensor<1x1024xi8>, %xs: tensor<1x1xf32>, %p: tensor<1x32832xi8>, %b: tensor<8x2120xi8>,
                    %s: tensor<8x16xf32>, %y: tensor<1x128xf32>) -> tensor<1x128xf32> {
    // expected-remark@below {{kernel=cpu.tile-dot}}
    %0 = sq.matmul ins(%x, %xs : tensor<1x1024xi8>, tensor<1x1xf32>)
      weights(%p, bitmap(%b), scales(%s) : tensor<1x32832xi8>, tensor<8x2120xi8>, tensor<8x16xf32>)
      outs(%y : tensor<1x128xf32>)
      {format = #sq.int<4, row>, activationFormat = #sq.int<8, row>, layout = #sq<layout tiles>,
       pattern = #sq.unstructured<0.5, row>} -> tensor<1x128xf32>
    return %0 : tensor<1x128xf32>
  }
}
