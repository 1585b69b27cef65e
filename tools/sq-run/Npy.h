//===- Npy.h - NumPy's files ------------------------------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_TOOLS_SQ_RUN_NPY_H
#define SPARSE_QUANT_TOOLS_SQ_RUN_NPY_H

#include "HostTensor.h"

#include <map>

namespace sqrun {

/// Reads the bytes of an .npy file (format 1 to 3, little-endian, either memory
/// order). A type that NumPy stores as raw bytes, as it does with ml_dtypes's,
/// gets the type code UINT8_MAX; convertTo gives it a meaning. `where` is for
/// messages.
llvm::Expected<HostTensor> parseNpy(llvm::StringRef bytes,
                                    llvm::StringRef where);
/// The bytes of an .npy file of format 1.
std::string formatNpy(const HostTensor &tensor);

llvm::Expected<HostTensor> readNpy(llvm::StringRef path);
llvm::Error writeNpy(llvm::StringRef path, const HostTensor &tensor);

/// Reads the bytes of an .npz file: a ZIP archive of .npy files, stored or
/// deflated. The keys are without ".npy".
llvm::Expected<std::map<std::string, HostTensor>>
parseNpz(llvm::StringRef bytes, llvm::StringRef where);
llvm::Expected<std::map<std::string, HostTensor>> readNpz(llvm::StringRef path);

/// Decompresses a raw DEFLATE stream (RFC 1951) to exactly `size` bytes;
/// nothing if the stream is malformed or has another size.
std::optional<std::string> inflate(llvm::StringRef stream, size_t size);

/// The whole file, or an error that names it.
llvm::Expected<std::string> readFile(llvm::StringRef path);

} // namespace sqrun

#endif // SPARSE_QUANT_TOOLS_SQ_RUN_NPY_H
