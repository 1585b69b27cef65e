//===- OutputFiles.h - Files that appear together ---------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An artifact is several files that only work together. They are written under
// temporary names beside their own and renamed when all of them are complete,
// so a compilation that fails leaves nothing behind, and an older artifact as
// it was.
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_PIPELINES_OUTPUTFILES_H
#define SPARSE_QUANT_PIPELINES_OUTPUTFILES_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace mlir::sq {

class OutputFiles {
public:
  OutputFiles() = default;
  OutputFiles(const OutputFiles &) = delete;
  OutputFiles &operator=(const OutputFiles &) = delete;
  /// Removes what was not committed.
  ~OutputFiles();

  /// Where to write what shall become `path`. An error where no file can be
  /// made there, before any time is spent on its contents. "-" and devices are
  /// written directly.
  llvm::Expected<std::string> add(llvm::StringRef path);
  /// As above, for a file that is not wanted in the end.
  llvm::Expected<std::string> addIntermediate(llvm::StringRef path);
  /// Gives the files their names, in the order in which they were added.
  llvm::Error commit();

private:
  llvm::Expected<std::string> create(llvm::StringRef path,
                                     llvm::StringRef final);

  struct File {
    std::string temporary, final;
  };
  std::vector<File> files;
};

} // namespace mlir::sq

#endif // SPARSE_QUANT_PIPELINES_OUTPUTFILES_H
