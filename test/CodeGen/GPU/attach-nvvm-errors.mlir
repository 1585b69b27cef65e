// RUN: sq-opt %s --sq-attach-nvvm --split-input-file --verify-diagnostics

// expected-error@below {{the module's target: expected a device "GPU"; run sq-attach-target with 'cuda:...'}}
module { gpu.module @kernels {} }

// -----

// expected-error@below {{the module's target: expected a device "GPU"}}
module attributes {dlti.target_system_spec = #dlti.target_system_spec<
  "CPU" = #dlti.target_device_spec<"sq.isa" = "none", "max_vector_op_width" = 256>>} { gpu.module @kernels {} }

// -----

// expected-error@below {{the module's target: expected a key "sq.archs" with a list of architectures}}
module attributes {dlti.target_system_spec = #dlti.target_system_spec<
  "GPU" = #dlti.target_device_spec<"sq.shared_bytes" = 101376>>} { gpu.module @kernels {} }

// -----

// expected-error@below {{the module's target: "sq.archs" has "sm_70", expected one of 'sm_80', 'sm_89'}}
module attributes {dlti.target_system_spec = #dlti.target_system_spec<
  "GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_80", "sm_70"]>>} { gpu.module @kernels {} }
