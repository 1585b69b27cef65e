//===- TempDir.h - A directory that a test throws away ----------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TEST_UNIT_SUPPORT_TEMPDIR_H
#define SPARSE_QUANT_TEST_UNIT_SUPPORT_TEMPDIR_H

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include <gtest/gtest.h>

namespace mlir::sq::test {

class TempDir {
public:
  TempDir() {
    EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("sq-test", root));
  }
  ~TempDir() { llvm::sys::fs::remove_directories(root); }

  llvm::StringRef path() const { return root; }
  std::string path(llvm::StringRef name) const {
    llvm::SmallString<128> full(root);
    llvm::sys::path::append(full, name);
    return full.str().str();
  }
  /// Writes a file and returns its path.
  std::string write(llvm::StringRef name, llvm::StringRef content) const {
    std::error_code error;
    llvm::raw_fd_ostream stream(path(name), error);
    EXPECT_FALSE(error);
    stream << content;
    return path(name);
  }

private:
  llvm::SmallString<128> root;
};

/// The bytes of a safetensors file.
inline std::string safetensors(llvm::StringRef header, llvm::StringRef data) {
  std::string bytes(8, '\0');
  llvm::support::endian::write64le(bytes.data(), header.size());
  return bytes + header.str() + data.str();
}

} // namespace mlir::sq::test

#endif // SPARSE_QUANT_TEST_UNIT_SUPPORT_TEMPDIR_H
