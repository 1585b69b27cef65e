//===- FormatTest.cpp - NUM-F1: descriptions, names, checks ---------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TestSupport.h"

using namespace mlir::sq::numerics;
using namespace mlir::sq::numerics::test;

namespace {

TEST(Format, NamesReadBack) {
  for (const std::string &name : allNames())
    EXPECT_EQ(formatOf(name).str(), name);
  EXPECT_EQ(parseFormat("int4.g64.f16"),
            Format::integer(4, GroupScope::Group, 64, ScaleType::F16));
  EXPECT_EQ(parseFormat("uint8.row"), Format::asymmetric(8, GroupScope::Row));
  EXPECT_EQ(parseFormat("fp8.e5m2.tensor"),
            Format::fp8(Element::E5M2, GroupScope::Tensor));
  EXPECT_EQ(parseFormat("mx.int8"), Format::mx(Element::Int));
  EXPECT_EQ(parseFormat("nvfp4"), Format::nvfp4());
  EXPECT_EQ(parseFormat("hbfp7.g64"), Format::hbfp(7));
  EXPECT_EQ(parseFormat("nf4.g64"), Format::nf4());
  EXPECT_EQ(parseFormat("nf4.g32.f16"),
            Format::nf4(GroupScope::Group, 32, ScaleType::F16));
}

TEST(Format, RejectsOtherNames) {
  for (const char *name : {"",
                           "int",
                           "int8",
                           "int1.row",
                           "int9.row",
                           "int8.g0",
                           "int8.g-4",
                           "int8.row ",
                           " int8.row",
                           "int8.rows",
                           "int8.g",
                           "uint8.g32",
                           "uint8.row.f16",
                           "fp8.row",
                           "fp8.e2m1fn.row",
                           "fp8.e4m3fn.g32",
                           "fp8.int8.row",
                           "mx",
                           "mx.",
                           "mx.e4m3",
                           "mx.e4m3fn.g32",
                           "nvfp4.g16",
                           "hbfp0.g64",
                           "hbfp1.g64",
                           "hbfp8.g64",
                           "hbfp7",
                           "hbfp7.row",
                           "hbfp7.tensor",
                           "nf4",
                           "nf4.g0",
                           "nf4.g64.f32",
                           "mx.nf4",
                           "fp8.nf4.row",
                           "Int8.row",
                           "int8.row.f32",
                           "int99999999999999.row"})
    EXPECT_FALSE(parseFormat(name).has_value()) << name;
}

TEST(Format, FactoriesVerify) {
  for (const std::string &name : allNames())
    EXPECT_EQ(formatOf(name).verify(), std::nullopt) << name;
}

TEST(Format, VerifyNamesWhatIsWrong) {
  Format format = Format::integer(8, GroupScope::Group, 0);
  EXPECT_EQ(format.verify(), "expected a positive group size, got 0");
  format = Format::integer(8, GroupScope::Row, 32);
  EXPECT_EQ(format.verify(),
            "expected group size 0 when the scope is not a group, got 32");
  format = Format::integer(9, GroupScope::Row);
  EXPECT_EQ(format.verify(), "expected 2 to 8 bits, got 9");
  format = Format::mx(Element::E2M1FN);
  format.bits = 8;
  EXPECT_EQ(format.verify(), "expected 4 bits for e2m1fn, got 8");
  format = Format::mx(Element::E2M1FN);
  format.groupSize = 16;
  EXPECT_EQ(format.verify(),
            "expected mx to have an e8m0 scale per 32 elements");
  format = Format::nvfp4();
  format.symmetric = false;
  EXPECT_EQ(format.verify(), "expected only integer formats to be asymmetric");
  format = Format::fp8(Element::E2M1FN, GroupScope::Row);
  format.bits = 4;
  EXPECT_EQ(format.verify(), "expected element e4m3fn or e5m2 for fp8");
  format = Format::mx(Element::NF4);
  EXPECT_EQ(format.verify(), "expected an element of OCP MX for mx");
  format = Format::nf4(GroupScope::Row, 0, ScaleType::E8M0);
  EXPECT_EQ(format.verify(), "expected an f32 or f16 scale for nf4");
  format = Format::nf4();
  format.element = Element::E2M1FN;
  EXPECT_EQ(format.verify(), "expected element nf4 for nf4");
  format = Format::half(Element::BF16);
  EXPECT_EQ(format.verify(), std::nullopt);
  EXPECT_EQ(format.str(), "bf16");
  format.bits = 8;
  EXPECT_EQ(format.verify(), "expected 16 bits, got 8");
  format = Format::half(Element::Int);
  EXPECT_EQ(format.verify(),
            "expected element f16 or bf16 for a float of 16 bits");
  format = Format::mx(Element::F16);
  EXPECT_EQ(format.verify(), "expected 2 to 8 bits, got 16");
}

TEST(Format, MaxElementAndGroups) {
  EXPECT_EQ(formatOf("int8.row").maxElement(), 127);
  EXPECT_EQ(formatOf("int2.row").maxElement(), 1);
  EXPECT_EQ(formatOf("uint8.row").maxElement(), 255);
  EXPECT_EQ(formatOf("fp8.e4m3fn.row").maxElement(), 448);
  EXPECT_EQ(formatOf("fp8.e5m2.row").maxElement(), 57344);
  EXPECT_EQ(formatOf("mx.e2m3fn").maxElement(), 7.5);
  EXPECT_EQ(formatOf("mx.e3m2fn").maxElement(), 28);
  EXPECT_EQ(formatOf("mx.e2m1fn").maxElement(), 6);
  EXPECT_EQ(formatOf("mx.int8").maxElement(), 127.0 / 64);
  EXPECT_EQ(formatOf("hbfp5.g64").maxElement(), 31);
  EXPECT_EQ(formatOf("nf4.g64").maxElement(), 1);
  EXPECT_EQ(formatOf("int8.row").numGroups(100), 1);
  EXPECT_EQ(formatOf("int8.tensor").numGroups(100), 1);
  EXPECT_EQ(formatOf("mx.int8").numGroups(96), 3);
  EXPECT_EQ(formatOf("mx.int8").numGroups(97), 4);
  EXPECT_EQ(formatOf("mx.int8").effectiveGroup(97), 32);
  EXPECT_EQ(formatOf("int8.row").effectiveGroup(97), 97);
}

} // namespace
