// RUN: sq-opt %s --sq-select-kernels --verify-diagnostics --split-input-file

// expected-error@below {{the module's target: expected a device "CPU"}}
module attributes {dlti.target_system_spec = #dlti.target_system_spec<
  "NPU" = #dlti.target_device_spec<"max_vector_op_width" = 512>>} {}

// -----

// expected-error@below {{the module's target: expected a key "sq.archs" with a list of architectures}}
module attributes {dlti.target_system_spec = #dlti.target_system_spec<
  "GPU" = #dlti.target_device_spec<"max_vector_op_width" = 512>>} {}

// -----

// expected-error@below {{the module's target: expected a key "sq.isa"}}
module attributes {dlti.target_system_spec = #dlti.target_system_spec<
  "CPU" = #dlti.target_device_spec<"max_vector_op_width" = 512>>} {}

// -----

// expected-error@below {{the module's target: expected a key "max_vector_op_width"}}
module attributes {dlti.target_system_spec = #dlti.target_system_spec<
  "CPU" = #dlti.target_device_spec<"sq.isa" = "avx2">>} {}

// -----

// expected-error@below {{the module's target: "sq.isa" is "avx10", expected one of 'none', 'avx2'}}
module attributes {dlti.target_system_spec = #dlti.target_system_spec<
  "CPU" = #dlti.target_device_spec<"sq.isa" = "avx10", "max_vector_op_width" = 512>>} {}

// -----

// expected-error@below {{the module's target: "max_vector_op_width" is 128, expected a multiple of the 256 bits that kernels take at least}}
module attributes {dlti.target_system_spec = #dlti.target_system_spec<
  "CPU" = #dlti.target_device_spec<"sq.isa" = "none", "max_vector_op_width" = 128>>} {}

// -----

// expected-error@below {{the module's target: "sq.cores" is 0 : i64, expected an integer above zero}}
module attributes {dlti.target_system_spec = #dlti.target_system_spec<
  "CPU" = #dlti.target_device_spec<"sq.isa" = "none", "max_vector_op_width" = 256, "sq.cores" = 0>>} {}

// -----

// A misspelled key would be a number that nobody reads.
// expected-error@below {{the module's target: unknown key "sq.core"}}
module attributes {dlti.target_system_spec = #dlti.target_system_spec<
  "CPU" = #dlti.target_device_spec<"sq.isa" = "none", "max_vector_op_width" = 256, "sq.core" = 4>>} {}
