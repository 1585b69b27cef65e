//===- NpzTest.cpp - NumPy's archives, sound and broken -------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Npy.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CRC.h"
#include "gtest/gtest.h"

using namespace llvm;
using namespace sqrun;

namespace {

/// What zlib's raw streams of two texts are.
struct Sample {
  std::string text, stream;
};

Sample fixedCode() {
  std::string text;
  for (int i = 0; i < 30; ++i)
    text += "abc";
  return {text, fromHex("4b4c4a4ea40d0200")};
}

Sample dynamicCode() {
  std::string text;
  for (int i = 0; i < 100; ++i)
    text.append(1 + i % 4, static_cast<char>('a' + i * i % 13));
  return {text,
          fromHex("c58e310e00410802df2a81c68dff6f0fd9dc1bd64e18c10224b58733e7ce"
                  "90de2d0b5508a0a6fd0b8cfd055ab0bf001cc000137f013a00010a2958ed"
                  "0f309182bdad471f7c")};
}

Sample storedBlock() {
  std::string text = "hello";
  return {text, fromHex("010500faff") + text};
}

std::string little(uint64_t value, unsigned bytes) {
  std::string text;
  for (; bytes; --bytes, value >>= 8)
    text += static_cast<char>(value);
  return text;
}

/// A ZIP archive with one file.
std::string makeArchive(const std::string &name, const Sample &file,
                        unsigned method) {
  std::string common = little(20, 2) + little(0, 2) + little(method, 2) +
                       little(0, 4) +
                       little(crc32(arrayRefFromStringRef(file.text)), 4) +
                       little(file.stream.size(), 4) +
                       little(file.text.size(), 4) + little(name.size(), 2);
  std::string local = little(0x04034b50, 4) + common + little(0, 2) + name;
  std::string entry = little(0x02014b50, 4) + little(20, 2) + common +
                      std::string(16, '\0') + name;
  std::string end = little(0x06054b50, 4) + little(0, 4) + little(1, 2) +
                    little(1, 2) + little(entry.size(), 4) +
                    little(local.size() + file.stream.size(), 4) + little(0, 2);
  return local + file.stream + entry + end;
}

} // namespace

TEST(Inflate, AllKindsOfBlocks) {
  for (const Sample &sample : {fixedCode(), dynamicCode(), storedBlock()}) {
    std::optional<std::string> text =
        inflate(sample.stream, sample.text.size());
    ASSERT_TRUE(text.has_value()) << sample.text;
    EXPECT_EQ(*text, sample.text);
  }
}

TEST(Inflate, WrongSizesAndTruncations) {
  for (const Sample &sample : {fixedCode(), dynamicCode(), storedBlock()}) {
    size_t size = sample.text.size();
    EXPECT_FALSE(inflate(sample.stream, size - 1).has_value());
    EXPECT_FALSE(inflate(sample.stream, size + 1).has_value());
    // The last byte of a stream may be nothing but padding.
    for (size_t cut = 2; cut <= sample.stream.size(); ++cut)
      EXPECT_FALSE(
          inflate(StringRef(sample.stream).drop_back(cut), size).has_value());
  }
}

TEST(Inflate, DamagedStreamsAreHarmless) {
  for (const Sample &sample : {fixedCode(), dynamicCode(), storedBlock()})
    for (size_t i = 0; i < sample.stream.size(); ++i)
      for (unsigned bit = 0; bit < 8; ++bit) {
        std::string stream = sample.stream;
        stream[i] ^= 1 << bit;
        (void)inflate(stream, sample.text.size());
      }
}

TEST(Npz, StoredAndDeflated) {
  HostTensor tensor(kI32, {3});
  std::string npy = formatNpy(tensor);
  std::string archive = makeArchive("x.npy", {npy, npy}, 0);
  auto tensors = parseNpz(archive, "a.npz");
  ASSERT_TRUE(static_cast<bool>(tensors)) << toString(tensors.takeError());
  EXPECT_EQ(tensors->at("x").shape, tensor.shape);

  // A stored block inside of a deflated member.
  std::string stream =
      "\1" + little(npy.size(), 2) + little(npy.size() ^ 0xffff, 2) + npy;
  tensors = parseNpz(makeArchive("y.npy", {npy, stream}, 8), "a.npz");
  ASSERT_TRUE(static_cast<bool>(tensors)) << toString(tensors.takeError());
  EXPECT_EQ(tensors->count("y"), 1u);

  // A comment after the archive.
  archive[archive.size() - 2] = 3;
  tensors = parseNpz(archive + "PK\5", "a.npz");
  EXPECT_TRUE(static_cast<bool>(tensors)) << toString(tensors.takeError());
}

TEST(Npz, Broken) {
  auto messageOf = [](StringRef bytes) {
    auto tensors = parseNpz(bytes, "a.npz");
    return tensors ? "" : toString(tensors.takeError());
  };
  HostTensor tensor(kI32, {3});
  std::string npy = formatNpy(tensor);
  std::string archive = makeArchive("x.npy", {npy, npy}, 0);
  EXPECT_EQ(messageOf(archive), "");
  for (size_t size = 0; size < archive.size(); ++size)
    EXPECT_NE(messageOf(StringRef(archive).take_front(size)), "") << size;
  // Any byte may be damaged; the checksum guards the contents.
  for (size_t i = 0; i < archive.size(); ++i) {
    std::string damaged = archive;
    damaged[i] ^= 0xff;
    bool isContents = i >= 35 && i < 35 + npy.size();
    if (isContents)
      EXPECT_EQ(messageOf(damaged), "'a.npz' is no readable .npz file: 'x.npy' "
                                    "is damaged");
    else
      (void)messageOf(damaged);
  }
  EXPECT_NE(messageOf(makeArchive("x.npy", {npy, npy}, 12)), "");
  EXPECT_NE(messageOf(makeArchive("x.txt", {"hello", "hello"}, 0))
                .find("'a.npz:x.txt' is no readable .npy"),
            std::string::npos);
}
