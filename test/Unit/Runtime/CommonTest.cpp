//===- CommonTest.cpp - Hashes, CPU features, type names ------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

#include "llvm/Support/xxhash.h"
#include "gtest/gtest.h"

#include <string>
#include <vector>

// The compiler hashes with LLVM's function, so they must agree at every length
// around the sizes that the algorithm treats differently.
TEST(Hash, AgreesWithLLVM) {
  std::vector<uint8_t> bytes;
  for (size_t size = 0; size < 200; ++size) {
    EXPECT_EQ(sq_hash(bytes.data(), bytes.size()), llvm::xxHash64(bytes))
        << size;
    bytes.push_back(static_cast<uint8_t>(size * 151 + 7));
  }
}

namespace {
sq_status check(const char *required, const sq_cpu &cpu, std::string &text,
                const sq_feature_table &table = sq_x86_features) {
  char buffer[512] = "";
  sq_status status =
      sq_check_features(required, &cpu, &table, {buffer, sizeof buffer});
  text = buffer;
  return status;
}

sq_cpu everything() {
  sq_cpu cpu;
  for (uint32_t &word : cpu.words)
    word = ~0u;
  return cpu;
}
} // namespace

TEST(Features, AllPresent) {
  std::string text;
  for (const sq_feature_table *table : {&sq_x86_features, &sq_aarch64_features})
    for (size_t i = 0; i < table->size; ++i)
      EXPECT_EQ(check(table->features[i].name, everything(), text, *table),
                SQ_OK)
          << text;
  EXPECT_EQ(check("", everything(), text), SQ_OK);
  EXPECT_EQ(check("avx2,fma,avx512f,avx512vnni", everything(), text), SQ_OK);
}

TEST(Features, NonePresent) {
  std::string text;
  for (const sq_feature_table *table : {&sq_x86_features, &sq_aarch64_features})
    for (size_t i = 0; i < table->size; ++i)
      EXPECT_EQ(check(table->features[i].name, {}, text, *table),
                SQ_ERROR_CPU_FEATURES);
}

TEST(Features, MissingOnesAreListed) {
  sq_cpu cpu = everything();
  // CPUID leaf 7, ECX, bit 11: AVX512_VNNI; bit 6: AVX512_VBMI2.
  cpu.words[4] &= ~(1u << 11 | 1u << 6);
  std::string text;
  EXPECT_EQ(check("avx2,avx512vnni,avx512f,avx512vbmi2", cpu, text),
            SQ_ERROR_CPU_FEATURES);
  EXPECT_NE(text.find("lacks features that the model was compiled for: "
                      "avx512vnni, avx512vbmi2;"),
            std::string::npos)
      << text;
}

TEST(Features, DisabledByTheOperatingSystem) {
  sq_cpu cpu = everything();
  cpu.words[0] = 0x7; // XCR0 with SSE and AVX state, without AVX-512's.
  std::string text;
  EXPECT_EQ(check("avx2,fma", cpu, text), SQ_OK);
  EXPECT_EQ(check("avx2,avx512f", cpu, text), SQ_ERROR_CPU_FEATURES);
  EXPECT_NE(text.find("has not enabled the registers of: avx512f;"),
            std::string::npos)
      << text;
}

TEST(Features, UnknownOnesAreRefused) {
  std::string text;
  EXPECT_EQ(check("avx2,amx-int8", everything(), text), SQ_ERROR_CPU_FEATURES);
  EXPECT_NE(text.find("cannot check: amx-int8;"), std::string::npos) << text;
  // A prefix of a known name is another name.
  EXPECT_EQ(check("avx51", everything(), text), SQ_ERROR_CPU_FEATURES);
}

TEST(Features, LongListsDontOverflow) {
  std::string many, text;
  for (int i = 0; i < 200; ++i)
    many += "no-such-feature-" + std::to_string(i) + ",";
  EXPECT_EQ(check(many.c_str(), everything(), text), SQ_ERROR_CPU_FEATURES);
  EXPECT_NE(text.find("no-such-feature-0, "), std::string::npos) << text;
}

TEST(Features, HostHasItsBaseline) {
  const sq_feature_table *table;
  sq_cpu cpu = sq_host_cpu(&table);
  std::string text;
#if defined(__x86_64__)
  const char *baseline = "64bit,cmov,cx8,fxsr,mmx,sse,sse2,x87";
#elif defined(__aarch64__)
  const char *baseline = "fp-armv8,neon";
#else
  const char *baseline = "";
#endif
  EXPECT_EQ(check(baseline, cpu, text, *table), SQ_OK) << text;
}

TEST(Message, TypeNames) {
  char text[SQ_TYPE_NAME_SIZE];
  EXPECT_STREQ(sq_type_name({SQ_TYPE_INT, 8, 1}, text), "i8");
  EXPECT_STREQ(sq_type_name({SQ_TYPE_UINT, 8, 1}, text), "ui8");
  EXPECT_STREQ(sq_type_name({SQ_TYPE_BFLOAT, 16, 1}, text), "bf16");
  EXPECT_STREQ(sq_type_name({SQ_TYPE_BOOL, 8, 1}, text), "bool");
  EXPECT_STREQ(sq_type_name({SQ_TYPE_FLOAT8_E4M3FN, 8, 1}, text), "f8E4M3FN");
  EXPECT_STREQ(sq_type_name({SQ_TYPE_FLOAT, 32, 4}, text), "4xf32");
  EXPECT_STREQ(sq_type_name({255, 255, 65535}, text),
               "DLPack type code 255 of 255 bits");
}
