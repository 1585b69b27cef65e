//===- SafetensorsFile.cpp - Read a safetensors file ----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Layout of the format: u64 little-endian length of the header, the header (a
// JSON object: name -> {dtype, shape, data_offsets [begin, end)}, offsets from
// the end of the header), the data. The data has no holes.
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Support/SafetensorsFile.h"
#include "sparse-quant/Support/JSON.h"
#include "sparse-quant/Support/MappedPages.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir::sq;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

/// Bytes in front of the header, and the largest header that the format's
/// reference implementation reads.
static constexpr uint64_t lengthSize = 8, maxHeaderSize = 100'000'000;

SafetensorsFile::~SafetensorsFile() = default;

Error SafetensorsFile::fail(const Twine &what) const {
  return llvm::createStringError("'" + path +
                                 "' isn't a valid safetensors file: " + what);
}

Expected<std::unique_ptr<SafetensorsFile>>
SafetensorsFile::open(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createStringError("cannot open the weight file '" + path +
                                   "': " + buffer.getError().message());
  std::unique_ptr<SafetensorsFile> file(new SafetensorsFile());
  file->path = path.str();
  file->buffer = std::move(*buffer);
  if (Error error = file->readHeader())
    return error;
  return file;
}

Error SafetensorsFile::readHeader() {
  uint64_t size = buffer->getBufferSize();
  if (size < lengthSize)
    return fail("it has only " + Twine(size) + " bytes");
  uint64_t length = llvm::support::endian::read64le(buffer->getBufferStart());
  if (length > maxHeaderSize)
    return fail("a header of " + Twine(length) +
                " bytes is announced, at most " + Twine(maxHeaderSize) +
                " are allowed");
  if (length > size - lengthSize)
    return fail("a header of " + Twine(length) +
                " bytes is announced, but the file has only " + Twine(size) +
                " bytes: truncated?");
  StringRef text = buffer->getBuffer().substr(lengthSize, length);
  // A valid header nests three deep.
  Expected<llvm::json::Value> header = parseJSON(text, /*maxDepth=*/16);
  if (!header) {
    std::string message = llvm::toString(header.takeError());
    return fail("the header isn't JSON: " + message);
  }
  const llvm::json::Object *object = header->getAsObject();
  if (!object)
    return fail("the header isn't a JSON object");

  uint64_t dataStart = lengthSize + length;
  llvm::ArrayRef<uint8_t> data =
      llvm::arrayRefFromStringRef(buffer->getBuffer()).drop_front(dataStart);
  for (const auto &[key, value] : *object) {
    StringRef name = key;
    const llvm::json::Object *map = value.getAsObject();
    if (!map)
      return fail("'" + name + "' in the header isn't a JSON object");
    if (Error error = name == "__metadata__"
                          ? readMetadata(*map)
                          : readEntry(name, *map, data, dataStart))
      return error;
  }
  return checkLayout(dataStart, size);
}

Error SafetensorsFile::readMetadata(const llvm::json::Object &map) {
  for (const auto &[key, value] : map) {
    std::optional<StringRef> text = value.getAsString();
    if (!text)
      return fail("'__metadata__' maps '" + StringRef(key) +
                  "' to something other than a string");
    metadata[StringRef(key)] = text->str();
  }
  return Error::success();
}

/// Reads an array of nonnegative integers.
static bool readIntegers(const llvm::json::Array *array,
                         llvm::SmallVectorImpl<int64_t> &out) {
  if (!array)
    return false;
  for (const llvm::json::Value &value : *array) {
    std::optional<int64_t> number = value.getAsInteger();
    if (!number || *number < 0)
      return false;
    out.push_back(*number);
  }
  return true;
}

Error SafetensorsFile::readEntry(StringRef name,
                                 const llvm::json::Object &value,
                                 llvm::ArrayRef<uint8_t> data,
                                 uint64_t dataStart) {
  std::optional<StringRef> typeName = value.getString("dtype");
  if (!typeName)
    return fail("tensor '" + name + "' has no dtype");
  std::optional<DType> dtype = parseDType(*typeName);
  if (!dtype)
    return fail("tensor '" + name + "' has the unknown dtype '" + *typeName +
                "'");
  Entry entry{name.str(), *dtype, {}, {}, 0};
  if (!readIntegers(value.getArray("shape"), entry.shape))
    return fail("tensor '" + name + "' has no shape of nonnegative integers");
  llvm::SmallVector<int64_t, 2> range;
  if (!readIntegers(value.getArray("data_offsets"), range) ||
      range.size() != 2 || range[0] > range[1])
    return fail("tensor '" + name +
                "' has no data_offsets [begin, end] with begin <= end");
  if (static_cast<uint64_t>(range[1]) > data.size())
    return fail("tensor '" + name + "' ends at byte " + Twine(range[1]) +
                " of the data, which has only " + Twine(data.size()) +
                " bytes: truncated?");
  uint64_t size = range[1] - range[0];
  std::optional<uint64_t> expected = getByteSize(*dtype, entry.shape);
  if (expected != size)
    return fail("tensor '" + name + "' of type " +
                describe(*dtype, entry.shape) + " occupies " + Twine(size) +
                " bytes, which isn't the size of that type");
  entry.bytes = data.slice(range[0], size);
  entry.offsetFromFileStart = dataStart + range[0];
  entries.push_back(std::move(entry));
  return Error::success();
}

Error SafetensorsFile::checkLayout(uint64_t dataStart, uint64_t fileSize) {
  // Empty tensors share their begin with the entry that follows them; names
  // break the remaining ties, so that the order depends on the file alone.
  llvm::sort(entries, [](const Entry &a, const Entry &b) {
    return std::make_tuple(a.offsetFromFileStart, a.bytes.size(),
                           StringRef(a.name)) <
           std::make_tuple(b.offsetFromFileStart, b.bytes.size(),
                           StringRef(b.name));
  });
  uint64_t end = dataStart;
  const Entry *previous = nullptr;
  for (auto [position, entry] : llvm::enumerate(entries)) {
    if (entry.offsetFromFileStart < end)
      return fail("the tensors '" + previous->name + "' and '" + entry.name +
                  "' overlap");
    if (entry.offsetFromFileStart > end)
      return fail("the " + Twine(entry.offsetFromFileStart - end) +
                  " bytes in front of tensor '" + entry.name +
                  "' belong to no tensor");
    end = entry.offsetFromFileStart + entry.bytes.size();
    previous = &entry;
    index[entry.name] = position;
  }
  if (end != fileSize)
    return fail("the last " + Twine(fileSize - end) +
                " bytes belong to no tensor");
  return Error::success();
}

const SafetensorsFile::Entry *SafetensorsFile::lookup(StringRef name) const {
  auto it = index.find(name);
  return it == index.end() ? nullptr : &entries[it->second];
}

void SafetensorsFile::dontNeed() const { releasePages(*buffer); }
