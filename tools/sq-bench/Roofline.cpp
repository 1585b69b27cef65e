//===- Roofline.cpp - What the machine can do -----------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Roofline.h"
#include "Commands.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace sqbench;
using Clock = std::chrono::steady_clock;

#if defined(__linux__)
/// The cores that the program began with; OpenMP may bind the main thread to
/// one of them later (OMP_PROC_BIND), and new threads inherit that.
static const cpu_set_t cores = [] {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  return set;
}();

/// A core for each thread: the scheduler takes longer to spread them than some
/// loops run.
static void bindThread(int id) {
  int skip = id % std::max(CPU_COUNT(&cores), 1);
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &cores) || skip-- > 0)
      continue;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set);
    return;
  }
}
#else
static void bindThread(int) {}
#endif

/// Seconds from the moment that all threads are there until all are done.
static double timeThreads(int threads, const std::function<void(int)> &body) {
  std::atomic<int> ready = 0;
  std::atomic<bool> go = false;
  std::vector<std::thread> team;
  for (int id = 0; id < threads; ++id)
    team.emplace_back([&, id] {
      bindThread(id);
      ++ready;
      while (!go)
        std::this_thread::yield();
      body(id);
    });
  while (ready < threads)
    std::this_thread::yield();
  auto start = Clock::now();
  go = true;
  for (std::thread &thread : team)
    thread.join();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The median of a few tries; the machine may be shared.
static double measureRate(int threads, double work,
                          const std::function<void(int)> &body) {
  constexpr int tries = 9;
  std::vector<double> rates;
  for (int i = 0; i < tries; ++i)
    rates.push_back(work / timeThreads(threads, body));
  std::nth_element(rates.begin(), rates.begin() + tries / 2, rates.end());
  return rates[tries / 2];
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {
using Vector [[gnu::vector_size(64)]] = uint64_t;
} // namespace

#if defined(__x86_64__)
// One copy for each width of registers; the loader picks.
[[gnu::target_clones("avx512f", "avx2", "default")]]
#endif
static uint64_t sum(const Vector *begin, const Vector *end) {
  // One stream alone doesn't keep the prefetcher of every CPU busy.
  constexpr int streams = 4;
  Vector sums[streams] = {};
  int64_t length = (end - begin) / streams;
  for (int64_t i = 0; i < length; i += 4)
    for (int stream = 0; stream < streams; ++stream)
      for (int j = 0; j < 4; ++j)
        sums[stream] += begin[stream * length + i + j];
  Vector all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  uint64_t result = 0;
  for (int i = 0; i < 8; ++i)
    result += all[i];
  return result;
}

static double measureRead(int threads) {
  // What one step of all streams reads.
  constexpr uint64_t grain = 16 * sizeof(Vector);
  static const uint64_t size = getUncachedSize() / grain * grain;
  static const Vector *buffer = [] {
    auto *memory = static_cast<char *>(std::aligned_alloc(grain, size));
    // Zero pages would all be one page of memory.
    for (uint64_t i = 0; memory && i < size; i += 64)
      memory[i] = static_cast<char>(i >> 6 | 1);
    return reinterpret_cast<const Vector *>(memory);
  }();
  if (!buffer)
    return NAN;
  uint64_t chunks = size / grain;
  return measureRate(threads, static_cast<double>(size), [=](int id) {
    benchmark::DoNotOptimize(sum(buffer + chunks * id / threads * 16,
                                 buffer + chunks * (id + 1) / threads * 16));
  });
}

//===----------------------------------------------------------------------===//
// Computing
//===----------------------------------------------------------------------===//

#if defined(__x86_64__)
namespace {
constexpr int64_t steps = 1 << 20;
/// Enough independent sums to hide the latency of two pipes.
constexpr int chains = 16;

/// Keeps `value` in a register whose value the compiler doesn't know.
#define SQ_OPAQUE(value) asm volatile("" : "+v"(value))

#define SQ_PEAK(NAME, TARGET, TYPE, STEP)                                      \
  [[gnu::target(TARGET)]] void NAME() {                                        \
    TYPE sums[chains] = {}, a = {}, b = {};                                    \
    SQ_OPAQUE(a);                                                              \
    SQ_OPAQUE(b);                                                              \
    for (int64_t step = 0; step < steps; ++step)                               \
      _Pragma("GCC unroll 16") for (int i = 0; i < chains; ++i) sums[i] =      \
          STEP(sums[i], a, b);                                                 \
    for (int i = 0; i < chains; ++i)                                           \
      SQ_OPAQUE(sums[i]);                                                      \
  }
#define SQ_FMA512(sum, a, b) _mm512_fmadd_ps(a, b, sum)
#define SQ_FMA256(sum, a, b) _mm256_fmadd_ps(a, b, sum)
SQ_PEAK(int8Zmm, "avx512f,avx512vnni", __m512i, _mm512_dpbusd_epi32)
SQ_PEAK(int8Ymm, "avx2,avxvnni", __m256i, _mm256_dpbusd_avx_epi32)
SQ_PEAK(f32Zmm, "avx512f", __m512, SQ_FMA512)
SQ_PEAK(f32Ymm, "avx2,fma", __m256, SQ_FMA256)
#undef SQ_PEAK
#undef SQ_FMA512
#undef SQ_FMA256
#undef SQ_OPAQUE
} // namespace

/// `products` is how many multiplications one instruction does.
static double measurePeak(int threads, int products, void (*loop)()) {
  return measureRate(threads, 2.0 * products * chains * steps * threads,
                     [=](int) { loop(); });
}

static double measureInt8(int threads) {
  if (__builtin_cpu_supports("avx512vnni"))
    return measurePeak(threads, 64, int8Zmm);
  if (__builtin_cpu_supports("avxvnni"))
    return measurePeak(threads, 32, int8Ymm);
  return NAN;
}

static double measureF32(int threads) {
  if (__builtin_cpu_supports("avx512f"))
    return measurePeak(threads, 16, f32Zmm);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return measurePeak(threads, 8, f32Ymm);
  return NAN;
}
#else
static double measureInt8(int) { return NAN; }
static double measureF32(int) { return NAN; }
#endif

//===----------------------------------------------------------------------===//
// Interface
//===----------------------------------------------------------------------===//

int sqbench::getThreadCount(int threads) {
  if (threads > 0)
    return threads;
  if (const char *text = std::getenv("OMP_NUM_THREADS"))
    if (int count = std::atoi(text); count > 0)
      return count;
  return std::max(1u, std::thread::hardware_concurrency());
}

uint64_t sqbench::getUncachedSize() {
  uint64_t size = 32 << 20;
  for (const auto &cache : benchmark::CPUInfo::Get().caches)
    size = std::max<uint64_t>(size, cache.size);
  // At four times the size, a third of what was read may still be there.
  return 8 * size;
}

const Roofline &sqbench::getRoofline(int threads) {
  static Roofline last;
  static Clock::time_point when;
  static int lastThreads = 0;
  threads = getThreadCount(threads);
  if (lastThreads == threads && Clock::now() - when < std::chrono::seconds(3))
    return last;
  // OpenMP's threads look for more work for 200 ms before they sleep.
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  last = {measureRead(threads), measureInt8(threads), measureF32(threads)};
  when = Clock::now();
  lastThreads = threads;
  return last;
}

void sqbench::registerRoofline(int threads) {
  struct Row {
    const char *name;
    double (*measure)(int);
  };
  static constexpr Row rows[] = {{"roofline/read", measureRead},
                                 {"roofline/int8", measureInt8},
                                 {"roofline/f32", measureF32}};
  for (const Row &row : rows)
    benchmark::RegisterBenchmark(row.name, [=](benchmark::State &state) {
      double rate = NAN;
      for (auto _ : state)
        rate = row.measure(getThreadCount(threads));
      state.counters["G/s"] = rate / 1e9;
      if (std::isnan(rate))
        state.SkipWithError("not measured on this CPU");
    })->Iterations(1);
}
