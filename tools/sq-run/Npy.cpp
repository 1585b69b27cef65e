//===- Npy.cpp - Read and write .npy files --------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Npy.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>

using namespace llvm;
using namespace sqrun;

static constexpr StringLiteral kMagic("\x93NUMPY");

/// What the header says.
struct Header {
  StringRef descr;
  bool fortranOrder = false;
  std::vector<int64_t> shape;
};

/// Takes `token` and the spaces before it off the front.
static bool take(StringRef &text, StringRef token) {
  text = text.ltrim();
  return text.consume_front(token);
}

static bool takeString(StringRef &text, StringRef &value) {
  if (!take(text, "'"))
    return false;
  size_t end = text.find('\'');
  if (end == StringRef::npos)
    return false;
  value = text.take_front(end);
  text = text.drop_front(end + 1);
  return true;
}

static bool takeShape(StringRef &text, std::vector<int64_t> &shape) {
  if (!take(text, "("))
    return false;
  while (!take(text, ")")) {
    text = text.ltrim();
    uint64_t extent;
    if (text.consumeInteger(10, extent) || extent > INT64_MAX)
      return false;
    shape.push_back(static_cast<int64_t>(extent));
    if (!take(text, ",") && !text.ltrim().starts_with(")"))
      return false;
  }
  return shape.size() <= 32;
}

/// Parses the Python dictionary with the three keys, in any order.
static bool parseHeader(StringRef text, Header &header) {
  bool hasDescr = false, hasOrder = false, hasShape = false;
  if (!take(text, "{"))
    return false;
  while (!take(text, "}")) {
    StringRef key;
    if (!takeString(text, key) || !take(text, ":"))
      return false;
    if (key == "descr" && !hasDescr) {
      hasDescr = takeString(text, header.descr);
    } else if (key == "fortran_order" && !hasOrder) {
      header.fortranOrder = take(text, "True");
      hasOrder = header.fortranOrder || take(text, "False");
    } else if (key == "shape" && !hasShape) {
      hasShape = takeShape(text, header.shape);
      if (!hasShape)
        return false;
    } else {
      return false;
    }
    if (!take(text, ",") && !text.ltrim().starts_with("}"))
      return false;
  }
  return hasDescr && hasOrder && hasShape;
}

static std::optional<sq_dtype> parseType(StringRef descr) {
  // '|' means that the byte order doesn't matter.
  if (!descr.consume_front("<") && !descr.consume_front("|"))
    return std::nullopt;
  uint8_t size;
  if (descr.size() < 2 || descr.drop_front().getAsInteger(10, size))
    return std::nullopt;
  bool isPowerOfTwo = size == 1 || size == 2 || size == 4 || size == 8;
  uint8_t bits = isPowerOfTwo ? size * 8 : 0;
  switch (isPowerOfTwo ? descr.front() : 0) {
  case 'f':
    if (size == 1)
      return std::nullopt;
    return sq_dtype{SQ_TYPE_FLOAT, bits, 1};
  case 'i':
    return sq_dtype{SQ_TYPE_INT, bits, 1};
  case 'u':
    return sq_dtype{SQ_TYPE_UINT, bits, 1};
  case 'b':
    if (size != 1)
      return std::nullopt;
    return sq_dtype{SQ_TYPE_BOOL, bits, 1};
  case 'V':
    return sq_dtype{UINT8_MAX, bits, 1};
  default:
    return std::nullopt;
  }
}

/// Copies column-major elements to row-major ones.
static void reorder(StringRef source, HostTensor &tensor) {
  size_t size = tensor.elementSize(), rank = tensor.shape.size();
  std::vector<int64_t> index(rank, 0);
  for (int64_t i = 0, e = tensor.numElements(); i < e; ++i) {
    int64_t offset = 0;
    for (size_t dim = rank; dim-- > 0;)
      offset = offset * tensor.shape[dim] + index[dim];
    std::memcpy(tensor.bytes.data() + i * size, source.data() + offset * size,
                size);
    for (size_t dim = rank; dim-- > 0 && ++index[dim] == tensor.shape[dim];)
      index[dim] = 0;
  }
}

