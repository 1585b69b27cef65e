//===- SafetensorsTest.cpp ------------------------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TempDir.h"
#include "sparse-quant-c/artifact.h"
#include "sparse-quant/Support/SafetensorsFile.h"
#include "sparse-quant/Support/SafetensorsWriter.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/xxhash.h"

using namespace mlir::sq;
using namespace mlir::sq::test;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

TEST(SafetensorsFile, EntriesInFileOrder) {
  TempDir dir;
  std::string header =
      R"({"b":{"dtype":"F16","shape":[2],"data_offsets":[4,8]},)"
      R"("__metadata__":{"format":"pt"},)"
      R"("empty":{"dtype":"F32","shape":[0,7],"data_offsets":[4,4]},)"
      R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}  )";
  auto file = SafetensorsFile::open(
      dir.write("m.safetensors", safetensors(header, "abcdEFGH")));
  ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
  ASSERT_EQ((*file)->getEntries().size(), 3u);
  EXPECT_EQ((*file)->getEntries()[0].name, "a");
  EXPECT_EQ((*file)->getEntries()[1].name, "empty");
  EXPECT_EQ((*file)->getEntries()[2].name, "b");
  const SafetensorsFile::Entry *b = (*file)->lookup("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->dtype, DType::F16);
  EXPECT_EQ(llvm::toStringRef(b->bytes), "EFGH");
  EXPECT_EQ(b->offsetFromFileStart, 8 + header.size() + 4);
  EXPECT_EQ((*file)->lookup("c"), nullptr);
  EXPECT_EQ((*file)->getMetadata().lookup("format"), "pt");
}

/// Opens a file of these bytes and returns the message without its path.
static std::string errorOf(StringRef bytes) {
  TempDir dir;
  std::string path = dir.write("bad.safetensors", bytes);
  auto file = SafetensorsFile::open(path);
  if (file)
    return "no error";
  std::string message = llvm::toString(file.takeError());
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  std::string prefix = "'" + path + "' isn't a valid safetensors file: ";
  EXPECT_EQ(message.substr(0, prefix.size()), prefix);
  return message.substr(std::min(prefix.size(), message.size()));
}

static std::string errorOf(StringRef header, StringRef data) {
  return errorOf(safetensors(header, data));
}

TEST(SafetensorsFile, MissingFile) {
  TempDir dir;
  auto file = SafetensorsFile::open(dir.path("none.safetensors"));
  ASSERT_FALSE(bool(file));
  EXPECT_EQ(llvm::toString(file.takeError()),
            "cannot open the weight file '" + dir.path("none.safetensors") +
                "': No such file or directory");
  auto folder = SafetensorsFile::open(dir.path());
  ASSERT_FALSE(bool(folder));
  EXPECT_EQ(llvm::toString(folder.takeError()),
            ("cannot open the weight file '" + dir.path() + "': Is a directory")
                .str());
}

