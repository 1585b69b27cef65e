//===- Hash.c - XXH64 ---------------------------------------------*- C -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The hash that ties a weight file to its artifact. Written from the XXH64
// specification; LLVM has the same function as llvm::xxHash64, which is what
// the compiler uses.
//
//===----------------------------------------------------------------------===//

#include "Common.h"

#include <string.h>

static const uint64_t prime1 = 0x9E3779B185EBCA87u;
static const uint64_t prime2 = 0xC2B2AE3D27D4EB4Fu;
static const uint64_t prime3 = 0x165667B19E3779F9u;
static const uint64_t prime4 = 0x85EBCA77C2B2AE63u;
static const uint64_t prime5 = 0x27D4EB2F165667C5u;

static uint64_t rotate_left(uint64_t value, unsigned count) {
  return (value << count) | (value >> (64 - count));
}

static uint64_t read64(const uint8_t *data) {
  uint64_t value;
  memcpy(&value, data, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  value = __builtin_bswap64(value);
#endif
  return value;
}

static uint32_t read32(const uint8_t *data) {
  uint32_t value;
  memcpy(&value, data, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  value = __builtin_bswap32(value);
#endif
  return value;
}

static uint64_t round_lane(uint64_t lane, uint64_t input) {
  return rotate_left(lane + input * prime2, 31) * prime1;
}

static uint64_t merge_lane(uint64_t hash, uint64_t lane) {
  return (hash ^ round_lane(0, lane)) * prime1 + prime4;
}

uint64_t sq_hash(const void *bytes, size_t size) {
  const uint8_t *data = bytes;
  size_t left = size;
  uint64_t hash = prime5;
  if (left >= 32) {
    uint64_t lanes[4] = {prime1 + prime2, prime2, 0, 0 - prime1};
    for (; left >= 32; data += 32, left -= 32)
      for (unsigned i = 0; i < 4; ++i)
        lanes[i] = round_lane(lanes[i], read64(data + 8 * i));
    hash = rotate_left(lanes[0], 1) + rotate_left(lanes[1], 7) +
           rotate_left(lanes[2], 12) + rotate_left(lanes[3], 18);
    for (unsigned i = 0; i < 4; ++i)
      hash = merge_lane(hash, lanes[i]);
  }
  hash += size;

  for (; left >= 8; data += 8, left -= 8)
    hash =
        rotate_left(hash ^ round_lane(0, read64(data)), 27) * prime1 + prime4;
  if (left >= 4) {
    hash = rotate_left(hash ^ read32(data) * prime1, 23) * prime2 + prime3;
    data += 4;
    left -= 4;
  }
  for (; left > 0; ++data, --left)
    hash = rotate_left(hash ^ *data * prime5, 11) * prime1;

  hash = (hash ^ (hash >> 33)) * prime2;
  hash = (hash ^ (hash >> 29)) * prime3;
  return hash ^ (hash >> 32);
}
