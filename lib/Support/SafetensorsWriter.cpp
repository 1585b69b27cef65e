//===- SafetensorsWriter.cpp - Write a safetensors file -------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Support/SafetensorsWriter.h"
#include "sparse-quant-c/artifact.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileOutputBuffer.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/xxhash.h"

#include <cstring>

using namespace mlir::sq;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

SafetensorsWriter::SafetensorsWriter() = default;
SafetensorsWriter::~SafetensorsWriter() = default;

Error SafetensorsWriter::declare(StringRef name, DType dtype,
                                 llvm::ArrayRef<int64_t> shape) {
  assert(!output && "entries are declared before the file is opened");
  if (name.empty() || name == "__metadata__" || name.starts_with(paddingPrefix))
    return llvm::createStringError("'" + name +
                                   "' can't be the name of a tensor");
  std::optional<uint64_t> size = getByteSize(dtype, shape);
  if (!size)
    return llvm::createStringError("tensor '" + name + "' of type " +
                                   describe(dtype, shape) +
                                   " has no size in whole bytes");
  if (!index.try_emplace(name, entries.size()).second)
    return llvm::createStringError("tensor '" + name + "' is declared twice");
  entries.push_back(
      {name.str(), dtype, llvm::SmallVector<int64_t, 4>(shape), 0, *size});
  return Error::success();
}

void SafetensorsWriter::setMetadata(StringRef key, StringRef value) {
  assert(key != SQ_WEIGHTS_HASH_KEY && "commit() sets the hash");
  for (auto &[known, text] : metadata)
    if (known == key) {
      text = value.str();
      return;
    }
  metadata.emplace_back(key, value);
}

std::string SafetensorsWriter::makeHeader(StringRef dataHash) const {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::json::OStream json(stream);
  uint64_t end = 0;
  unsigned numPads = 0;
  auto writeEntry = [&](StringRef name, DType dtype,
                        llvm::ArrayRef<int64_t> shape, uint64_t begin,
                        uint64_t size) {
    json.attributeObject(name, [&] {
      json.attribute("dtype", getDTypeName(dtype));
      json.attributeArray("shape", [&] {
        for (int64_t extent : shape)
          json.value(extent);
      });
      json.attributeArray("data_offsets", [&] {
        json.value(static_cast<int64_t>(begin));
        json.value(static_cast<int64_t>(begin + size));
      });
    });
  };
  json.object([&] {
    json.attributeObject("__metadata__", [&] {
      json.attribute(SQ_WEIGHTS_HASH_KEY, dataHash);
      for (const auto &[key, value] : metadata)
        json.attribute(key, value);
    });
    for (const Entry &entry : entries) {
      if (int64_t gap = entry.begin - end)
        writeEntry((paddingPrefix + llvm::Twine(numPads++)).str(), DType::U8,
                   {gap}, end, gap);
      writeEntry(entry.name, entry.dtype, entry.shape, entry.begin, entry.size);
      end = entry.begin + entry.size;
    }
  });
  uint64_t size = 8 + text.size();
  text.append(llvm::alignTo(size, alignment) - size, ' ');
  return text;
}

Error SafetensorsWriter::open(StringRef path) {
  assert(!output && "opened twice");
  uint64_t end = 0;
  for (Entry &entry : entries) {
    // An empty tensor has no data to align; in front of a gap it would share
    // its offset with the padding, which readers may sort the wrong way.
    entry.begin = entry.size ? llvm::alignTo(end, alignment) : end;
    end = entry.begin + entry.size;
  }
  // The hash has a fixed width, so the header keeps its length.
  dataStart = 8 + makeHeader(std::string(16, '0')).size();
  fileSize = dataStart + end;
  auto buffer = llvm::FileOutputBuffer::create(path, fileSize);
  if (!buffer)
    return llvm::createStringError(
        "cannot create the weight file '" + path + "' of " +
        llvm::Twine(fileSize) +
        " bytes: " + llvm::toString(buffer.takeError()));
  output = std::move(*buffer);
  written.resize(entries.size());
  return Error::success();
}

uint64_t SafetensorsWriter::getOffset(StringRef name) const {
  assert(dataStart && index.contains(name) && "unknown entry, or not open yet");
  return dataStart + entries[index.lookup(name)].begin;
}

llvm::MutableArrayRef<uint8_t> SafetensorsWriter::getBytes(StringRef name) {
  assert(output && index.contains(name) && "unknown entry, or file not open");
  unsigned position = index.lookup(name);
  written[position] = true;
  const Entry &entry = entries[position];
  return {output->getBufferStart() + dataStart + entry.begin,
          static_cast<size_t>(entry.size)};
}

Error SafetensorsWriter::write(StringRef name, llvm::ArrayRef<uint8_t> bytes) {
  auto it = index.find(name);
  if (it == index.end())
    return llvm::createStringError("tensor '" + name + "' isn't declared");
  const Entry &entry = entries[it->second];
  if (entry.size != bytes.size())
    return llvm::createStringError("tensor '" + name + "' of type " +
                                   describe(entry.dtype, entry.shape) +
                                   " has " + llvm::Twine(entry.size) +
                                   " bytes, got " + llvm::Twine(bytes.size()));
  llvm::MutableArrayRef<uint8_t> target = getBytes(name);
  if (!bytes.empty())
    std::memcpy(target.data(), bytes.data(), bytes.size());
  return Error::success();
}

Expected<SafetensorsWriter::Summary> SafetensorsWriter::commit() {
  assert(output && "file not open");
  for (auto [entry, isWritten] : llvm::zip_equal(entries, written))
    if (!isWritten)
      return llvm::createStringError("tensor '" + entry.name +
                                     "' was declared, but not written");
  uint8_t *start = output->getBufferStart();
  llvm::ArrayRef<uint8_t> data(start + dataStart, fileSize - dataStart);
  Summary summary{fileSize, 0, llvm::xxHash64(data)};
  std::string header =
      makeHeader(llvm::utohexstr(summary.dataHash, /*LowerCase=*/true, 16));
  llvm::support::endian::write64le(start, header.size());
  std::memcpy(start + 8, header.data(), header.size());
  summary.headerHash =
      llvm::xxHash64(llvm::ArrayRef<uint8_t>(start, dataStart));
  std::string path = output->getPath().str();
  if (Error error = output->commit())
    return llvm::createStringError("cannot write the weight file '" + path +
                                   "': " + llvm::toString(std::move(error)));
  output.reset();
  return summary;
}
