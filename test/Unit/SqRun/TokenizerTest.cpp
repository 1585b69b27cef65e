//===- TokenizerTest.cpp - The tokenizer against llama2.c's algorithm -----===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tokenizer.h"
#include "Sampler.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

#include <cstring>

using namespace llvm;
using namespace sqrun;

namespace {

struct Entry {
  std::string text;
  float score;
};

std::string makeFile(ArrayRef<Entry> entries) {
  auto add = [](std::string &file, auto value) {
    file.append(reinterpret_cast<const char *>(&value), sizeof value);
  };
  int32_t longest = 0;
  for (const Entry &entry : entries)
    longest = std::max(longest, static_cast<int32_t>(entry.text.size()));
  std::string file;
  add(file, longest);
  for (const Entry &entry : entries) {
    add(file, entry.score);
    add(file, static_cast<int32_t>(entry.text.size()));
    file += entry.text;
  }
  return file;
}

/// Specials, all bytes if asked for, and letters with pairs and quadruples
/// whose scores repeat, so that ties matter.
std::vector<Entry> makeEntries(bool withBytes) {
  std::vector<Entry> entries = {{"<unk>", 0}, {"\n<s>\n", 0}, {"\n</s>\n", 0}};
  for (int byte = 0; withBytes && byte < 256; ++byte)
    entries.push_back(
        {"<0x" + toHex(StringRef(reinterpret_cast<char *>(&byte), 1)) + ">",
         0});
  float score = 0;
  for (const char *text : {" ", "a", "b", "c", "\xc3\xa9", "ab", "bc", "ca",
                           " a", "aa", "abab", "bcbc", " ab", "caca", "aaa"})
    entries.push_back({text, -float(int(score += 1) % 4)});
  return entries;
}

Tokenizer make(bool withBytes = true) {
  return cantFail(Tokenizer::parse(makeFile(makeEntries(withBytes)), "test"));
}

/// llama2.c's merging, to the letter: search all pairs, merge the best, again.
std::vector<int32_t> mergeSlowly(std::vector<int32_t> tokens,
                                 ArrayRef<Entry> entries) {
  for (;;) {
    float bestScore = -1e10f;
    int bestToken = -1;
    size_t bestIndex = 0;
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
      std::string text = entries[tokens[i]].text + entries[tokens[i + 1]].text;
      for (size_t token = 0; token < entries.size(); ++token)
        if (entries[token].text == text && entries[token].score > bestScore) {
          bestScore = entries[token].score;
          bestToken = static_cast<int>(token);
          bestIndex = i;
        }
    }
    if (bestToken < 0)
      return tokens;
    tokens[bestIndex] = bestToken;
    tokens.erase(tokens.begin() + bestIndex + 1);
  }
}

std::string decodeAll(const Tokenizer &tokenizer, ArrayRef<int32_t> tokens) {
  std::string text;
  for (size_t i = 1; i < tokens.size(); ++i)
    text += tokenizer.decode(tokens[i - 1], tokens[i]);
  return text;
}

/// A file of the data folder; empty if it isn't there.
std::string readData(StringRef name) {
  const char *folder = std::getenv("SQ_DATA_DIR");
  auto buffer = MemoryBuffer::getFile(
      Twine(folder ? folder : SQ_DEFAULT_DATA_DIR) + "/" + name);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

} // namespace

TEST(Tokenizer, Encode) {
  Tokenizer tokenizer = make();
  EXPECT_EQ(tokenizer.encode("", true), std::vector<int32_t>{1});
  EXPECT_EQ(tokenizer.encode("", false), std::vector<int32_t>{});
  // A character of the vocabulary, one of bytes, a lone continuation byte.
  EXPECT_EQ(tokenizer.encode("\xc3\xa9", false),
            (std::vector<int32_t>{259, 263}));
  EXPECT_EQ(tokenizer.encode("\xe2\x82\xac", false),
            (std::vector<int32_t>{259, 3 + 0xe2, 3 + 0x82, 3 + 0xac}));
  EXPECT_EQ(tokenizer.encode("\x82z", false),
            (std::vector<int32_t>{259, 3 + 0x82, 3 + 'z'}));
}

TEST(Tokenizer, UnknownWithoutBytes) {
  Tokenizer tokenizer = make(/*withBytes=*/false);
  EXPECT_EQ(tokenizer.encode("\xe2\x82\xac?", true),
            (std::vector<int32_t>{1, 3, 0, 0}));
}

TEST(Tokenizer, MergesAsLlama2c) {
  std::vector<Entry> entries = makeEntries(true);
  Tokenizer tokenizer = make();
  uint32_t random = 1;
  for (int round = 0; round < 300; ++round) {
    std::string text;
    std::vector<int32_t> characters = {259};
    for (int i = 0; i < round % 40; ++i) {
      random = random * 1664525 + 1013904223;
      unsigned letter = (random >> 24) % 4;
      text += " abc"[letter];
      characters.push_back(259 + static_cast<int32_t>(letter));
    }
    if (text.empty())
      characters.clear();
    EXPECT_EQ(tokenizer.encode(text, false), mergeSlowly(characters, entries))
        << "'" << text << "'";
  }
}

