//===- WeightFiles.h - The values of sq.parameter ops -----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds the bytes that an `sq.parameter` names, in a directory of weight files
// each of which is opened and checked once and stays mapped.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_SUPPORT_WEIGHTFILES_H
#define SPARSE_QUANT_SUPPORT_WEIGHTFILES_H

#include "sparse-quant/Support/DType.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <mutex>
#include <vector>

namespace llvm {
class MemoryBuffer;
} // namespace llvm

namespace mlir::sq {
class SafetensorsFile;

/// The f32 values of a parameter: the mapped file's own bytes, or a widened
/// copy of them. Views stay valid as long as the WeightFiles they came from
/// and, for copies, as long as this object.
class FloatValues {
public:
  explicit FloatValues(llvm::ArrayRef<float> view) : view(view) {}
  explicit FloatValues(std::vector<float> copy)
      : copy(std::move(copy)), view(this->copy) {}
  // A moved vector keeps its memory, so the view moves along.
  FloatValues(FloatValues &&) = default;
  FloatValues &operator=(FloatValues &&) = default;

  llvm::ArrayRef<float> get() const { return view; }
  bool isCopy() const { return !copy.empty(); }

private:
  std::vector<float> copy;
  llvm::ArrayRef<float> view;
};

class WeightFiles {
public:
  /// Sources are relative to `directory`.
  explicit WeightFiles(llvm::StringRef directory);
  ~WeightFiles();

  /// The stored bytes and element type of a parameter. Without `offset`,
  /// `source` is a safetensors file with an entry `name` of that shape. With
  /// it, `source` is any file, and the tensor of `rawType` and shape starts at
  /// that byte.
  struct Stored {
    DType dtype;
    llvm::ArrayRef<uint8_t> bytes;
  };
  llvm::Expected<Stored> readBytes(llvm::StringRef name, llvm::StringRef source,
                                   std::optional<int64_t> offset,
                                   llvm::ArrayRef<int64_t> shape,
                                   DType rawType = DType::F32);

  /// The values of a parameter of element type f32, stored as F32, F16 or BF16
  /// (F32 where an offset is given).
  llvm::Expected<FloatValues> readParameter(llvm::StringRef name,
                                            llvm::StringRef source,
                                            std::optional<int64_t> offset,
                                            llvm::ArrayRef<int64_t> shape);

  /// The opened safetensors file, for its other entries and metadata.
  llvm::Expected<const SafetensorsFile *> getFile(llvm::StringRef source);

private:
  std::string resolve(llvm::StringRef source) const;
  llvm::Expected<const llvm::MemoryBuffer *> getRaw(llvm::StringRef source);

  std::string directory;
  std::mutex mutex;
  llvm::StringMap<std::unique_ptr<SafetensorsFile>> files;
  llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>> rawFiles;
};

} // namespace mlir::sq

#endif // SPARSE_QUANT_SUPPORT_WEIGHTFILES_H
