//===- Npz.cpp - Read .npz files: ZIP archives of .npy files --------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Npy.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CRC.h"
#include "llvm/Support/Endian.h"

using namespace llvm;
using namespace sqrun;

static constexpr size_t kEndSize = 22, kEntrySize = 46, kLocalSize = 30;
/// DEFLATE can't expand more than this: a larger claim is a lie.
static constexpr uint64_t kMaxExpansion = 1032;

static uint16_t read16(StringRef bytes, size_t offset) {
  return support::endian::read16le(bytes.data() + offset);
}
static uint32_t read32(StringRef bytes, size_t offset) {
  return support::endian::read32le(bytes.data() + offset);
}

/// The record at the end of the archive, which a comment may follow.
static std::optional<size_t> findEnd(StringRef bytes) {
  if (bytes.size() < kEndSize)
    return std::nullopt;
  size_t first = bytes.size() - kEndSize;
  size_t last = first > UINT16_MAX ? first - UINT16_MAX : 0;
  for (size_t offset = first;; --offset) {
    if (read32(bytes, offset) == 0x06054b50)
      return offset;
    if (offset == last)
      return std::nullopt;
  }
}

/// One file of the archive, by its entry in the central directory.
struct Entry {
  StringRef name;
  uint16_t flags, method;
  uint32_t crc, packedSize, size, offset;
};

/// Takes the contents out. Nothing if anything is out of bounds or damaged.
static std::optional<std::string> extract(StringRef bytes, const Entry &entry) {
  if (entry.offset > bytes.size() || bytes.size() - entry.offset < kLocalSize ||
      read32(bytes, entry.offset) != 0x04034b50)
    return std::nullopt;
  size_t start = size_t(entry.offset) + kLocalSize +
                 read16(bytes, entry.offset + 26) +
                 read16(bytes, entry.offset + 28);
  if (start > bytes.size() || bytes.size() - start < entry.packedSize)
    return std::nullopt;
  StringRef packed = bytes.substr(start, entry.packedSize);
  std::optional<std::string> contents;
  if (entry.method == 0 && entry.size == entry.packedSize)
    contents = packed.str();
  else if (entry.method == 8 &&
           entry.size <= kMaxExpansion * (uint64_t(entry.packedSize) + 1))
    contents = inflate(packed, entry.size);
  if (contents && crc32(arrayRefFromStringRef(*contents)) != entry.crc)
    return std::nullopt;
  return contents;
}

Expected<std::map<std::string, HostTensor>> sqrun::parseNpz(StringRef bytes,
                                                            StringRef where) {
  auto fail = [&](const Twine &why) {
    return makeError("'" + where + "' is no readable .npz file: " + why);
  };
  std::optional<size_t> end = findEnd(bytes);
  if (!end)
    return fail("it isn't a ZIP archive, or is truncated");
  std::map<std::string, HostTensor> tensors;
  size_t offset = read32(bytes, *end + 16);
  for (unsigned i = 0, count = read16(bytes, *end + 10); i < count; ++i) {
    if (offset > *end || *end - offset < kEntrySize ||
        read32(bytes, offset) != 0x02014b50)
      return fail("its directory is damaged");
    size_t nameSize = read16(bytes, offset + 28);
    size_t next = offset + kEntrySize + nameSize + read16(bytes, offset + 30) +
                  read16(bytes, offset + 32);
    if (next > *end)
      return fail("its directory is damaged");
    Entry entry = {bytes.substr(offset + kEntrySize, nameSize),
                   read16(bytes, offset + 8),
                   read16(bytes, offset + 10),
                   read32(bytes, offset + 16),
                   read32(bytes, offset + 20),
                   read32(bytes, offset + 24),
                   read32(bytes, offset + 42)};
    offset = next;
    if (entry.flags & 1 || entry.size == UINT32_MAX ||
        entry.packedSize == UINT32_MAX || entry.offset == UINT32_MAX)
      return fail("'" + entry.name + "' is encrypted or beyond 4 GB");
    std::optional<std::string> contents = extract(bytes, entry);
    if (!contents)
      return fail("'" + entry.name + "' is damaged");
    Expected<HostTensor> tensor =
        parseNpy(*contents, (where + ":" + entry.name).str());
    if (!tensor)
      return tensor.takeError();
    entry.name.consume_back(".npy");
    tensors[entry.name.str()] = std::move(*tensor);
  }
  return tensors;
}

Expected<std::map<std::string, HostTensor>> sqrun::readNpz(StringRef path) {
  Expected<std::string> bytes = readFile(path);
  if (!bytes)
    return bytes.takeError();
  return parseNpz(*bytes, path);
}
