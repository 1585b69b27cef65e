// RUN: sq-opt %s --sq-attach-target=target=cuda:sm_90a | FileCheck %s --check-prefix=ONE
// RUN: sq-opt %s --sq-attach-target=target=cuda:sm_80,sm_89,sm_90a,sm_100a,sm_120a | FileCheck %s --check-prefix=ALL
// RUN: sq-opt %s --sq-attach-target=target=x86_64-linux-gnu:haswell --sq-attach-target=target=cuda:sm_80 --sq-attach-target=target=cuda:sm_89 | FileCheck %s --check-prefix=BESIDE

// ONE: "GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_90a"], "sq.shared_bytes" = 232448 : i64, "sq.multiprocessors" = 132 : i64>

// Numbers are what each of them has.
// ALL: "sq.archs" = ["sm_80", "sm_89", "sm_90a", "sm_100a", "sm_120a"]
// ALL-SAME: "sq.shared_bytes" = 101376
// ALL-SAME: "sq.multiprocessors" = 108

// BESIDE: "CPU" = #dlti.target_device_spec<"sq.isa" = "avx2"
// BESIDE-NOT: sm_80
// BESIDE: "GPU" = #dlti.target_device_spec<"sq.archs" = ["sm_89"]
module {}
