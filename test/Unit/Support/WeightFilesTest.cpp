//===- WeightFilesTest.cpp ------------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "sparse-quant/Support/WeightFiles.h"
#include "TempDir.h"
#include "sparse-quant/Support/SafetensorsWriter.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir::sq;
using namespace mlir::sq::test;

static const float floats[] = {1.5f, -2.0f};
static llvm::ArrayRef<uint8_t> floatBytes() {
  return {reinterpret_cast<const uint8_t *>(floats), sizeof floats};
}

static void writeModel(const TempDir &dir) {
  SafetensorsWriter writer;
  ASSERT_FALSE(writer.declare("f32", DType::F32, {1, 2}));
  ASSERT_FALSE(writer.declare("f16", DType::F16, {2}));
  ASSERT_FALSE(writer.declare("bf16", DType::BF16, {2}));
  ASSERT_FALSE(writer.declare("i8", DType::I8, {2}));
  ASSERT_FALSE(writer.open(dir.path("m.safetensors")));
  ASSERT_FALSE(writer.write("f32", floatBytes()));
  ASSERT_FALSE(writer.write("f16", {0x00, 0x3e, 0x00, 0xc0}));
  ASSERT_FALSE(writer.write("bf16", {0xc0, 0x3f, 0x00, 0xc0}));
  ASSERT_FALSE(writer.write("i8", {1, 2}));
  auto summary = writer.commit();
  ASSERT_TRUE(bool(summary)) << llvm::toString(summary.takeError());
}

static void expectFloats(llvm::Expected<FloatValues> values) {
  ASSERT_TRUE(bool(values)) << llvm::toString(values.takeError());
  ASSERT_EQ(values->size(), 2u);
  std::vector<float> all(2), last(1);
  values->read(0, all);
  EXPECT_EQ(llvm::ArrayRef(all), llvm::ArrayRef(floats));
  values->read(1, last);
  EXPECT_EQ(last[0], floats[1]);
}

TEST(WeightFiles, ReadsSafetensors) {
  TempDir dir;
  writeModel(dir);
  WeightFiles files(dir.path());
  expectFloats(files.readParameter("f32", "m.safetensors", {}, {1, 2}));
  expectFloats(files.readParameter("f16", "m.safetensors", {}, {2}));
  expectFloats(files.readParameter("bf16", "m.safetensors", {}, {2}));
  auto bytes = files.readBytes("i8", "m.safetensors", {}, {2});
  ASSERT_TRUE(bool(bytes)) << llvm::toString(bytes.takeError());
  EXPECT_EQ(bytes->dtype, DType::I8);
  EXPECT_EQ(bytes->bytes, llvm::ArrayRef<uint8_t>({1, 2}));
}

TEST(WeightFiles, ReadsRawFilesAtAnyAlignment) {
  TempDir dir;
  std::string raw = llvm::toStringRef(floatBytes()).str();
  dir.write("raw.bin", "1234" + raw + "5" + raw);
  WeightFiles files(dir.path());
  expectFloats(files.readParameter("w", "raw.bin", 4, {2}));
  expectFloats(files.readParameter("w", "raw.bin", 13, {2}));
  // Pages that went away come back.
  files.dontNeed();
  expectFloats(files.readParameter("w", "raw.bin", 4, {2}));
  // Sources may be absolute.
  expectFloats(files.readParameter("w", dir.path("raw.bin"), 4, {2}));
}

template <typename T>
static std::string messageOf(llvm::Expected<T> value) {
  return value ? "no error" : llvm::toString(value.takeError());
}

TEST(WeightFiles, Errors) {
  TempDir dir;
  writeModel(dir);
  dir.write("raw.bin", "0123456789");
  WeightFiles files(dir.path());
  std::string path = dir.path("m.safetensors"), raw = dir.path("raw.bin");
  EXPECT_EQ(messageOf(files.readParameter("w", "m.safetensors", {}, {2})),
            "'" + path + "' has no tensor 'w'");
  EXPECT_EQ(messageOf(files.readParameter("f16", "m.safetensors", {}, {2, 1})),
            "tensor 'f16' of '" + path +
                "' is F16[2], but its parameter is F16[2, 1]");
  EXPECT_EQ(messageOf(files.readParameter("i8", "m.safetensors", {}, {2})),
            "tensor 'i8' of '" + path +
                "' is stored as I8; f32 parameters are read from F32, F16 and "
                "BF16");
  EXPECT_EQ(messageOf(files.readParameter("w", "raw.bin", 4, {2})),
            "parameter 'w' of type F32[2] at byte 4 reaches past the end of '" +
                raw + "', which has 10 bytes: truncated?");
  EXPECT_NE(messageOf(files.readParameter("w", "raw.bin", 11, {0})),
            "no error");
  EXPECT_EQ(messageOf(files.readParameter("w", "none.bin", 0, {1})),
            "cannot open the weight file '" + dir.path("none.bin") +
                "': No such file or directory");
  EXPECT_EQ(messageOf(files.readParameter("w", "none.safetensors", {}, {1})),
            "cannot open the weight file '" + dir.path("none.safetensors") +
                "': No such file or directory");
}