TEST(SafetensorsFile, BrokenHeaders) {
  EXPECT_EQ(errorOf(""), "it has only 0 bytes");
  EXPECT_EQ(errorOf("1234567"), "it has only 7 bytes");
  EXPECT_EQ(errorOf(StringRef("\x09\0\0\0\0\0\0\0{}", 10)),
            "a header of 9 bytes is announced, but the file has only 10 bytes: "
            "truncated?");
  EXPECT_EQ(errorOf(StringRef("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10)),
            "a header of 18446744073709551615 bytes is announced, at most "
            "100000000 are allowed");
  EXPECT_EQ(errorOf("[]", ""), "the header isn't a JSON object");
  EXPECT_EQ(errorOf("", "").substr(0, 22), "the header isn't JSON:");
  EXPECT_EQ(errorOf("{\"a\":", "").substr(0, 22), "the header isn't JSON:");
  EXPECT_EQ(errorOf("{\"\xff\":1}", "").substr(0, 22),
            "the header isn't JSON:");
  EXPECT_EQ(errorOf(std::string(1000000, '['), ""),
            "the header isn't JSON: it nests more than 16 levels deep");
  EXPECT_EQ(errorOf(R"({"a":1})", ""), "'a' in the header isn't a JSON object");
  EXPECT_EQ(errorOf(R"({"__metadata__":{"k":1}})", ""),
            "'__metadata__' maps 'k' to something other than a string");
}

TEST(SafetensorsFile, BrokenEntries) {
  EXPECT_EQ(errorOf(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", "0123"),
            "tensor 'a' has no dtype");
  EXPECT_EQ(
      errorOf(R"({"a":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}})", "0"),
      "tensor 'a' has the unknown dtype 'F8'");
  EXPECT_EQ(
      errorOf(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", "0"),
      "tensor 'a' has no shape of nonnegative integers");
  EXPECT_EQ(errorOf(R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", "0"),
            "tensor 'a' has no shape of nonnegative integers");
  for (StringRef offsets : {"[1,0]", "[0]", "[-1,0]", "[0.5,1]", "[\"0\",1]",
                            "[0,1,2]", "{}", "[0,1e30]"})
    EXPECT_EQ(errorOf((R"({"a":{"dtype":"U8","shape":[1],"data_offsets":)" +
                       offsets + "}}")
                          .str(),
                      "0"),
              "tensor 'a' has no data_offsets [begin, end] with begin <= end")
        << offsets.str();
  EXPECT_EQ(errorOf(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                    "0123"),
            "tensor 'a' ends at byte 8 of the data, which has only 4 bytes: "
            "truncated?");
  EXPECT_EQ(
      errorOf(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})",
              "0123"),
      "tensor 'a' of type F32[2] occupies 4 bytes, which isn't the size of "
      "that type");
  // 2^62 * 2^62 elements overflow; 3 of 4 bits fill no byte.
  EXPECT_EQ(errorOf(R"({"a":{"dtype":"U8","shape":[4611686018427387904,)"
                    R"(4611686018427387904],"data_offsets":[0,0]}})",
                    ""),
            "tensor 'a' of type U8[4611686018427387904, 4611686018427387904] "
            "occupies 0 bytes, which isn't the size of that type");
  EXPECT_EQ(
      errorOf(R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}})", "01"),
      "tensor 'a' of type F4[3] occupies 2 bytes, which isn't the size "
      "of that type");
}

TEST(SafetensorsFile, BrokenLayout) {
  EXPECT_EQ(errorOf(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                    R"("b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
                    "0123"),
            "the tensors 'a' and 'b' overlap");
  EXPECT_EQ(errorOf(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                    R"("b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}})",
                    "0123"),
            "the 2 bytes in front of tensor 'b' belong to no tensor");
  EXPECT_EQ(errorOf(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                    "0123"),
            "the last 3 bytes belong to no tensor");
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

static std::string messageOf(llvm::Error error) {
  return llvm::toString(std::move(error));
}

