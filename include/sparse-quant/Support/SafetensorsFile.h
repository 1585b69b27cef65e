//===- SafetensorsFile.h - Read a safetensors file --------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The file is memory-mapped and checked once, completely, when it is opened:
// every byte range that an entry hands out lies in the file, has the size that
// type and shape ask for, and overlaps no other. A file that breaks a rule of
// the format, whether by accident or by intent, is a one-line error.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_SUPPORT_SAFETENSORSFILE_H
#define SPARSE_QUANT_SUPPORT_SAFETENSORSFILE_H

#include "sparse-quant/Support/DType.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <vector>

namespace llvm {
class MemoryBuffer;
namespace json {
class Object;
} // namespace json
} // namespace llvm

namespace mlir::sq {

class SafetensorsFile {
public:
  struct Entry {
    std::string name;
    DType dtype;
    llvm::SmallVector<int64_t, 4> shape;
    /// Points into the mapped file; nothing promises more than byte alignment.
    llvm::ArrayRef<uint8_t> bytes;
    uint64_t offsetFromFileStart;
  };

  static llvm::Expected<std::unique_ptr<SafetensorsFile>>
  open(llvm::StringRef path);
  ~SafetensorsFile();

  llvm::StringRef getPath() const { return path; }
  /// All entries in the order of their data.
  llvm::ArrayRef<Entry> getEntries() const { return entries; }
  /// Null when there is no entry of that name.
  const Entry *lookup(llvm::StringRef name) const;
  /// The `__metadata__` map.
  const llvm::StringMap<std::string> &getMetadata() const { return metadata; }
  /// Tells the system that the pages that were read so far may leave memory.
  void dontNeed() const;

private:
  SafetensorsFile() = default;
  llvm::Error readHeader();
  llvm::Error readMetadata(const llvm::json::Object &map);
  llvm::Error readEntry(llvm::StringRef name, const llvm::json::Object &value,
                        llvm::ArrayRef<uint8_t> data, uint64_t dataStart);
  llvm::Error checkLayout(uint64_t dataStart, uint64_t fileSize);
  /// "'path' isn't a valid safetensors file: <what>".
  llvm::Error fail(const llvm::Twine &what) const;

  std::string path;
  std::unique_ptr<llvm::MemoryBuffer> buffer;
  std::vector<Entry> entries;
  llvm::StringMap<unsigned> index;
  llvm::StringMap<std::string> metadata;
};

} // namespace mlir::sq

#endif // SPARSE_QUANT_SUPPORT_SAFETENSORSFILE_H
