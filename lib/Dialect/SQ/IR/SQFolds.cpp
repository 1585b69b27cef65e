//===- SQFolds.cpp - Folds of the sq ops on constants -----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constants are evaluated by Numerics, so that a folded value has the bits that
// the generated code would compute. What Numerics refuses (NaN, an infinity
// without a code, a row that doesn't fit its payload) isn't folded: the folder
// can't report errors, and the passes that evaluate weights do.
//
//===----------------------------------------------------------------------===//
#include "ConstantMatrix.h"
#include "sparse-quant/Dialect/SQ/IR/SQ.h"
#include "sparse-quant/Numerics/Layout.h"
#include "sparse-quant/Numerics/Quantize.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace mlir::sq;

// Attributes live as long as the context and are printed as text, so only small
// tensors may become one; weights stay in files (sq.parameter). A result that
// takes more memory than what it was made of gets less room: folding it would
// undo the compression. The dialect's description states both numbers.
static constexpr int64_t kMaxElements = 65536;
static constexpr int64_t kMaxDecodedElements = 1024;

/// `attr` as a constant that is small enough and without NaN; otherwise null.
static DenseElementsAttr getConstant(Attribute attr,
                                     int64_t maxElements = kMaxElements) {
  auto dense = dyn_cast_or_null<DenseElementsAttr>(attr);
  if (!dense || !isa<RankedTensorType>(dense.getType()) ||
      dense.getNumElements() == 0 || dense.getNumElements() > maxElements ||
      hasNaN(dense))
    return {};
  return dense;
}

static bool areStatic(TypeRange types) {
  return llvm::all_of(types, [](Type type) {
    return cast<RankedTensorType>(type).hasStaticShape();
  });
}

static int64_t getAxisOf(int64_t axis, Value shaped) {
  return *normalizeAxis(axis,
                        cast<RankedTensorType>(shaped.getType()).getRank());
}

//===----------------------------------------------------------------------===//
// MaskOp
//===----------------------------------------------------------------------===//

/// true or false where the pattern keeps or drops everything, whatever the
/// scores are.
static std::optional<bool> getUniformMask(MaskOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  if (!type.hasStaticShape() || type.getNumElements() == 0)
    return std::nullopt;
  numerics::Pattern pattern = op.getPattern().getPattern();
  int64_t extent = type.getDimSize(getAxisOf(op.getAxis(), op.getInput()));
  int64_t count = extent;
  switch (pattern.kind) {
  case numerics::PatternKind::NM:
    // The zeros that pad a short group win over negative scores.
    if (pattern.n == pattern.m &&
        (op.getCriterion() == Criterion::Magnitude || extent % pattern.m == 0))
      return true;
    return std::nullopt;
  case numerics::PatternKind::Unstructured:
    if (pattern.scope == numerics::SparsityScope::Tensor)
      count = type.getNumElements();
    break;
  case numerics::PatternKind::Block:
    count = llvm::divideCeil(extent, pattern.blockCols);
    break;
  }
  int64_t dropped = pattern.numDropped(count);
  if (dropped == 0)
    return true;
  if (dropped == count)
    return false;
  return std::nullopt;
}

OpFoldResult MaskOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  if (std::optional<bool> uniform = getUniformMask(*this))
    return DenseElementsAttr::get(type, *uniform);
  DenseElementsAttr input = getConstant(adaptor.getInput());
  DenseElementsAttr norms = getConstant(adaptor.getNorms());
  if (!input || (getNorms() && !norms) || !type.hasStaticShape())
    return {};
  MatrixView view(type, getAxisOf(getAxis(), getInput()));
  std::vector<float> scores =
      view.toMatrix<float>(llvm::to_vector(input.getValues<float>()));
  if (getCriterion() == Criterion::Magnitude)
    numerics::magnitudeScores(scores, scores);
  else if (getCriterion() == Criterion::Wanda)
    numerics::wandaScores(scores,
                          llvm::to_vector_of<float>(norms.getValues<float>()),
                          view.rows(), view.cols(), scores);
  std::vector<uint8_t> mask(scores.size());
  if (numerics::computeMask(getPattern().getPattern(), scores, view.rows(),
                            view.cols(), mask))
    return {};
  SmallVector<bool> bits =
      llvm::to_vector_of<bool>(view.toTensor<uint8_t>(mask));
  return DenseElementsAttr::get(type, ArrayRef<bool>(bits));
}

//===----------------------------------------------------------------------===//
// ApplyMaskOp
//===----------------------------------------------------------------------===//

static std::optional<bool> getSplatBool(Attribute attr) {
  auto dense = dyn_cast_or_null<DenseElementsAttr>(attr);
  if (!dense || !dense.isSplat())
    return std::nullopt;
  return dense.getSplatValue<bool>();
}

