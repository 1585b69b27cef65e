//===- FragmentLayout.h - Weights for tensor cores --------------*- C++ -*-===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NUM-L11 and L12. NVIDIA's `mma` and `mma.sp` take the matrix of weights, 16
// rows at a time, from the registers of the 32 lanes of a warp: four registers
// a lane, its *fragment*. The layout stores weights in the order in which lanes
// need them, so that a lane loads 16 bytes at once and shuffles nothing. What
// lane l, register r, element i holds is the PTX ISA's ("Matrix fragments for
// mma" and "for sparse mma"), and the same for all shapes in use, counted in
// bytes of what is multiplied:
//
//   row     l / 4 + 8 * (r % 2)
//   column  (l % 4) * p + i + 4 * p * (r / 2)      p = 4 / multiplierBytes
//
// A *step* is what one instruction multiplies: 32 bytes of a row of activations
// when dense, 64 with 2:4, of whose columns half are stored and "column" counts
// those. A *unit* is what a lane's 16 bytes hold, one to four steps. A *block*
// is the columns that kernels go through at once: whole units, whole scale
// groups, and at least 128 bytes of activations. In memory:
//
//   payload    [tile of 16 rows][block][unit][lane][16 bytes]
//   metadata   [tile][block][unit][lane][words of 32 bits]   2:4 alone
//   scales     [tile][group][row]
//
// Codes of 8 bits, and floats of 16, come in the order step, register, element.
// Codes of 4 bits
// are in pairs and quadruples that one instruction takes apart:
//
//   to 8 bits   word 2*step + r/2, byte i: register r even in the low nibble,
//               odd in the high one; the kernel leaves them in the high one, so
//               that products are 16 times too large
//               E2M1, which a table makes integers of: nibble i of the word's
//               lower half for even r, of its upper half for odd r
//   to 16 bits  word `step`, nibble r + 4*i
//
// Metadata, too, is the PTX ISA's: fields of two bits, in ascending order in
// each group of four columns. Where two bytes are multiplied, a word serves two
// steps; of 16-bit floats, whose steps are units, that is two units.
//
// Of weights of which a varying number is kept, *bitmaps* say which, and only
// these are stored: a lane's codes in the order step, register, element, those
// of a unit's lanes one after the other, nibbles from a byte of their own for
// each lane. A kernel puts zeros in between, which gives a dense unit of bytes.
//
//   payload    [what is kept], blocks from a multiple of 16 bytes on
//   metadata   [tile][64 bits: where its codes start; bitmaps; offsets]
//              bitmaps [block][unit][lane][16 bits, or 32 for nibbles]
//              offsets [block][unit] and the end: 32 bits, from the tile's
//              start
//
//===----------------------------------------------------------------------===//
#ifndef SPARSE_QUANT_NUMERICS_FRAGMENTLAYOUT_H
#define SPARSE_QUANT_NUMERICS_FRAGMENTLAYOUT_H

#include "sparse-quant/Numerics/Format.h"
#include "sparse-quant/Numerics/Pattern.h"

#include <span>
#include <vector>

namespace mlir::sq::numerics {

/// What is stored of a unit.
enum class FragmentStorage : uint8_t {
  Dense,
  /// 2:4, for `mma.sp`.
  Positions,
  /// What is kept of a dense unit.
  Bitmap
};

/// The layout of one matrix: what the packer writes, what kernels read.
struct FragmentLayout {
  static constexpr int64_t kRows = 16, kLanes = 32, kLoadBytes = 16,
                           kUnitBytes = kLanes * kLoadBytes, kRegisters = 4;
  /// Bitmap: bytes that follow the last code, since kernels read whole words;
  /// and where blocks start.
  static constexpr int64_t kSlack = 64, kBlockAlignment = 16;
  /// Columns of a scale group that fits into a block.
  static constexpr int64_t kMaxGroup = 128;

  Format format;
  int64_t rows = 0, cols = 0;
  /// Bytes of what is multiplied: 1 (s8, e4m3, e5m2) or 2 (bf16).
  int64_t multiplierBytes = 1;
  FragmentStorage storage = FragmentStorage::Dense;
  /// Codes of 4 bits take a byte, as `getExpanded` says.
  bool isExpanded = false;

