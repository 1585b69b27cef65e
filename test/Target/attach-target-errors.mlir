// RUN: not sq-opt %s --sq-attach-target 2>&1 | FileCheck %s --check-prefix=EMPTY
// RUN: not sq-opt %s --sq-attach-target=target=x86_64-linux-gnu:pentium99 2>&1 | FileCheck %s --check-prefix=CPU
// RUN: not sq-opt %s --sq-attach-target=target=z80-none:z80 2>&1 | FileCheck %s --check-prefix=TRIPLE

// EMPTY: error: the target is empty; use 'native', a CPU name, or 'triple:cpu'
// CPU: error: unknown CPU 'pentium99' for x86_64-unknown-linux-gnu
// TRIPLE: error: unknown target triple
module {}
