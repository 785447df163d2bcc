#include "relay/dump/dump_errors.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

// next_file_gone: no file goes while a dump reads the one before it, unless somebody takes it away by hand. The texts
// are those of MySQL 9.7 and MariaDB 10.11 after a reset.
TEST(DumpErrors, NextFileGoneIsSaidAsSourcesSayIt) {
  const DumpPlace place{"binlog.000002", 4, "binlog.000003", 197, 197};
  const SqlError of_mysql = next_file_gone(Flavour::mysql, place);
  EXPECT_EQ(of_mysql.code, 1236);
  EXPECT_EQ(of_mysql.sqlstate, "HY000");
  EXPECT_EQ(
      of_mysql.text,
      "could not find next log; the first event 'binlog.000002' at 4, the last event read from './binlog.000003' at "
      "197, the last byte read from './binlog.000003' at 197.");
  EXPECT_EQ(
      next_file_gone(Flavour::mariadb, place).text,
      "could not find next log; the first event 'binlog.000002' at 4, the last event read from 'binlog.000003' at "
      "197, the last byte read from 'binlog.000003' at 197.");
}

// log_unreadable
TEST(DumpErrors, WhatTheDiskHasLostIsAnErrorOfReading) {
  const SqlError error = log_unreadable(Flavour::mysql, {"", 4, "binlog.000003", 197, 197});
  EXPECT_EQ(error.code, 1236);
  EXPECT_EQ(error.sqlstate, "HY000");
  EXPECT_EQ(
      error.text,
      "I/O error reading log event; the first event '' at 4, the last event read from './binlog.000003' at 197, the "
      "last byte read from './binlog.000003' at 197.");
}

}  // namespace
}  // namespace binrelay
