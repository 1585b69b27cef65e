// RUN: not sq-opt %s --sq-attach-target=target=cuda:sm_70 2>&1 | FileCheck %s --check-prefix=ARCH
// RUN: not sq-opt %s --sq-attach-target=target=cuda: 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not sq-opt %s --sq-attach-target=target=cuda 2>&1 | FileCheck %s --check-prefix=BARE
// RUN: not sq-opt %s --sq-attach-target=target=cuda:sm_80,sm_80 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not sq-opt %s --sq-attach-target=target=cuda:sm_80, 2>&1 | FileCheck %s --check-prefix=EMPTY

// ARCH: error: unknown GPU architecture 'sm_70', expected one of 'sm_80', 'sm_89', 'sm_90a', 'sm_100a', 'sm_120a'
// NONE: error: target 'cuda:' names no GPU; expected 'cuda:' and architectures, such as 'cuda:sm_80,sm_90a'
// BARE: error: target 'cuda' names no GPU
// TWICE: error: GPU architecture 'sm_80' is listed twice
// EMPTY: error: unknown GPU architecture ''
module {}
