#include "cli/prompt_text.h"

#include <gtest/gtest.h>

#include <clocale>

namespace skein::cli {
namespace {

TEST(TakeCharacter, OneAfterTheOther) {
  std::string bytes = "aé中😀";
  EXPECT_EQ(take_character(bytes), L'a');
  EXPECT_EQ(take_character(bytes), L'é');
  EXPECT_EQ(take_character(bytes), L'中');
  EXPECT_EQ(take_character(bytes), L'😀');
  EXPECT_EQ(bytes, "");
  EXPECT_EQ(take_character(bytes), 0);
}

TEST(TakeCharacter, WaitsForTheRestOfOne) {
  const std::string whole = "😀";
  std::string bytes;
  for (const char c : whole) {
    EXPECT_EQ(take_character(bytes), 0);
    bytes += c;
  }
  EXPECT_EQ(take_character(bytes), L'😀');
}

TEST(TakeCharacter, DropsWhatIsNoUtf8) {
  std::string bytes = "\xff\xc0\x80\xe4\xb8\x41\xed\xa0\x80z";
  EXPECT_EQ(take_character(bytes), L'A');
  EXPECT_EQ(take_character(bytes), L'z');
}

TEST(Wide, ThereAndBack) {
  const std::string text = "a é 中 😀 \u07ff\u0800\uffff";
  EXPECT_EQ(narrow(wide(text)), text);
  EXPECT_EQ(wide("中😀").size(), 2U);
}

class CellAfter : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(std::setlocale(LC_CTYPE, "C.UTF-8"), nullptr) << "the system always has it";
  }
  void TearDown() override { std::setlocale(LC_CTYPE, "C"); }
};

TEST_F(CellAfter, WithinARow) {
  EXPECT_EQ(cell_after(L"", {0, 7}, 20), (Cell{0, 7}));
  EXPECT_EQ(cell_after(L"abc", {0, 7}, 20), (Cell{0, 10}));
  EXPECT_EQ(cell_after(L"中😀", {0, 7}, 20), (Cell{0, 11}));
  EXPECT_EQ(cell_after(L"\x01", {0, 0}, 20), (Cell{0, 2}));
  EXPECT_EQ(cell_after(L"a\tb", {0, 0}, 20), (Cell{0, 9}));
}

TEST_F(CellAfter, AFullRowEndsOnTheNext) {
  EXPECT_EQ(cell_after(L"12345", {0, 5}, 10), (Cell{1, 0}));
  EXPECT_EQ(cell_after(L"123456", {0, 5}, 10), (Cell{1, 1}));
  EXPECT_EQ(cell_after(L"1234512345", {0, 5}, 10), (Cell{1, 5}));
}

TEST_F(CellAfter, WhatIsWideIsNotCut) {
  EXPECT_EQ(cell_after(L"中", {0, 9}, 10), (Cell{1, 2}));
  EXPECT_EQ(cell_after(L"中", {0, 8}, 10), (Cell{1, 0}));
}

}  // namespace
}  // namespace skein::cli
