//===- HostTensor.h - A tensor that owns its memory -------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TOOLS_SQ_RUN_HOSTTENSOR_H
#define SPARSE_QUANT_TOOLS_SQ_RUN_HOSTTENSOR_H

#include "sparse-quant-c/runtime.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sqrun {

inline bool operator==(sq_dtype a, sq_dtype b) {
  return a.code == b.code && a.bits == b.bits && a.lanes == b.lanes;
}

inline constexpr sq_dtype kF32 = {SQ_TYPE_FLOAT, 32, 1};
inline constexpr sq_dtype kI32 = {SQ_TYPE_INT, 32, 1};
inline constexpr sq_dtype kI64 = {SQ_TYPE_INT, 64, 1};

/// MLIR's spelling: "f32", "i8".
std::string typeName(sq_dtype type);

inline sq_dtype typeOf(const sq_tensor_desc &desc) {
  return {desc.type_code, desc.bits, desc.lanes};
}

bool isInteger(sq_dtype type);

/// An error with a message of one line.
llvm::Error makeError(const llvm::Twine &message);

/// Compact row-major elements in CPU memory.
struct HostTensor {
  HostTensor() = default;
  /// Zeros. The caller has checked that the size is sane.
  HostTensor(sq_dtype dtype, llvm::ArrayRef<int64_t> shape);

  size_t elementSize() const { return size_t(dtype.bits) * dtype.lanes / 8; }
  int64_t numElements() const;
  /// The view that the runtime takes; valid while this lives and keeps its
  /// shape.
  sq_tensor view();
  /// Element `index` as a number. 64-bit integers may lose precision.
  double element(int64_t index) const;
  /// "f32[2, 4]".
  std::string describe() const;

  template <typename T>
  T *data() {
    return reinterpret_cast<T *>(bytes.data());
  }
  template <typename T>
  const T *data() const {
    return reinterpret_cast<const T *>(bytes.data());
  }

  sq_dtype dtype = kF32;
  std::vector<int64_t> shape;
  /// operator new aligns to 16, enough for every element type.
  std::vector<char> bytes;
};

/// The number of bytes of such a tensor, or nothing if it is absurd.
std::optional<size_t> checkedSize(sq_dtype dtype,
                                  llvm::ArrayRef<int64_t> shape);

/// Makes `tensor` have the type `type` where no value changes: integers convert
/// to integers that can hold them, and opaque bytes (NumPy's way to store types
/// it doesn't know) become any type of their width.
llvm::Error convertTo(HostTensor &tensor, sq_dtype type, llvm::StringRef what);

} // namespace sqrun

#endif // SPARSE_QUANT_TOOLS_SQ_RUN_HOSTTENSOR_H