/// Whether all bits of all elements are 0: +0.0, or code 0.
static bool isZeroSplat(Attribute attr) {
  auto dense = dyn_cast_or_null<DenseElementsAttr>(attr);
  if (!dense || !dense.isSplat())
    return false;
  if (isa<FloatType>(dense.getElementType()))
    return dense.getSplatValue<APFloat>().isPosZero();
  return dense.getSplatValue<APInt>().isZero();
}

OpFoldResult ApplyMaskOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  // Idempotence: what a mask dropped once is dropped.
  if (auto inner = getInput().getDefiningOp<ApplyMaskOp>())
    if (inner.getMask() == getMask())
      return getInput();
  std::optional<bool> uniform = getSplatBool(adaptor.getMask());
  if ((uniform && *uniform) || isZeroSplat(adaptor.getInput()))
    return getInput();
  if (!type.hasStaticShape())
    return {};
  if (uniform)
    return Builder(getContext()).getZeroAttr(type);
  DenseElementsAttr input = getConstant(adaptor.getInput());
  DenseElementsAttr mask = getConstant(adaptor.getMask());
  if (!input || !mask)
    return {};
  std::vector<uint8_t> bytes = readBytes(input, /*signExtend=*/false);
  int64_t width = getElementBytes(type.getElementType());
  for (auto [index, keep] : llvm::enumerate(mask.getValues<bool>()))
    if (!keep)
      std::fill_n(bytes.begin() + index * width, width, 0);
  return writeBytes(type, bytes);
}

//===----------------------------------------------------------------------===//
// QuantizeOp, DequantizeOp
//===----------------------------------------------------------------------===//

/// The scales of a format from constants, or false.
static bool readScales(const numerics::Format &format,
                       ArrayRef<Attribute> attrs, int64_t axis,
                       numerics::Encoded &out) {
  SmallVector<DenseElementsAttr> scales;
  for (Attribute attr : attrs)
    if (!scales.emplace_back(getConstant(attr)))
      return false;
  MatrixView view(cast<RankedTensorType>(scales[0].getType()), axis);
  std::vector<uint8_t> bytes = readBytes(scales[0], /*signExtend=*/false);
  int64_t width = numerics::scaleBytes(format.scaleType);
  // Whole scales move, not bytes.
  std::vector<int64_t> order(bytes.size() / width);
  std::iota(order.begin(), order.end(), 0);
  for (int64_t from : view.toMatrix<int64_t>(order))
    out.scales.insert(out.scales.end(), bytes.begin() + from * width,
                      bytes.begin() + (from + 1) * width);
  if (format.hasZeroPoint())
    out.zeroPoints =
        view.toMatrix<int32_t>(llvm::to_vector(scales[1].getValues<int32_t>()));
  if (format.hasTensorScale())
    out.tensorScale = *scales[1].getValues<float>().begin();
  return true;
}

/// Appends the scales of `encoded`, as constants of `types`.
static void writeScales(const numerics::Format &format,
                        const numerics::Encoded &encoded, TypeRange types,
                        int64_t axis, SmallVectorImpl<OpFoldResult> &results) {
  auto type = cast<RankedTensorType>(types[0]);
  MatrixView view(type, axis);
  int64_t width = numerics::scaleBytes(format.scaleType);
  std::vector<int64_t> order(type.getNumElements());
  std::iota(order.begin(), order.end(), 0);
  std::vector<uint8_t> bytes;
  for (int64_t from : view.toTensor<int64_t>(order))
    bytes.insert(bytes.end(), encoded.scales.begin() + from * width,
                 encoded.scales.begin() + (from + 1) * width);
  results.push_back(writeBytes(type, bytes));
  if (format.hasZeroPoint())
    results.push_back(DenseElementsAttr::get(
        cast<RankedTensorType>(types[1]),
        ArrayRef<int32_t>(view.toTensor<int32_t>(encoded.zeroPoints))));
  if (format.hasTensorScale())
    results.push_back(DenseElementsAttr::get(cast<RankedTensorType>(types[1]),
                                             encoded.tensorScale));
}

