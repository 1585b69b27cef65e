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

/// The values of a float parameter, where they lie in the mapped file. They are
/// widened as they are read, so nobody has to hold a whole tensor. Valid as
/// long as the WeightFiles that it came from.
class FloatValues {
public:
  /// `dtype` is F32, F16 or BF16.
  FloatValues(DType dtype, llvm::ArrayRef<uint8_t> bytes)
      : dtype(dtype), bytes(bytes) {}

  size_t size() const { return bytes.size() / getBytesPerValue(); }
  /// Reads the values from index `begin` on, as many as `out` has room for.
  void read(size_t begin, llvm::MutableArrayRef<float> out) const;

private:
  size_t getBytesPerValue() const { return dtype == DType::F32 ? 4 : 2; }

  DType dtype;
  llvm::ArrayRef<uint8_t> bytes;
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

  /// Tells the system that the pages which were read so far may leave memory.
  void dontNeed();

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
