//===- ConstantMatrix.h - Constants as Numerics sees them -------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Numerics knows row-major matrices whose groups run along the columns. A
// constant of any rank becomes one by moving its axis last and flattening the
// rest; its elements become floats or one byte a code.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_LIB_DIALECT_SQ_IR_CONSTANTMATRIX_H
#define SPARSE_QUANT_LIB_DIALECT_SQ_IR_CONSTANTMATRIX_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

#include <vector>

namespace mlir::sq {

/// A static tensor shape, seen as a matrix along `axis`.
class MatrixView {
public:
  MatrixView(RankedTensorType type, int64_t axis);

  int64_t rows() const { return outer * inner; }
  int64_t cols() const { return extent; }

  /// Between the tensor's order and the matrix's.
  template <typename T>
  std::vector<T> toMatrix(ArrayRef<T> tensor) const {
    std::vector<T> matrix(tensor.size());
    forEach([&](int64_t m, int64_t t) { matrix[m] = tensor[t]; });
    return matrix;
  }
  template <typename T>
  std::vector<T> toTensor(ArrayRef<T> matrix) const {
    std::vector<T> tensor(matrix.size());
    forEach([&](int64_t m, int64_t t) { tensor[t] = matrix[m]; });
    return tensor;
  }

private:
  template <typename Body>
  void forEach(Body body) const {
    int64_t m = 0;
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t i = 0; i < inner; ++i)
        for (int64_t k = 0; k < extent; ++k)
          body(m++, (o * extent + k) * inner + i);
  }

  /// Extents in front of, along and behind the axis.
  int64_t outer = 1, extent = 1, inner = 1;
};

/// Whether a floating-point constant has a NaN.
bool hasNaN(DenseElementsAttr attr);

/// The bits of each element as `elementBytes` little-endian bytes; with
/// `signExtend`, a narrow integer is widened by its sign.
std::vector<uint8_t> readBytes(DenseElementsAttr attr, bool signExtend);
/// Inverse: the low bits of each element's bytes.
DenseElementsAttr writeBytes(RankedTensorType type, ArrayRef<uint8_t> bytes);
/// Bytes of an element in the two functions above.
int64_t getElementBytes(Type elementType);

} // namespace mlir::sq

#endif // SPARSE_QUANT_LIB_DIALECT_SQ_IR_CONSTANTMATRIX_H
