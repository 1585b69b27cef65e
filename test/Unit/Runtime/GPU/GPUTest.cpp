//===- GPUTest.cpp - Models on a GPU, with a driver that has none ---------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GPU/GPU.h"
#include "FakeCUDA.h"
#include "TestModel.h"

#include <cstring>
#include <dlfcn.h>

using namespace sqtest;

// The artifact's code for GPUs: where a model.so has it, too.
static const char *const kernels[] = {"scale"};
static const sq_gpu_image images[] = {
    {"sm_80", 80, SQ_GPU_IMAGE_PTX, 12050, 0, "ptx 80", 7},
    {"sm_90a", 90, SQ_GPU_IMAGE_EXACT, 12050, 0, "cubin 90a", 10},
};
extern "C" const sq_gpu_desc sq_gpu = {SQ_ABI_VERSION, 2, images,
                                       kernels,        1, 0};

static bool hasDriver() { return dlopen("libcuda.so.1", RTLD_NOW); }

// First: with the fake there is a driver.
TEST(NoGPUTest, NoDriver) {
  if (hasDriver())
    GTEST_SKIP() << "this machine has a driver for GPUs";
  TestModel m;
  EXPECT_EQ(m.open(), SQ_ERROR_NO_GPU);
  EXPECT_NE(std::strstr(m.message, "there is no driver for one: libcuda.so.1"),
            nullptr)
      << m.message;
  EXPECT_NE(std::strstr(m.message, "or compile the model for the CPU"),
            nullptr);
}

