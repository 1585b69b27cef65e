//===----------------------------------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_DIALECT_SQ_IR_SQINTERFACES_TD
#define SPARSE_QUANT_DIALECT_SQ_IR_SQINTERFACES_TD

include "mlir/IR/OpBase.td"

def SQ_QuantFormatAttrInterface : AttrInterface<"QuantFormatAttrInterface"> {
  let cppNamespace = "::mlir::sq";
  let description = [{
    A number format: how a code is read, what shares a scale, how the scale is
    derived. An attribute says so by returning a `numerics::Format`; all other
    questions (types, encode, decode, cost) are answered from that, so a new
    format is one attribute and one entry in `lib/Numerics`.
  }];
  let methods = [
    InterfaceMethod<"The format as plain data.",
      "::mlir::sq::numerics::Format", "getFormat", (ins)>,
    InterfaceMethod<"Element type of the tensor of codes.",
      "::mlir::Type", "getCodeType", (ins)>,
  ];
  let extraSharedClassDeclaration = [{
    /// Types of the scale tensors that go with a tensor of shape `input` whose
    /// groups run along `axis`: the scale, then the zero point (asymmetric,
    /// i32) or the per-tensor scale (nvfp4, f32, all extents 1); none of `half`.
    ::llvm::SmallVector<::mlir::RankedTensorType>
    getScaleTypes(::mlir::RankedTensorType input, int64_t axis) {
      return ::mlir::sq::detail::getScaleTypes($_attr.getFormat(), input, axis);
    }
  }];
}

def SQ_SparsityPatternAttrInterface : AttrInterface<"SparsityPatternAttrInterface"> {
  let cppNamespace = "::mlir::sq";
  let description = [{
    A sparsity pattern: which elements may stay. An attribute says so by
    returning a `numerics::Pattern`; masks, densities and the exactness of
    reordering are answered from that.
  }];
  let methods = [
    InterfaceMethod<"The pattern as plain data.",
      "::mlir::sq::numerics::Pattern", "getPattern", (ins)>,
  ];
}

#endif // SPARSE_QUANT_DIALECT_SQ_IR_SQINTERFACES_TD