Expected<HostTensor> sqrun::parseNpy(StringRef bytes, StringRef where) {
  auto fail = [&](const Twine &why) {
    return makeError("'" + where + "' is no readable .npy file: " + why);
  };
  StringRef rest = bytes;
  if (!rest.consume_front(kMagic) || rest.size() < 4)
    return fail("the magic string is missing");
  unsigned major = static_cast<uint8_t>(rest[0]);
  if (major < 1 || major > 3)
    return fail("format version " + Twine(major) + " is unknown");
  size_t lengthSize = major == 1 ? 2 : 4;
  uint64_t length = 0;
  if (rest.size() < 2 + lengthSize)
    return fail("it ends within the header");
  for (size_t i = 0; i < lengthSize; ++i)
    length |= uint64_t(static_cast<uint8_t>(rest[2 + i])) << (8 * i);
  rest = rest.drop_front(2 + lengthSize);
  if (rest.size() < length)
    return fail("it ends within the header");

  Header header;
  if (!parseHeader(rest.take_front(length), header))
    return fail("the header is malformed");
  rest = rest.drop_front(length);
  std::optional<sq_dtype> type = parseType(header.descr);
  if (!type)
    return fail("elements of type '" + header.descr + "' aren't supported");
  std::optional<size_t> size = checkedSize(*type, header.shape);
  if (!size || rest.size() != *size)
    return fail("it has " + Twine(rest.size()) +
                " bytes of data, which isn't what its shape says");

  HostTensor tensor(*type, header.shape);
  if (header.fortranOrder)
    reorder(rest, tensor);
  else if (!rest.empty())
    std::memcpy(tensor.bytes.data(), rest.data(), rest.size());
  return tensor;
}

std::string sqrun::formatNpy(const HostTensor &tensor) {
  std::string size = std::to_string(tensor.elementSize());
  std::string order = tensor.elementSize() == 1 ? "|" : "<";
  std::string descr;
  switch (tensor.dtype.code) {
  case SQ_TYPE_INT:
    descr = order + "i" + size;
    break;
  case SQ_TYPE_UINT:
    descr = order + "u" + size;
    break;
  case SQ_TYPE_FLOAT:
    descr = order + "f" + size;
    break;
  case SQ_TYPE_BOOL:
    descr = order + "b" + size;
    break;
  default:
    // What NumPy itself writes for the types of ml_dtypes.
    descr = "|V" + size;
    break;
  }
  std::string header =
      "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (";
  for (int64_t extent : tensor.shape)
    header += std::to_string(extent) + ",";
  header += "), }";
  // The data starts at a multiple of 64.
  size_t prefix = kMagic.size() + 4;
  header.resize(alignTo(prefix + header.size() + 1, 64) - prefix - 1, ' ');
  header += '\n';
  std::string bytes = kMagic.str();
  bytes += {1, 0, static_cast<char>(header.size() & 0xff),
            static_cast<char>(header.size() >> 8)};
  bytes += header;
  bytes.append(tensor.bytes.data(), tensor.bytes.size());
  return bytes;
}

Expected<std::string> sqrun::readFile(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  if (!buffer)
    return makeError("cannot read '" + path +
                     "': " + buffer.getError().message());
  return (*buffer)->getBuffer().str();
}

Expected<HostTensor> sqrun::readNpy(StringRef path) {
  Expected<std::string> bytes = readFile(path);
  if (!bytes)
    return bytes.takeError();
  return parseNpy(*bytes, path);
}

Error sqrun::writeNpy(StringRef path, const HostTensor &tensor) {
  std::error_code error;
  raw_fd_ostream stream(path, error);
  if (!error) {
    stream << formatNpy(tensor);
    stream.close();
    error = stream.error();
    stream.clear_error();
  }
  if (error)
    return makeError("cannot write '" + path + "': " + error.message());
  return Error::success();
}