LogicalResult QuantizeOp::fold(FoldAdaptor adaptor,
                               SmallVectorImpl<OpFoldResult> &results) {
  DenseElementsAttr input = getConstant(adaptor.getInput());
  if (!input || !areStatic(getResultTypes()))
    return failure();
  numerics::Format format = getFormat().getFormat();
  int64_t axis = getAxisOf(getAxis(), getInput());
  MatrixView view(cast<RankedTensorType>(input.getType()), axis);
  std::vector<float> values =
      view.toMatrix<float>(llvm::to_vector(input.getValues<float>()));
  numerics::Encoded encoded;
  if (isStatic() &&
      !readScales(format, adaptor.getStaticScales(), axis, encoded))
    return failure();
  numerics::Error error =
      isStatic()
          ? numerics::encodeWithScales(format, values, view.rows(), view.cols(),
                                       encoded)
          : numerics::encode(format, values, view.rows(), view.cols(), encoded);
  if (error)
    return failure();
  results.push_back(writeBytes(cast<RankedTensorType>(getValues().getType()),
                               view.toTensor<uint8_t>(encoded.codes)));
  if (!isStatic())
    writeScales(format, encoded, getScales().getTypes(), axis, results);
  return success();
}

OpFoldResult DequantizeOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  numerics::Format format = getFormat().getFormat();
  if (!type.hasStaticShape())
    return {};
  // Dead scales: code 0 is +0.0 under each of them, but for the NaN of mx.
  if (isZeroSplat(adaptor.getValues()) && format.isZeroPreserving() &&
      format.family != numerics::Family::Mx)
    return Builder(getContext()).getZeroAttr(type);
  DenseElementsAttr codes =
      getConstant(adaptor.getValues(), kMaxDecodedElements);
  int64_t axis = getAxisOf(getAxis(), getResult());
  numerics::Encoded encoded;
  if (!codes || !readScales(format, adaptor.getScales(), axis, encoded))
    return {};
  MatrixView view(type, axis);
  encoded.codes =
      view.toMatrix<uint8_t>(readBytes(codes, /*signExtend=*/format.symmetric));
  std::vector<float> values(encoded.codes.size());
  numerics::decode(format, encoded, view.rows(), view.cols(), values);
  if (llvm::any_of(values, [](float value) { return std::isnan(value); }))
    return {};
  return DenseElementsAttr::get(type,
                                ArrayRef<float>(view.toTensor<float>(values)));
}

//===----------------------------------------------------------------------===//
// PackOp, UnpackOp
//===----------------------------------------------------------------------===//

LogicalResult PackOp::fold(FoldAdaptor adaptor,
                           SmallVectorImpl<OpFoldResult> &results) {
  DenseElementsAttr codes = getConstant(adaptor.getValues());
  DenseElementsAttr mask = getConstant(adaptor.getMask());
  if (!codes || (getMask() && !mask))
    return failure();
  auto type = cast<RankedTensorType>(getValues().getType());
  auto payloadType = cast<RankedTensorType>(getPayload().getType());
  int64_t rows = type.getDimSize(0), stride = payloadType.getDimSize(1);
  std::vector<uint8_t> keep;
  if (mask)
    keep.assign(mask.value_begin<bool>(), mask.value_end<bool>());
  numerics::Packed packed;
  numerics::pack(type.getElementTypeBitWidth(),
                 readBytes(codes, /*signExtend=*/false), keep, rows,
                 type.getDimSize(1), packed);
  if (packed.payloadStride > stride)
    return failure();
  std::vector<uint8_t> payload(rows * stride, 0);
  for (int64_t row = 0; row < rows; ++row)
    std::copy_n(packed.payload.begin() + row * packed.payloadStride,
                packed.payloadStride, payload.begin() + row * stride);
  results.push_back(writeBytes(payloadType, payload));
  if (getBitmap())
    results.push_back(writeBytes(cast<RankedTensorType>(getBitmap().getType()),
                                 packed.bitmap));
  return success();
}

OpFoldResult UnpackOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  // A dense matrix comes back as it was.
  auto pack = getPayload().getDefiningOp<PackOp>();
  if (pack && !getBitmap() && !pack.getBitmap() &&
      pack.getValues().getType() == type)
    return pack.getValues();
  DenseElementsAttr payload = getConstant(adaptor.getPayload());
  DenseElementsAttr bitmap = getConstant(adaptor.getBitmap());
  if (!payload || (getBitmap() && !bitmap) ||
      type.getNumElements() > kMaxDecodedElements)
    return {};
  numerics::Packed packed;
  packed.payloadStride =
      cast<RankedTensorType>(getPayload().getType()).getDimSize(1);
  packed.payload = readBytes(payload, /*signExtend=*/false);
  if (bitmap)
    packed.bitmap = readBytes(bitmap, /*signExtend=*/false);
  std::vector<uint8_t> codes(type.getNumElements());
  if (numerics::unpack(type.getElementTypeBitWidth(), /*signExtend=*/false,
                       /*zeroCode=*/0, packed, type.getDimSize(0),
                       type.getDimSize(1), codes, /*mask=*/{}))
    return {};
  return writeBytes(type, codes);
}
