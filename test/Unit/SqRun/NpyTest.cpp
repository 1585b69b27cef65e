//===- NpyTest.cpp - NumPy's files, sound and broken ----------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Npy.h"

#include "gtest/gtest.h"

using namespace llvm;
using namespace sqrun;

namespace {

/// A file as NumPy writes it.
std::string makeFile(StringRef dictionary, StringRef data, char major = 1) {
  std::string file = "\x93NUMPY";
  file += {major, 0, static_cast<char>(dictionary.size()), 0};
  if (major > 1)
    file += {0, 0};
  return file + dictionary.str() + data.str();
}

std::string messageOf(Expected<HostTensor> tensor) {
  return tensor ? "" : toString(tensor.takeError());
}

template <typename T>
std::vector<T> values(const HostTensor &tensor) {
  return {tensor.data<T>(), tensor.data<T>() + tensor.numElements()};
}

} // namespace

TEST(Npy, RoundTrip) {
  for (sq_dtype type :
       {kF32, kI32, kI64, sq_dtype{SQ_TYPE_UINT, 8, 1},
        sq_dtype{SQ_TYPE_BOOL, 8, 1}, sq_dtype{SQ_TYPE_FLOAT, 16, 1}}) {
    for (std::vector<int64_t> shape :
         {std::vector<int64_t>{}, {3}, {2, 3}, {0, 5}, {1, 1, 1, 1, 2}}) {
      HostTensor tensor(type, shape);
      for (size_t i = 0; i < tensor.bytes.size(); ++i)
        tensor.bytes[i] = static_cast<char>(i & 1);
      std::string file = formatNpy(tensor);
      EXPECT_EQ((file.size() - tensor.bytes.size()) % 64, 0u);
      Expected<HostTensor> read = parseNpy(file, "file");
      ASSERT_TRUE(static_cast<bool>(read)) << toString(read.takeError());
      EXPECT_TRUE(read->dtype == type);
      EXPECT_EQ(read->shape, shape);
      EXPECT_EQ(read->bytes, tensor.bytes);
    }
  }
}

TEST(Npy, ColumnMajor) {
  std::string file =
      makeFile("{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3), }\n",
               StringRef("\1\4\2\5\3\6", 6));
  Expected<HostTensor> tensor = parseNpy(file, "file");
  ASSERT_TRUE(static_cast<bool>(tensor)) << toString(tensor.takeError());
  EXPECT_EQ(values<int8_t>(*tensor), (std::vector<int8_t>{1, 2, 3, 4, 5, 6}));
}

TEST(Npy, LaterFormatsAndOtherOrderOfKeys) {
  std::string file =
      makeFile("{'shape': (2,), 'fortran_order': False, 'descr': '<u2'}",
               StringRef("\1\0\2\0", 4), 2);
  Expected<HostTensor> tensor = parseNpy(file, "file");
  ASSERT_TRUE(static_cast<bool>(tensor)) << toString(tensor.takeError());
  EXPECT_EQ(values<uint16_t>(*tensor), (std::vector<uint16_t>{1, 2}));
}

TEST(Npy, Broken) {
  auto broken = [](StringRef dictionary, StringRef data, char major = 1) {
    return messageOf(parseNpy(makeFile(dictionary, data, major), "x.npy"));
  };
  const char *fine = "{'descr': '|i1', 'fortran_order': False, 'shape': (2,)}";
  EXPECT_EQ(broken(fine, "ab"), "");
  EXPECT_EQ(broken(fine, "abc"),
            "'x.npy' is no readable .npy file: it has 3 bytes of data, which "
            "isn't what its shape says");
  EXPECT_NE(broken(fine, "ab", 4).find("format version 4"), std::string::npos);
  EXPECT_NE(
      broken("{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", "abcd")
          .find("elements of type '>f4'"),
      std::string::npos);
  for (const char *type : {"<c8", "|O", "<f3", "<f1", "|b2", "<U4", "", "<"})
    EXPECT_NE(broken(("{'descr': '" + Twine(type) +
                      "', 'fortran_order': False, 'shape': (1,)}")
                         .str(),
                     "abcd"),
              "")
        << type;
  for (const char *dictionary :
       {"", "{", "{}", "{'descr': '|i1'}", "[1]", "{'shape': (2,",
        "{'descr': '|i1', 'fortran_order': Maybe, 'shape': (2,)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (-2,)}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (2 2)}",
        "{'descr': '|i1', 'descr': '|i1', 'fortran_order': False, 'shape': ()}",
        "{'descr': '|i1', 'fortran_order': False, 'shape': (2,), 'x': 1}"})
    EXPECT_NE(broken(dictionary, "ab").find("header is malformed"),
              std::string::npos)
        << dictionary;
  EXPECT_NE(broken("{'descr': '<i8', 'fortran_order': False, 'shape': "
                   "(4294967296, 4294967296)}",
                   "ab"),
            "");
}

TEST(Npy, EveryTruncationIsRefused) {
  HostTensor tensor(kF32, {2, 3});
  std::string file = formatNpy(tensor);
  for (size_t size = 0; size < file.size(); ++size)
    EXPECT_NE(messageOf(parseNpy(StringRef(file).take_front(size), "x")), "")
        << size;
}

TEST(Npy, ConvertIntegers) {
  HostTensor tensor(kI64, {2});
  tensor.data<int64_t>()[0] = -3;
  tensor.data<int64_t>()[1] = INT32_MAX;
  ASSERT_FALSE(static_cast<bool>(convertTo(tensor, kI32, "x")));
  EXPECT_EQ(values<int32_t>(tensor), (std::vector<int32_t>{-3, INT32_MAX}));
  EXPECT_EQ(toString(convertTo(tensor, {SQ_TYPE_UINT, 32, 1}, "x")),
            "'x': element 0 doesn't fit into ui32");
  EXPECT_EQ(toString(convertTo(tensor, {SQ_TYPE_INT, 8, 1}, "x")),
            "'x': element 1 doesn't fit into i8");
  EXPECT_EQ(toString(convertTo(tensor, kF32, "x")),
            "'x' must have elements of type f32, but has i32");
}

TEST(Npy, OpaqueBytesBecomeAnyTypeOfTheirWidth) {
  std::string file =
      makeFile("{'descr': '|V2', 'fortran_order': False, 'shape': (1,)}",
               StringRef("\x80\x3f", 2));
  Expected<HostTensor> tensor = parseNpy(file, "file");
  ASSERT_TRUE(static_cast<bool>(tensor)) << toString(tensor.takeError());
  EXPECT_NE(toString(convertTo(*tensor, kF32, "x")), "");
  ASSERT_FALSE(
      static_cast<bool>(convertTo(*tensor, {SQ_TYPE_BFLOAT, 16, 1}, "x")));
  EXPECT_EQ(tensor->element(0), 1.0);
}
