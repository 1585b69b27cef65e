//===- StaticQuantization.h - Scales from elsewhere -------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Foreign quantization has its scales given: constants of a `!quant.uniform`
// type, or tensors that a `linalg` op reads through an indexing map. Here is
// which sq format, axis and shape of scales says the same.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_STATICQUANTIZATION_H
#define SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_STATICQUANTIZATION_H

#include "mlir/IR/BuiltinAttributes.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"

#include <optional>
#include <string>

namespace mlir::sq {

/// How the scales of a tensor are laid out as sq ops take them.
struct ScaleLayout {
  numerics::GroupScope scope = numerics::GroupScope::Tensor;
  int64_t axis = 0;
  /// Zero unless the scope is Group.
  int64_t groupSize = 0;
  /// Of the tensor of scales.
  SmallVector<int64_t> shape;
  /// Some scales are copies: the source has fewer.
  bool replicated = false;

  /// The element of the quantized tensor that is the first under the scale at
  /// `index`.
  SmallVector<int64_t> getFirstElement(ArrayRef<int64_t> index) const;
};

/// The layout for a tensor of `shape` whose scales cover `blocks[d]` elements
/// along dimension d, where 0 is all of them. Otherwise `reason` says why sq
/// has none.
std::optional<ScaleLayout> chooseScaleLayout(ArrayRef<int64_t> shape,
                                             ArrayRef<int64_t> blocks,
                                             std::string &reason);

/// Scales as values; a tensor of i32 zero points goes with unsigned codes.
struct StaticQuantization {
  QuantFormatAttrInterface format;
  int64_t axis = 0;
  Value scale, zeroPoint;

  SmallVector<Value> getScales() const {
    return zeroPoint ? SmallVector<Value>{scale, zeroPoint}
                     : SmallVector<Value>{scale};
  }
};

/// The integer format of `bits` bits with this layout; otherwise `reason` says
/// why there is none. `isSigned` with zero points, or zero points that an
/// unsigned code can't have, are such reasons.
std::optional<numerics::Format>
chooseIntegerFormat(unsigned bits, bool isSigned, const ScaleLayout &layout,
                    ArrayRef<int64_t> zeroPoints, std::string &reason);

/// Whether codes clamped to [low, high] are those of an sq format of `bits`
/// bits. `allowNarrowRange` takes -2^(bits-1) for its neighbor.
bool isFormatRange(unsigned bits, bool isSigned, double low, double high,
                   bool allowNarrowRange, std::string &reason);

/// Static scales have to be finite and positive.
bool isUsableScale(float scale, std::string &reason);

/// sq.quantize and sq.dequantize with these scales.
Value createStaticQuantize(OpBuilder &builder, Location loc, Value input,
                           const StaticQuantization &quantization);
Value createStaticDequantize(OpBuilder &builder, Location loc, Value codes,
                             const StaticQuantization &quantization);

//===----------------------------------------------------------------------===//
// !quant.uniform
//===----------------------------------------------------------------------===//

/// Encoding needs the format's range; decoding reads any code.
enum class CodeUse { Encode, Decode };

/// What a `!quant.uniform` type holds, as sq takes it.
struct UniformQuantization {
  QuantFormatAttrInterface format;
  int64_t axis = 0;
  /// No zero point unless the format has one.
  DenseElementsAttr scale, zeroPoint;

  StaticQuantization build(OpBuilder &builder, Location loc) const;
};

/// The format, axis and scales of a tensor of `!quant.uniform` elements;
/// otherwise `reason` says what sq can't carry.
std::optional<UniformQuantization> fromUniformType(Type quantizedTensor,
                                                   CodeUse use,
                                                   bool allowNarrowRange,
                                                   std::string &reason);

/// The tensor type of `!quant.uniform` elements that says the same about
/// `real` as the format and its constant scales do; null, with a reason, where
/// there is none.
RankedTensorType toUniformType(RankedTensorType real,
                               QuantFormatAttrInterface format, int64_t axis,
                               ValueRange scales, std::string &reason);

} // namespace mlir::sq

#endif // SPARSE_QUANT_DIALECT_SQ_TRANSFORMS_STATICQUANTIZATION_H
