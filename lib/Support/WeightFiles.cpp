//===- WeightFiles.cpp - The values of sq.parameter ops -------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Support/WeightFiles.h"
#include "sparse-quant/Support/HalfFloat.h"
#include "sparse-quant/Support/MappedPages.h"
#include "sparse-quant/Support/SafetensorsFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SwapByteOrder.h"

#include <cstring>

using namespace mlir::sq;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

// F32 weights are copied as they lie in the file.
static_assert(llvm::sys::IsLittleEndianHost,
              "weight files are read on little-endian hosts only");

WeightFiles::WeightFiles(StringRef directory) : directory(directory) {}
WeightFiles::~WeightFiles() = default;

std::string WeightFiles::resolve(StringRef source) const {
  if (directory.empty() || llvm::sys::path::is_absolute(source))
    return source.str();
  llvm::SmallString<256> path(directory);
  llvm::sys::path::append(path, source);
  return path.str().str();
}

Expected<const SafetensorsFile *> WeightFiles::getFile(StringRef source) {
  std::lock_guard<std::mutex> lock(mutex);
  std::unique_ptr<SafetensorsFile> &file = files[source];
  if (!file) {
    auto opened = SafetensorsFile::open(resolve(source));
    if (!opened)
      return opened.takeError();
    file = std::move(*opened);
  }
  return file.get();
}

Expected<const llvm::MemoryBuffer *> WeightFiles::getRaw(StringRef source) {
  std::lock_guard<std::mutex> lock(mutex);
  std::unique_ptr<llvm::MemoryBuffer> &file = rawFiles[source];
  if (!file) {
    std::string path = resolve(source);
    auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
    if (!buffer)
      return llvm::createStringError("cannot open the weight file '" + path +
                                     "': " + buffer.getError().message());
    file = std::move(*buffer);
  }
  return file.get();
}

Expected<WeightFiles::Stored>
WeightFiles::readBytes(StringRef name, StringRef source,
                       std::optional<int64_t> offset,
                       llvm::ArrayRef<int64_t> shape, DType rawType) {
  if (offset) {
    auto file = getRaw(source);
    if (!file)
      return file.takeError();
    uint64_t fileSize = (*file)->getBufferSize();
    std::optional<uint64_t> size = getByteSize(rawType, shape);
    if (!size || *offset < 0 || static_cast<uint64_t>(*offset) > fileSize ||
        *size > fileSize - *offset)
      return llvm::createStringError(
          "parameter '" + name + "' of type " + describe(rawType, shape) +
          " at byte " + Twine(*offset) + " reaches past the end of '" +
          resolve(source) + "', which has " + Twine(fileSize) +
          " bytes: truncated?");
    return Stored{rawType, llvm::arrayRefFromStringRef((*file)->getBuffer())
                               .slice(*offset, *size)};
  }
  auto file = getFile(source);
  if (!file)
    return file.takeError();
  const SafetensorsFile::Entry *entry = (*file)->lookup(name);
  if (!entry)
    return llvm::createStringError("'" + (*file)->getPath() +
                                   "' has no tensor '" + name + "'");
  if (llvm::ArrayRef<int64_t>(entry->shape) != shape)
    return llvm::createStringError(
        "tensor '" + name + "' of '" + (*file)->getPath() + "' is " +
        describe(entry->dtype, entry->shape) + ", but its parameter is " +
        describe(entry->dtype, shape));
  return Stored{entry->dtype, entry->bytes};
}

Expected<FloatValues>
WeightFiles::readParameter(StringRef name, StringRef source,
                           std::optional<int64_t> offset,
                           llvm::ArrayRef<int64_t> shape) {
  Expected<Stored> stored = readBytes(name, source, offset, shape);
  if (!stored)
    return stored.takeError();
  if (stored->dtype != DType::F32 && stored->dtype != DType::F16 &&
      stored->dtype != DType::BF16)
    return llvm::createStringError("tensor '" + name + "' of '" +
                                   resolve(source) + "' is stored as " +
                                   getDTypeName(stored->dtype) +
                                   "; f32 parameters are read from F32, "
                                   "F16 and BF16");
  return FloatValues(stored->dtype, stored->bytes);
}

void FloatValues::read(size_t begin, llvm::MutableArrayRef<float> out) const {
  size_t width = getBytesPerValue();
  llvm::ArrayRef<uint8_t> part = bytes.slice(begin * width, out.size() * width);
  if (dtype == DType::F16)
    return widenF16(part, out);
  if (dtype == DType::BF16)
    return widenBF16(part, out);
  // The format doesn't promise any alignment.
  if (!part.empty())
    std::memcpy(out.data(), part.data(), part.size());
}

void WeightFiles::dontNeed() {
  std::lock_guard<std::mutex> lock(mutex);
  for (auto &entry : files)
    if (entry.second)
      entry.second->dontNeed();
  for (auto &entry : rawFiles)
    if (entry.second)
      releasePages(*entry.second);
}