TEST(Tokenizer, LongTextsTakeNoTime) {
  std::string text;
  for (int i = 0; i < 200000; ++i)
    text += "ab ca"[i % 5];
  Tokenizer tokenizer = make();
  EXPECT_EQ(decodeAll(tokenizer, tokenizer.encode(text, true)), text);
}

TEST(Tokenizer, Decode) {
  Tokenizer tokenizer = make();
  // A leading space goes away after BOS only.
  EXPECT_EQ(tokenizer.decode(Tokenizer::kBos, 267), "a");
  EXPECT_EQ(tokenizer.decode(260, 267), " a");
  EXPECT_EQ(tokenizer.decode(260, 3 + 0xe2), "\xe2");
  EXPECT_EQ(tokenizer.decode(260, -1), "");
  EXPECT_EQ(tokenizer.decode(260, 100000), "");
}

TEST(Tokenizer, BrokenFiles) {
  auto messageOf = [](StringRef bytes) {
    Expected<Tokenizer> tokenizer = Tokenizer::parse(bytes, "t.bin");
    return tokenizer ? "" : toString(tokenizer.takeError());
  };
  std::vector<Entry> entries = makeEntries(false);
  std::string file = makeFile(entries);
  size_t numRefused = 0;
  for (size_t size = 0; size < file.size(); ++size)
    numRefused += !messageOf(StringRef(file).take_front(size)).empty();
  // A cut between two tokens leaves a shorter vocabulary, which only the model
  // can tell apart; three tokens are the least.
  EXPECT_EQ(numRefused, file.size() - (entries.size() - 3));
  EXPECT_EQ(messageOf("abc"),
            "'t.bin' is no readable tokenizer file: it has only 3 bytes");
  std::string huge = file;
  std::memset(huge.data() + 8, 0x7f, 4);
  EXPECT_NE(messageOf(huge).find("token 0 has 2139062143 bytes"),
            std::string::npos);
  for (size_t i = 0; i < file.size(); ++i) {
    std::string damaged = file;
    damaged[i] ^= 0xff;
    Expected<Tokenizer> tokenizer = Tokenizer::parse(damaged, "t.bin");
    if (!tokenizer) {
      consumeError(tokenizer.takeError());
      continue;
    }
    std::string text = "abc abc \xe2\x82\xac";
    (void)decodeAll(*tokenizer, tokenizer->encode(text, true));
  }
}

TEST(Tokenizer, Stories260K) {
  std::string file = readData("stories260K/tok512.bin");
  if (file.empty())
    GTEST_SKIP() << "no stories260K/tok512.bin in SQ_DATA_DIR";
  Tokenizer tokenizer = cantFail(Tokenizer::parse(file, "tok512.bin"));
  ASSERT_EQ(tokenizer.size(), 512u);
  std::string text = "Once upon a time, there was a little girl named Lily. "
                     "\xe2\x82\xac\n";
  std::vector<int32_t> tokens = tokenizer.encode(text, true);
  // What llama2.c's run.c begins with.
  ASSERT_GE(tokens.size(), 6u);
  EXPECT_EQ(std::vector<int32_t>(tokens.begin(), tokens.begin() + 6),
            (std::vector<int32_t>{1, 403, 407, 261, 378, 432}));
  EXPECT_EQ(decodeAll(tokenizer, tokens), text);
}

TEST(Tokenizer, BabyLlama105) {
  std::string file = readData("babyllama105/tok105.bin");
  if (file.empty())
    GTEST_SKIP() << "no babyllama105/tok105.bin in SQ_DATA_DIR";
  Tokenizer tokenizer = cantFail(Tokenizer::parse(file, "tok105.bin"));
  ASSERT_EQ(tokenizer.size(), 105u);
  // No byte tokens, so a newline is unknown.
  std::vector<int32_t> tokens = tokenizer.encode("cat\n", true);
  ASSERT_EQ(tokens.size(), 6u);
  EXPECT_EQ(tokens.back(), Tokenizer::kUnknown);
  EXPECT_EQ(decodeAll(tokenizer, tokens), "cat<unk>");
}

TEST(Sampler, GreedyTakesTheFirstLargest) {
  Sampler sampler({});
  EXPECT_EQ(sampler.next({1, 3, 3, 2}), 1);
}

TEST(Sampler, SeedsAndNucleus) {
  std::vector<float> logits = {0, 5, 1, 4.9f};
  Sampler first({1, 0.9f, 42}), second({1, 0.9f, 42});
  std::vector<unsigned> counts(4);
  for (int i = 0; i < 1000; ++i) {
    int32_t token = first.next(logits);
    EXPECT_EQ(token, second.next(logits));
    ++counts[token];
  }
  // 1 and 3 have nearly equal chances; 0 and 2 are outside of the nucleus.
  EXPECT_EQ(counts[0] + counts[2], 0u);
  EXPECT_GT(counts[1], 400u);
  EXPECT_GT(counts[3], 400u);
  // With everything let in, the unlikely appear.
  Sampler all({5, 1, 42});
  for (int i = 0; i < 1000; ++i)
    ++counts[all.next(logits)];
  EXPECT_GT(counts[0], 50u);
}