  /// 2:4: two of each four columns are stored.
  bool isSparse() const { return storage == FragmentStorage::Positions; }
  bool hasBitmap() const { return storage == FragmentStorage::Bitmap; }
  /// 4 or 8, or 16 of floats that are multiplied as they are.
  unsigned storedBits() const {
    if (format.isHalf())
      return 16;
    return format.bits <= 4 && !isExpanded ? 4 : 8;
  }
  /// Bitmap: the dense layout of what a kernel makes of it: bytes, which are 16
  /// times the codes where these are integers of 4 bits, and the integers that
  /// they stand for where they are E2M1's.
  FragmentLayout getExpanded() const;
  /// Codes of four bits that are a float's, twice which is an integer.
  bool hasTableCodes() const { return format.element == Element::E2M1FN; }
  bool hasGroups() const { return format.scope == GroupScope::Group; }
  int64_t numTiles() const { return (rows + kRows - 1) / kRows; }
  /// Elements of a register, and of a lane's fragment.
  int64_t perRegister() const { return 4 / multiplierBytes; }
  int64_t perFragment() const { return kRegisters * perRegister(); }
  int64_t stepCols() const { return (isSparse() ? 64 : 32) / multiplierBytes; }
  int64_t stepsPerUnit() const {
    return kLoadBytes * 8 / (storedBits() * perFragment());
  }
  /// Parts of a step whose sums are kept apart: two where a scale group is half
  /// of it, and the other half's weights are zeros for the while.
  int64_t partsPerStep() const {
    return hasGroups() && format.groupSize < stepCols() ? 2 : 1;
  }
  int64_t unitCols() const { return stepCols() * stepsPerUnit(); }
  int64_t blockCols() const;
  int64_t unitsPerBlock() const { return blockCols() / unitCols(); }
  int64_t stepsPerBlock() const { return blockCols() / stepCols(); }
  int64_t numBlocks() const { return (cols + blockCols() - 1) / blockCols(); }
  /// `cols` in whole blocks. Codes beyond the matrix decode to zero.
  int64_t paddedCols() const { return numBlocks() * blockCols(); }
  int64_t numUnits() const { return numBlocks() * unitsPerBlock(); }
  /// Bytes of a tile in each part, with bitmaps at most so many in the payload.
  int64_t payloadBytes() const { return numUnits() * kUnitBytes; }
  int64_t metadataBytes() const;
  /// 2:4: units that share a lane's words of metadata, these, and the step in
  /// them that a step of a block is.
  int64_t unitsPerMetadata() const { return unitCols() < 64 ? 2 : 1; }
  int64_t metadataWords() const {
    return isSparse() ? unitsPerMetadata() * unitCols() / 64 : 0;
  }
  int64_t inMetadata(int64_t step) const {
    return step % (unitsPerMetadata() * stepsPerUnit());
  }
  /// Bitmap: codes of a lane in a unit, which is the bits of its bitmap; where
  /// in a tile's metadata a unit's bitmaps and the offset of its codes are; and
  /// bytes that so many codes of a lane take.
  int64_t codesPerLane() const { return stepsPerUnit() * perFragment(); }
  int64_t bitmapAt(int64_t unit) const {
    return kBlockAlignment + unit * kLanes * codesPerLane() / 8;
  }
  int64_t offsetAt(int64_t unit) const {
    return bitmapAt(numUnits()) + 4 * unit;
  }
  int64_t keptBytes(int64_t kept) const {
    return (kept * storedBits() + 7) / 8;
  }
  /// Bitmap: bytes of whole tiles.
  int64_t countPayload(std::span<const uint8_t> mask) const;
  /// Scales of a tile: for each group 16, a row's beside the next row's.
  int64_t numScales() const { return format.numGroups(cols) * kRows; }

  /// Row and stored column of an element of a fragment.
  static int64_t rowOf(int64_t lane, int64_t reg) {
    return lane / 4 + 8 * (reg % 2);
  }
  int64_t columnOf(int64_t lane, int64_t reg, int64_t element) const {
    return lane % 4 * perRegister() + element + 4 * perRegister() * (reg / 2);
  }
  /// Where among a lane's 16 bytes a code is, and its first bit there.
  struct Place {
    int64_t byte;
    unsigned shift;
  };
  Place findCode(int64_t step, int64_t reg, int64_t element) const;
  /// Which of a lane's codes it is, in the order step, register, element.
  int64_t orderOf(int64_t step, int64_t reg, int64_t element) const {
    return step * perFragment() + reg * perRegister() + element;
  }
  /// Who gives the positions of the four columns 4 * group and on of a row, in
  /// step `step` of metadata: the lane, which of its words, and the first of
  /// four bits there.
  struct MetadataPlace {
    int64_t lane, word;
    unsigned shift;
  };
  MetadataPlace findPositions(int64_t step, int64_t row, int64_t group) const;
  /// The sparsity selector of a step of metadata.
  int64_t selectorOf(int64_t step) const {
    return multiplierBytes == 2 ? step % 2 : 0;
  }

  /// What weights are multiplied as beside activations that are codes, and
  /// beside f32, which is multiplied in parts of bf16.
  static int64_t getMultiplierBytes(bool areCodes) { return areCodes ? 1 : 2; }
  /// Whether `mma.sp` skips what `pattern` drops: 2:4 and what drops more of
  /// four. There are bitmaps for all others.
  static bool isSkipped(const Pattern &pattern) {
    return pattern.kind == PatternKind::NM && pattern.m == 4 && pattern.n <= 2;
  }
  /// Why such weights can't be laid out so; nullopt if they can. `pattern` is
  /// what is stored, null for dense.
  static Error check(const Format &format, const Pattern *pattern,
                     int64_t multiplierBytes);
  static FragmentLayout get(const Format &format, const Pattern *pattern,
                            int64_t multiplierBytes, int64_t rows,
                            int64_t cols);
};

struct PackedFragments {
  std::vector<uint8_t> payload, metadata, scales;
};

/// `codes` and `mask` (empty when dense), as numerics::encode and computeMask
/// give them, halves as two bytes, the lower one first, with scale bytes [rows,
/// groups], [rows, 1] or [1, 1]. With 2:4 a mask keeps at most two of four
/// columns. With bitmaps tiles that others precede start at `firstByte` of the
/// whole payload, and the slack behind the last of them is the caller's to add.
void packFragments(const FragmentLayout &layout, std::span<const uint8_t> codes,
                   std::span<const uint8_t> mask,
                   std::span<const uint8_t> scales, PackedFragments &out,
                   int64_t firstByte = 0);

} // namespace mlir::sq::numerics

#endif // SPARSE_QUANT_NUMERICS_FRAGMENTLAYOUT_H
