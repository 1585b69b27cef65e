//===- WorkspaceTest.cpp - Temporaries that stay from call to call --------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Workspace.h"

#include "gtest/gtest.h"

#include <thread>
#include <vector>

namespace {

struct Workspace : testing::Test {
  ~Workspace() override { sq_workspace_free(&workspace); }

  sq_workspace workspace = {};
};

TEST_F(Workspace, KeepsBlocksForLaterCalls) {
  sq_workspace_enter(&workspace);
  void *small = sq_allocate(64, 100), *large = sq_allocate(64, 1000);
  EXPECT_NE(small, large);
  EXPECT_EQ(uintptr_t(small) % 64, 0u);
  sq_release(large);
  sq_release(small);
  sq_workspace_leave(&workspace);

  sq_workspace_enter(&workspace);
  // Each gets the smallest block that has room.
  EXPECT_EQ(sq_allocate(64, 90), small);
  EXPECT_EQ(sq_allocate(64, 900), large);
  sq_workspace_leave(&workspace);
  EXPECT_EQ(workspace.num_blocks, 2u);
}

TEST_F(Workspace, GrowsWhatIsFree) {
  sq_workspace_enter(&workspace);
  for (size_t size : {10, 1000, 10000, 40000, 10}) {
    auto *data = static_cast<char *>(sq_allocate(64, size));
    data[0] = data[size - 1] = 1;
    sq_release(data);
  }
  sq_workspace_leave(&workspace);
  // The last has one of its own: it wouldn't leave much of 40000.
  EXPECT_EQ(workspace.num_blocks, 2u);
  EXPECT_EQ(workspace.blocks[0].capacity, 40000u);
}

// The maxima of rows, then their scales, then codes: were the first of them
// where the last one was in the call before, that would need new memory.
TEST_F(Workspace, CallsAfterTheFirstNeedNoMemory) {
  auto callOnce = [&] {
    sq_workspace_enter(&workspace);
    void *maxima = sq_allocate(64, 2048), *scales = sq_allocate(64, 2048);
    sq_release(maxima);
    void *codes = sq_allocate(64, 1 << 20);
    sq_release(scales);
    sq_release(codes);
    sq_workspace_leave(&workspace);
    return codes;
  };
  void *first = callOnce();
  EXPECT_EQ(callOnce(), first);
  EXPECT_EQ(callOnce(), first);
  EXPECT_EQ(workspace.num_blocks, 3u);
}

TEST_F(Workspace, TakesWhatThereIsWhenItIsFull) {
  sq_workspace_enter(&workspace);
  std::vector<void *> all;
  for (int i = 0; i < SQ_WORKSPACE_BLOCKS; ++i)
    all.push_back(sq_allocate(64, 64));
  sq_release(all[3]);
  auto *large = static_cast<char *>(sq_allocate(64, 1 << 20));
  large[(1 << 20) - 1] = 1;
  EXPECT_EQ(workspace.blocks[3].capacity, 1u << 20);
  sq_release(large);
  EXPECT_EQ(sq_allocate(64, 64), large);
  sq_workspace_leave(&workspace);
  EXPECT_EQ(workspace.num_blocks, size_t(SQ_WORKSPACE_BLOCKS));
}

TEST_F(Workspace, GivesWhatIsBeyondItsBlocksToMalloc) {
  sq_workspace_enter(&workspace);
  std::vector<void *> all;
  for (int i = 0; i < SQ_WORKSPACE_BLOCKS + 8; ++i)
    all.push_back(sq_allocate(64, 64));
  for (void *data : all)
    sq_release(data);
  // More than a cache line of alignment, too.
  void *page = sq_allocate(4096, 64);
  EXPECT_EQ(uintptr_t(page) % 4096, 0u);
  sq_release(page);
  sq_workspace_leave(&workspace);
  EXPECT_EQ(workspace.num_blocks, size_t(SQ_WORKSPACE_BLOCKS));
}

TEST_F(Workspace, IsForOneThread) {
  sq_workspace_enter(&workspace);
  std::thread([] { sq_release(sq_allocate(64, 64)); }).join();
  sq_workspace_leave(&workspace);
  EXPECT_EQ(workspace.num_blocks, 0u);
  sq_release(sq_allocate(64, 64));
  EXPECT_EQ(workspace.num_blocks, 0u);
}

TEST_F(Workspace, LeavesTheCallWithoutMemory) {
  sq_workspace_enter(&workspace);
  sq_allocate(64, 64);
  if (setjmp(workspace.out_of_memory) == 0) {
    sq_allocate(64, uint64_t(1) << 62);
    ADD_FAILURE() << "there can't be so much memory";
  }
  EXPECT_EQ(workspace.wanted, uint64_t(1) << 62);
  sq_workspace_leave(&workspace);
  // What the call held is free again.
  sq_workspace_enter(&workspace);
  sq_allocate(64, 64);
  sq_workspace_leave(&workspace);
  EXPECT_EQ(workspace.num_blocks, 2u);
}

} // namespace
