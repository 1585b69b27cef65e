//===- SafetensorsWriter.h - Write a safetensors file -----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes the weight file of an artifact (sparse-quant-c/artifact.h): the data
// of every tensor starts at a multiple of 64 bytes from the start of the file.
// The format allows no holes, so the gaps are tensors of their own, named
// `__pad_0`, `__pad_1`, ...
//
// Three steps, because the header comes first in the file:
//   1. declare every entry and the metadata;
//   2. `open`: the layout is fixed, and a temporary file of the final size is
//      mapped, so whoever produces the bytes can write them in place and only
//      one layer at a time has to be in memory;
//   3. write each entry, in any order, then `commit`: the hashes go into the
//      header, and the file appears under its name at once and complete.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_SUPPORT_SAFETENSORSWRITER_H
#define SPARSE_QUANT_SUPPORT_SAFETENSORSWRITER_H

#include "sparse-quant/Support/DType.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <vector>

namespace llvm {
class FileOutputBuffer;
} // namespace llvm

namespace mlir::sq {

class SafetensorsWriter {
public:
  static constexpr uint64_t alignment = 64;
  static constexpr llvm::StringLiteral paddingPrefix = "__pad_";

  /// What sq_artifact_desc holds about the file.
  struct Summary {
    uint64_t size, headerHash, dataHash;
  };

  SafetensorsWriter();
  ~SafetensorsWriter();

  /// Adds an entry. An error where the name is taken or reserved, or the shape
  /// is none.
  llvm::Error declare(llvm::StringRef name, DType dtype,
                      llvm::ArrayRef<int64_t> shape);
  /// Adds to `__metadata__`. The key of the data's hash is set by `commit`.
  void setMetadata(llvm::StringRef key, llvm::StringRef value);

  /// Fixes the layout and creates the file (under a temporary name).
  llvm::Error open(llvm::StringRef path);

  /// Where an entry's data starts, from the start of the file; after `open`.
  uint64_t getOffset(llvm::StringRef name) const;
  /// Size of the whole file; after `open`.
  uint64_t getFileSize() const { return fileSize; }
  /// An entry's bytes in the mapped file, zero at first, for producers that
  /// write in place. Marks the entry as written.
  llvm::MutableArrayRef<uint8_t> getBytes(llvm::StringRef name);
  /// Copies an entry's bytes; an error when it isn't declared or the size is
  /// wrong.
  llvm::Error write(llvm::StringRef name, llvm::ArrayRef<uint8_t> bytes);

  /// Completes the header and gives the file its name. An error where an entry
  /// wasn't written.
  llvm::Expected<Summary> commit();

private:
  struct Entry {
    std::string name;
    DType dtype;
    llvm::SmallVector<int64_t, 4> shape;
    uint64_t begin, size;
  };
  std::string makeHeader(llvm::StringRef dataHash) const;

  std::vector<Entry> entries;
  llvm::StringMap<unsigned> index;
  std::vector<std::pair<std::string, std::string>> metadata;
  /// Bytes, not bits: several threads may write entries in place.
  std::vector<uint8_t> written;
  uint64_t dataStart = 0, fileSize = 0;
  std::unique_ptr<llvm::FileOutputBuffer> output;
};

} // namespace mlir::sq

#endif // SPARSE_QUANT_SUPPORT_SAFETENSORSWRITER_H
