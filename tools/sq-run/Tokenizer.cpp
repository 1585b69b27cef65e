//===- Tokenizer.cpp - llama2.c's tokenizer -------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tokenizer.h"

#include "HostTensor.h"
#include "Npy.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"

#include <cmath>
#include <queue>

using namespace llvm;
using namespace sqrun;

/// The first byte token; <unk>, BOS and EOS come before.
static constexpr int32_t kFirstByte = 3;

/// The byte that a piece of the form "<0x1F>" stands for.
static std::optional<uint8_t> byteOf(StringRef piece) {
  uint8_t byte;
  if (piece.size() == 6 && piece.consume_front("<0x") &&
      piece.consume_back(">") && !piece.getAsInteger(16, byte))
    return byte;
  return std::nullopt;
}

Expected<Tokenizer> Tokenizer::parse(StringRef bytes, StringRef where) {
  auto fail = [&](const Twine &why) {
    return makeError("'" + where + "' is no readable tokenizer file: " + why);
  };
  auto read32 = [&] {
    uint32_t value = support::endian::read32le(bytes.data());
    bytes = bytes.drop_front(4);
    return value;
  };
  if (bytes.size() < 4)
    return fail("it has only " + Twine(bytes.size()) + " bytes");
  uint32_t longest = read32();
  Tokenizer tokenizer;
  while (!bytes.empty()) {
    size_t token = tokenizer.pieces.size();
    if (bytes.size() < 8)
      return fail("it ends within token " + Twine(token));
    float score = bit_cast<float>(read32());
    uint32_t length = read32();
    if (length > longest)
      return fail("token " + Twine(token) + " has " + Twine(length) +
                  " bytes, the longest has " + Twine(longest));
    if (length > bytes.size())
      return fail("it ends within token " + Twine(token));
    if (std::isnan(score))
      return fail("the score of token " + Twine(token) + " is not a number");
    tokenizer.pieces.push_back({bytes.take_front(length).str(), score});
    bytes = bytes.drop_front(length);
    // Of equal texts the first counts.
    tokenizer.ids.try_emplace(tokenizer.pieces.back().text, token);
  }
  if (tokenizer.pieces.size() <= size_t(kEos))
    return fail("it has fewer than three tokens");
  tokenizer.hasBytes = tokenizer.pieces.size() >= size_t(kFirstByte) + 256 &&
                       byteOf(tokenizer.pieces[kFirstByte].text) == 0;
  return tokenizer;
}

Expected<Tokenizer> Tokenizer::load(StringRef path) {
  Expected<std::string> bytes = readFile(path);
  if (!bytes)
    return bytes.takeError();
  return parse(*bytes, path);
}

int32_t Tokenizer::find(StringRef text) const {
  auto it = ids.find(text);
  return it == ids.end() ? -1 : it->second;
}

/// Splits into UTF-8 characters of up to four bytes (more continuation bytes
/// are characters of their own) and looks each up.
void Tokenizer::addCharacters(StringRef text,
                              std::vector<int32_t> &tokens) const {
  auto isContinuation = [](char c) { return (c & 0xC0) == 0x80; };
  while (!text.empty()) {
    size_t size = 1;
    while (size < 4 && size < text.size() && isContinuation(text[size]))
      ++size;
    StringRef character = text.take_front(size);
    text = text.drop_front(size);
    if (int32_t id = find(character); id >= 0) {
      tokens.push_back(id);
    } else if (hasBytes) {
      for (char byte : character)
        tokens.push_back(kFirstByte + static_cast<uint8_t>(byte));
    } else {
      tokens.push_back(kUnknown);
    }
  }
}

/// Merges neighbors until no pair is a token: always the pair whose token has
/// the best score, the leftmost of those. llama2.c scans all pairs before each
/// merge; here they wait in a queue, and the tokens are a linked list.
std::vector<int32_t> Tokenizer::merge(ArrayRef<int32_t> tokens) const {
  struct Node {
    int32_t token, previous, next;
  };
  struct Candidate {
    float score;
    int32_t left, right, leftToken, rightToken, merged;
    // The top of a priority_queue is the largest.
    bool operator<(const Candidate &other) const {
      return score != other.score ? score < other.score : left > other.left;
    }
  };
  std::vector<Node> nodes;
  for (auto [i, token] : llvm::enumerate(tokens))
    nodes.push_back({token, static_cast<int32_t>(i) - 1,
                     i + 1 < tokens.size() ? static_cast<int32_t>(i) + 1 : -1});

  std::priority_queue<Candidate> queue;
  auto consider = [&](int32_t left) {
    int32_t right = left < 0 ? -1 : nodes[left].next;
    if (right < 0)
      return;
    int32_t merged =
        find(pieces[nodes[left].token].text + pieces[nodes[right].token].text);
    // llama2.c's search for the best score starts from -1e10.
    if (merged >= 0 && pieces[merged].score > -1e10f)
      queue.push({pieces[merged].score, left, right, nodes[left].token,
                  nodes[right].token, merged});
  };
  for (int32_t i = 0; i < static_cast<int32_t>(nodes.size()); ++i)
    consider(i);
  while (!queue.empty()) {
    Candidate best = queue.top();
    queue.pop();
    Node &left = nodes[best.left], &right = nodes[best.right];
    // An earlier merge may have taken one of the two.
    if (left.token != best.leftToken || right.token != best.rightToken ||
        left.next != best.right)
      continue;
    left.token = best.merged;
    left.next = right.next;
    right.token = -1;
    if (left.next >= 0)
      nodes[left.next].previous = best.left;
    consider(left.previous);
    consider(best.left);
  }
  std::vector<int32_t> result;
  for (int32_t i = nodes.empty() ? -1 : 0; i >= 0; i = nodes[i].next)
    result.push_back(nodes[i].token);
  return result;
}

std::vector<int32_t> Tokenizer::encode(StringRef text, bool addBos) const {
  std::vector<int32_t> tokens;
  if (!text.empty()) {
    // SentencePiece's dummy prefix: words in the vocabulary begin with a space.
    if (int32_t space = find(" "); space >= 0)
      tokens.push_back(space);
    addCharacters(text, tokens);
  }
  tokens = merge(tokens);
  if (addBos)
    tokens.insert(tokens.begin(), kBos);
  return tokens;
}

std::string Tokenizer::decode(int32_t previous, int32_t token) const {
  if (token < 0 || static_cast<size_t>(token) >= pieces.size())
    return "";
  StringRef piece = pieces[token].text;
  // The dummy prefix isn't part of the text.
  if (previous == kBos)
    piece.consume_front(" ");
  if (std::optional<uint8_t> byte = byteOf(piece))
    return std::string(1, static_cast<char>(*byte));
  return piece.str();
}