TEST(SafetensorsWriter, RoundTrip) {
  TempDir dir;
  std::string path = dir.path("m.sqw");
  SafetensorsWriter writer;
  ASSERT_FALSE(writer.declare("a", DType::U8, {3}));
  ASSERT_FALSE(writer.declare("empty", DType::F32, {0}));
  ASSERT_FALSE(writer.declare("b.\"quoted\"", DType::F32, {2, 1}));
  ASSERT_FALSE(writer.declare("last", DType::F16, {}));
  writer.setMetadata("format", "none");
  writer.setMetadata("format", "sq");
  ASSERT_FALSE(writer.open(path));
  EXPECT_FALSE(llvm::sys::fs::exists(path)) << "appears before it is complete";

  const float values[] = {1.0f, -2.0f};
  ASSERT_FALSE(writer.write("last", {0x00, 0x3c}));
  ASSERT_FALSE(writer.write("a", {'x', 'y', 'z'}));
  ASSERT_FALSE(writer.write("empty", {}));
  std::memcpy(writer.getBytes("b.\"quoted\"").data(), values, sizeof values);
  uint64_t offset = writer.getOffset("b.\"quoted\"");
  auto summary = writer.commit();
  ASSERT_TRUE(bool(summary)) << llvm::toString(summary.takeError());

  auto file = SafetensorsFile::open(path);
  ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
  for (const SafetensorsFile::Entry &entry : (*file)->getEntries())
    if (!entry.bytes.empty() &&
        !StringRef(entry.name).starts_with(SafetensorsWriter::paddingPrefix)) {
      EXPECT_EQ(entry.offsetFromFileStart % 64, 0u) << entry.name;
    }
  const SafetensorsFile::Entry *b = (*file)->lookup("b.\"quoted\"");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->offsetFromFileStart, offset);
  EXPECT_EQ(llvm::ArrayRef<int64_t>(b->shape), llvm::ArrayRef<int64_t>({2, 1}));
  EXPECT_EQ(std::memcmp(b->bytes.data(), values, sizeof values), 0);
  EXPECT_EQ(llvm::toStringRef((*file)->lookup("a")->bytes), "xyz");
  EXPECT_NE((*file)->lookup("empty"), nullptr);
  EXPECT_EQ((*file)->getMetadata().lookup("format"), "sq");

  // The hashes are those that sparse-quant-c/artifact.h defines.
  auto buffer = llvm::MemoryBuffer::getFile(path);
  ASSERT_TRUE(bool(buffer));
  StringRef bytes = (*buffer)->getBuffer();
  EXPECT_EQ(bytes.size(), summary->size);
  EXPECT_EQ(bytes.size(), writer.getFileSize());
  uint64_t dataStart = 8 + llvm::support::endian::read64le(bytes.data());
  EXPECT_EQ(dataStart % 64, 0u);
  EXPECT_EQ(summary->headerHash, llvm::xxHash64(bytes.take_front(dataStart)));
  EXPECT_EQ(summary->dataHash, llvm::xxHash64(bytes.drop_front(dataStart)));
  EXPECT_EQ((*file)->getMetadata().lookup(SQ_WEIGHTS_HASH_KEY),
            llvm::utohexstr(summary->dataHash, /*LowerCase=*/true, 16));
}

TEST(SafetensorsWriter, WithoutEntries) {
  TempDir dir;
  SafetensorsWriter writer;
  ASSERT_FALSE(writer.open(dir.path("m.sqw")));
  auto summary = writer.commit();
  ASSERT_TRUE(bool(summary)) << llvm::toString(summary.takeError());
  auto file = SafetensorsFile::open(dir.path("m.sqw"));
  ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
  EXPECT_TRUE((*file)->getEntries().empty());
}

TEST(SafetensorsWriter, Errors) {
  TempDir dir;
  SafetensorsWriter writer;
  ASSERT_FALSE(writer.declare("a", DType::F32, {2}));
  EXPECT_EQ(messageOf(writer.declare("a", DType::F32, {2})),
            "tensor 'a' is declared twice");
  EXPECT_EQ(messageOf(writer.declare("__pad_0", DType::U8, {2})),
            "'__pad_0' can't be the name of a tensor");
  EXPECT_EQ(messageOf(writer.declare("__metadata__", DType::U8, {2})),
            "'__metadata__' can't be the name of a tensor");
  EXPECT_EQ(messageOf(writer.declare("", DType::U8, {2})),
            "'' can't be the name of a tensor");
  EXPECT_EQ(messageOf(writer.declare("f", DType::F4, {3})),
            "tensor 'f' of type F4[3] has no size in whole bytes");
  EXPECT_EQ(messageOf(writer.declare("n", DType::U8, {-1})),
            "tensor 'n' of type U8[-1] has no size in whole bytes");
  EXPECT_EQ(messageOf(writer.open(dir.path("none/m.sqw"))),
            "cannot create the weight file '" + dir.path("none/m.sqw") +
                "' of 136 bytes: No such file or directory");
  ASSERT_FALSE(writer.open(dir.path("m.sqw")));
  EXPECT_EQ(messageOf(writer.write("b", {})), "tensor 'b' isn't declared");
  EXPECT_EQ(messageOf(writer.write("a", {1})),
            "tensor 'a' of type F32[2] has 8 bytes, got 1");
  auto summary = writer.commit();
  ASSERT_FALSE(bool(summary));
  EXPECT_EQ(llvm::toString(summary.takeError()),
            "tensor 'a' was declared, but not written");
  EXPECT_FALSE(llvm::sys::fs::exists(dir.path("m.sqw")));
}