namespace {

/// A call that is in order, on the fake.
class GPUTest : public CallTest {
protected:
  static void SetUpTestSuite() {
    // Loading by name finds what is loaded under that name.
    void *library = dlopen(SQ_FAKE_CUDA, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << dlerror();
    fake = static_cast<fake_cuda *>(dlsym(library, FAKE_CUDA_STATE));
    ASSERT_NE(fake, nullptr);
  }
  void SetUp() override {
    *fake = fake_cuda{};
    fake->devices = 1;
    fake->capability = 90;
    fake->driver = 13000;
    fake->memory = 1 << 20;
    fake->kernel = "scale";
    CallTest::SetUp();
    fake->log[0] = 0;
  }
  void TearDown() override {
    CallTest::TearDown();
    m.api->close(m.model);
    m.model = nullptr;
    EXPECT_EQ(fake->used, 0u);
  }
  /// Opens another model, which fails with a message that contains `text`.
  void expectOpenError(sq_status status, const std::string &text) {
    TestModel other;
    EXPECT_EQ(other.open(), status);
    EXPECT_NE(std::string(other.message).find(text), std::string::npos)
        << other.message;
  }
  static fake_cuda *fake;
};

fake_cuda *GPUTest::fake;

} // namespace

// The entry of the test model computes on what it is given.
TEST_F(GPUTest, CopiesInputsAndResultsAndKeepsStates) {
  ASSERT_EQ(call(), SQ_OK) << m.api->last_error(context);
  EXPECT_EQ(yData, (std::vector<float>{1, 2, 3, 4, 50, 60, 70, 80}));
  EXPECT_EQ(sum, 270);
  // x, ids, flag and pos; y and sum.
  EXPECT_STREQ(fake->log, "push alloc in alloc in alloc in alloc in alloc "
                          "alloc out out wait pop ");
  fake->log[0] = 0;
  ASSERT_EQ(call(), SQ_OK);
  EXPECT_EQ(yData, (std::vector<float>{2, 4, 6, 8, 100, 120, 140, 160}));
  // Memory stays from call to call.
  EXPECT_STREQ(fake->log, "push in in in in out out wait pop ");
  ASSERT_EQ(m.api->context_reset(context), SQ_OK);
  ASSERT_EQ(call(), SQ_OK);
  EXPECT_EQ(yData, (std::vector<float>{1, 2, 3, 4, 50, 60, 70, 80}));
}

// On the fake, all memory is the device's.
TEST_F(GPUTest, TensorsOfTheDeviceAreNotCopied) {
  x.device = y.device = SQ_DEVICE_CUDA;
  ASSERT_EQ(call(), SQ_OK) << m.api->last_error(context);
  EXPECT_EQ(yData, (std::vector<float>{1, 2, 3, 4, 50, 60, 70, 80}));
  // ids, flag and pos; sum.
  EXPECT_STREQ(fake->log,
               "push alloc in alloc in alloc in alloc out wait pop ");
}

TEST_F(GPUTest, ValuesThatAreCheckedAreOnTheCPU) {
  const char *text = "its values are checked before the call; copy it to CPU";
  for (Tensor *tensor : {&ids, &flagTensor, &posTensor}) {
    tensor->device = SQ_DEVICE_CUDA;
    expectError(SQ_ERROR_DEVICE, text);
    tensor->device = SQ_DEVICE_CPU;
  }
}

TEST_F(GPUTest, TensorsOfOtherDevices) {
  x.device = 4; // kDLOpenCL
  expectError(SQ_ERROR_DEVICE, "device type 4; copy it to CPU memory");
  x.device = SQ_DEVICE_CUDA;
  x.deviceId = 1;
  expectError(SQ_ERROR_DEVICE, "on GPU 1, and the model on GPU 0");
}

TEST_F(GPUTest, CallsOnTheCallersStreamDoNotWait) {
  m.functions[1].entry = [](void **) {
    sq_gpu_launch(0, 1, 1, 1, 128, 1, 1, 0, nullptr);
  };
  auto callNothing = [&] {
    fake->log[0] = 0;
    return m.api->call(context, &m.functions[1], nullptr, 0, nullptr, 0);
  };
  ASSERT_EQ(callNothing(), SQ_OK);
  EXPECT_STREQ(fake->log, "push launch wait pop ");
  int stream;
  fake->log[0] = 0;
  ASSERT_EQ(m.api->context_set_stream(context, &stream), SQ_OK);
  EXPECT_STREQ(fake->log, "push wait end-stream pop ");
  ASSERT_EQ(callNothing(), SQ_OK);
  EXPECT_STREQ(fake->log, "push launch pop ");
  // Those with tensors of the CPU do.
  fake->log[0] = 0;
  ASSERT_EQ(call(), SQ_OK);
  EXPECT_NE(std::strstr(fake->log, "out wait pop"), nullptr) << fake->log;
  // The end waits for what is queued, and leaves the stream to its owner.
  fake->log[0] = 0;
  m.api->context_destroy(context);
  context = nullptr;
  EXPECT_EQ(std::strncmp(fake->log, "push wait free", 14), 0) << fake->log;
  EXPECT_EQ(std::strstr(fake->log, "end-stream"), nullptr) << fake->log;
}

TEST_F(GPUTest, StreamThatFails) {
  fake->failing = "wait";
  fake->result = 700;
  int stream;
  EXPECT_EQ(m.api->context_set_stream(context, &stream), SQ_ERROR_GPU);
  EXPECT_STREQ(m.api->last_error(context),
               "cannot compute on the GPU: CUDA_ERROR_ILLEGAL_ADDRESS");
  EXPECT_EQ(m.api->context_set_stream(nullptr, &stream), SQ_ERROR_NULL_POINTER);
}

TEST_F(GPUTest, OpeningLoadsTheCodeAndTheWeights) {
  TestModel other;
  ASSERT_EQ(other.open(), SQ_OK) << other.message;
  EXPECT_STREQ(fake->log, "init retain push load function alloc in wait pop ");
}

TEST_F(GPUTest, StatesAreOnTheDevice) {
  sq_tensor state;
  ASSERT_EQ(m.api->context_state(context, 0, &state), SQ_OK);
  EXPECT_EQ(state.device.type, SQ_DEVICE_CUDA);
}

// y = 3 * x by a kernel, a temporary, and a scalar that the host reads.
TEST_F(GPUTest, GeneratedCode) {
  fake->code = [](unsigned grid, unsigned block, void **args) {
    float *from = *static_cast<float **>(args[0]);
    float *to = *static_cast<float **>(args[1]);
    for (unsigned i = 0, e = std::min(grid * block, 8u); i < e; ++i)
      to[i] = 3 * from[i];
  };
  m.functions[0].entry = [](void **args) {
    auto address = [&](int i) { return static_cast<void **>(args[i])[1]; };
    int64_t pos = -1;
    sq_gpu_read(&pos, address(5), sizeof pos);
    EXPECT_EQ(pos, 0);
    void *temporary = sq_gpu_allocate(64, 32);
    void *x = address(1), *y = address(6);
    void *first[] = {&x, &temporary}, *second[] = {&temporary, &y};
    sq_gpu_launch(0, 1, 1, 1, 128, 1, 1, 0, first);
    sq_gpu_launch(0, 1, 1, 1, 128, 1, 1, 0, second);
    // No blocks: nothing to do, and not the driver's business.
    sq_gpu_launch(0, 0, 1, 1, 128, 1, 1, 0, first);
    sq_gpu_release(temporary);
    EXPECT_EQ(sq_gpu_allocate(64, 16), temporary);
  };
  ASSERT_EQ(call(), SQ_OK) << m.api->last_error(context);
  EXPECT_EQ(yData, (std::vector<float>{9, 18, 27, 36, 45, 54, 63, 72}));
  EXPECT_NE(std::strstr(fake->log, "out wait alloc launch launch out out wait"),
            nullptr)
      << fake->log;
}

TEST_F(GPUTest, KernelThatFails) {
  m.functions[0].entry = [](void **) {
    sq_gpu_launch(0, 1, 1, 1, 128, 1, 1, 0, nullptr);
    FAIL() << "a launch that fails leaves the call";
  };
  fake->failing = "launch";
  fake->result = 700;
  expectError(SQ_ERROR_GPU, "cannot run 'scale' on the GPU: "
                            "CUDA_ERROR_ILLEGAL_ADDRESS");
  // The context stays usable.
  fake->failing = nullptr;
  m.functions[0].entry = [](void **) {};
  EXPECT_EQ(call(), SQ_OK);
}

// Beyond 48 KiB a function asks for its shared memory.
TEST_F(GPUTest, MuchSharedMemory) {
  fake->code = [](unsigned, unsigned, void **) {};
  m.functions[0].entry = [](void **) {
    sq_gpu_launch(0, 1, 1, 1, 128, 1, 1, 48 << 10, nullptr);
    sq_gpu_launch(0, 1, 1, 1, 128, 1, 1, 96 << 10, nullptr);
  };
  ASSERT_EQ(call(), SQ_OK) << m.api->last_error(context);
  EXPECT_NE(std::strstr(fake->log, "launch attribute launch"), nullptr)
      << fake->log;
  fake->failing = "attribute";
  fake->result = 700;
  expectError(SQ_ERROR_GPU, "cannot run 'scale' on the GPU: ");
}

TEST_F(GPUTest, TooManyBlocks) {
  m.functions[0].entry = [](void **) {
    sq_gpu_launch(0, int64_t(1) << 31, 1, 1, 128, 1, 1, 0, nullptr);
  };
  expectError(SQ_ERROR_GPU, "cannot launch 'scale': 2147483648 x 1 x 1 blocks");
}

TEST_F(GPUTest, OutOfMemoryInACall) {
  m.functions[0].entry = [](void **) { sq_gpu_allocate(64, 1 << 21); };
  expectError(SQ_ERROR_OUT_OF_MEMORY,
              "cannot allocate temporaries on the GPU: CUDA_ERROR_OUT_OF_MEMORY"
              "; free memory of the GPU");
}

TEST_F(GPUTest, OutOfMemoryForWeights) {
  fake->memory = 0;
  expectOpenError(SQ_ERROR_OUT_OF_MEMORY, "bytes of weights onto the GPU: "
                                          "CUDA_ERROR_OUT_OF_MEMORY");
}

TEST_F(GPUTest, OutOfMemoryForStates) {
  fake->memory = fake->used;
  sq_context *other = nullptr;
  char text[512];
  EXPECT_EQ(m.api->context_create(m.model, &other, text, sizeof text),
            SQ_ERROR_OUT_OF_MEMORY);
  EXPECT_NE(std::strstr(text, "cannot allocate the states on the GPU"), nullptr)
      << text;
  EXPECT_EQ(other, nullptr);
}

TEST_F(GPUTest, NoDevice) {
  fake->devices = 0;
  expectOpenError(SQ_ERROR_NO_GPU, "the driver finds none; see nvidia-smi");
}

TEST_F(GPUTest, DriverThatDoesNotStart) {
  fake->failing = "init";
  fake->result = 100;
  expectOpenError(SQ_ERROR_NO_GPU,
                  "the GPU's driver doesn't start: CUDA_ERROR_NO_DEVICE");
}

TEST_F(GPUTest, CodeThatDoesNotLoad) {
  fake->failing = "load";
  fake->result = 999;
  expectOpenError(SQ_ERROR_GPU,
                  "cannot load the code onto the GPU: unknown error");
}

TEST_F(GPUTest, KernelThatIsMissing) {
  fake->kernel = "another";
  expectOpenError(SQ_ERROR_GPU,
                  "cannot find the kernel 'scale' in the code for "
                  "sm_90a: CUDA_ERROR_NOT_FOUND");
}

TEST_F(GPUTest, OlderGPU) {
  fake->capability = 75;
  expectOpenError(SQ_ERROR_GPU_IMAGE,
                  "no code for this GPU, Fake GPU (sm_75), but for sm_80, "
                  "sm_90a; compile it with --target=cuda:sm_75");
}

TEST_F(GPUTest, OlderDriver) {
  fake->driver = 11080;
  expectOpenError(SQ_ERROR_GPU_IMAGE,
                  "too old for the code: it supports CUDA 11.8, the code needs "
                  "12.5; update the driver");
}

//===----------------------------------------------------------------------===//
// Which image
//===----------------------------------------------------------------------===//

static std::string choose(int capability, int driver,
                          std::vector<sq_gpu_image> list) {
  sq_gpu_desc desc = {
      SQ_ABI_VERSION, uint32_t(list.size()), list.data(), nullptr, 0, 0};
  sq_gpu_facts facts = {"a GPU", capability, driver};
  const sq_gpu_image *image;
  sq_message none = {nullptr, 0};
  if (sq_gpu_choose_image(&desc, &facts, &image, none) != SQ_OK)
    return "none";
  return static_cast<const char *>(image->data);
}

static sq_gpu_image makeImage(const char *data, uint32_t capability,
                              uint32_t flags, uint32_t cuda = 12050) {
  return {"", capability, flags, cuda, 0, data, 0};
}

TEST(GPUImageTest, MachineCodeRunsWithinAMajorVersion) {
  std::vector<sq_gpu_image> list = {makeImage("80", 80, 0)};
  EXPECT_EQ(choose(80, 13000, list), "80");
  EXPECT_EQ(choose(86, 13000, list), "80");
  EXPECT_EQ(choose(90, 13000, list), "none");
  EXPECT_EQ(choose(75, 13000, list), "none");
}

TEST(GPUImageTest, PTXRunsOnLaterArchitectures) {
  std::vector<sq_gpu_image> list = {makeImage("80", 80, SQ_GPU_IMAGE_PTX)};
  EXPECT_EQ(choose(120, 13000, list), "80");
  EXPECT_EQ(choose(75, 13000, list), "none");
}

TEST(GPUImageTest, ExactRunsOnItsArchitectureAlone) {
  std::vector<sq_gpu_image> list = {
      makeImage("90a", 90, SQ_GPU_IMAGE_EXACT | SQ_GPU_IMAGE_PTX)};
  EXPECT_EQ(choose(90, 13000, list), "90a");
  EXPECT_EQ(choose(100, 13000, list), "none");
}

TEST(GPUImageTest, MachineCodeThenTheNewest) {
  std::vector<sq_gpu_image> list = {
      makeImage("80 ptx", 80, SQ_GPU_IMAGE_PTX), makeImage("80", 80, 0),
      makeImage("89 ptx", 89, SQ_GPU_IMAGE_PTX), makeImage("89", 89, 0)};
  EXPECT_EQ(choose(89, 13000, list), "89");
  EXPECT_EQ(choose(86, 13000, list), "80");
  EXPECT_EQ(choose(120, 13000, list), "89 ptx");
}

TEST(GPUImageTest, ForcedPTX) {
  std::vector<sq_gpu_image> list = {makeImage("80 ptx", 80, SQ_GPU_IMAGE_PTX),
                                    makeImage("80", 80, 0)};
  setenv("CUDA_FORCE_PTX_JIT", "1", 1);
  EXPECT_EQ(choose(80, 13000, list), "80 ptx");
  setenv("CUDA_FORCE_PTX_JIT", "0", 1);
  EXPECT_EQ(choose(80, 13000, list), "80");
  unsetenv("CUDA_FORCE_PTX_JIT");
}

TEST(GPUImageTest, OldDriversKnowOldPTX) {
  std::vector<sq_gpu_image> list = {
      makeImage("new ptx", 80, SQ_GPU_IMAGE_PTX, 12080),
      makeImage("machine code", 80, 0, 12080)};
  EXPECT_EQ(choose(80, 12000, list), "machine code");
  EXPECT_EQ(choose(90, 12000, list), "none");
  EXPECT_EQ(choose(90, 12080, list), "new ptx");
}
