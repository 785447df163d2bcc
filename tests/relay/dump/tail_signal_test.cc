#include "relay/dump/tail_signal.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <thread>
#include <vector>

namespace binrelay {
namespace {

namespace asio = boost::asio;
using ServedBy = TailSignal::ServedBy;

// Dumps that wait on one io_context, for as long as they are served in place.
class TailSignalTest : public testing::Test {
 protected:
  struct Dump {
    std::unique_ptr<TailSignal::Waiter> waiter;
    std::thread::id served_on;
    int served = 0;
    bool takes = true;  // what it is served with
    std::atomic<bool> over{false};
  };

  void let_wait(std::size_t count, ServedBy by) {
    for (std::size_t i = 0; i < count; ++i) {
      dumps_.push_back(std::make_unique<Dump>());
      Dump& dump = *dumps_.back();
      dump.waiter = std::make_unique<TailSignal::Waiter>(signal_, context_, [&dump] {
        dump.served_on = std::this_thread::get_id();
        ++dump.served;
        return dump.takes;
      });
      const auto wait = [&dump, by]() -> asio::awaitable<void> {
        co_await dump.waiter->wait(
            TailSignal::Clock::time_point::max(), [] { return true; }, by);
        dump.over = true;
      };
      asio::co_spawn(context_, wait, asio::detached);
    }
    context_.poll();
  }
  void TearDown() override {
    for (const auto& dump : dumps_) dump->waiter->wake();
    context_.poll();
  }
  void notify_from_another_thread() {
    std::thread([this] { signal_.notify(); }).join();
  }

  asio::io_context context_;
  TailSignal signal_{{&context_}};
  std::vector<std::unique_ptr<Dump>> dumps_;
};

TEST_F(TailSignalTest, FewAreServedByTheThreadThatBringsMore) {
  let_wait(2, ServedBy::any_thread);
  notify_from_another_thread();
  for (const auto& dump : dumps_) {
    EXPECT_EQ(dump->served, 1);
    EXPECT_NE(dump->served_on, std::this_thread::get_id());
  }
  EXPECT_EQ(context_.poll(), 0u);  // nobody woke the io thread
  EXPECT_FALSE(dumps_.front()->over);
}

TEST_F(TailSignalTest, ManyAreServedByTheirOwnThreadAndStayWhereTheyAre) {
  let_wait(50, ServedBy::any_thread);
  notify_from_another_thread();
  EXPECT_EQ(dumps_.front()->served, 0);
  context_.poll();
  for (const auto& dump : dumps_) {
    EXPECT_EQ(dump->served, 1);
    EXPECT_EQ(dump->served_on, std::this_thread::get_id());
    EXPECT_FALSE(dump->over);
  }
}

TEST_F(TailSignalTest, WhatOnlyTheIoThreadMayServeWaitsForIt) {
  let_wait(1, ServedBy::io_thread);
  notify_from_another_thread();
  EXPECT_EQ(dumps_.front()->served, 0);
  context_.poll();
  EXPECT_EQ(dumps_.front()->served, 1);
  EXPECT_FALSE(dumps_.front()->over);
}

TEST_F(TailSignalTest, TheCoroutineGoesOnWithWhatCannotBeServedInPlace) {
  let_wait(2, ServedBy::any_thread);
  dumps_.front()->takes = false;
  notify_from_another_thread();
  context_.poll();
  EXPECT_TRUE(dumps_.front()->over);
  EXPECT_FALSE(dumps_.back()->over);
}

TEST_F(TailSignalTest, WhoServesNothingInPlaceIsWoken) {
  let_wait(1, ServedBy::nobody);
  notify_from_another_thread();
  context_.poll();
  EXPECT_EQ(dumps_.front()->served, 0);
  EXPECT_TRUE(dumps_.front()->over);
}

TEST_F(TailSignalTest, WhoHasLeftIsNotServed) {
  let_wait(1, ServedBy::any_thread);
  dumps_.front()->waiter->wake();
  context_.poll();
  ASSERT_TRUE(dumps_.front()->over);
  notify_from_another_thread();
  EXPECT_EQ(dumps_.front()->served, 0);
}

TEST(TailSignal, ACoroutineThatIsNeverResumedLeaves) {
  int served = 0;
  auto context = std::make_unique<asio::io_context>();
  TailSignal signal({context.get()});
  const auto wait = [&]() -> asio::awaitable<void> {
    TailSignal::Waiter waiter(signal, *context, [&] { return ++served > 0; });
    co_await waiter.wait(
        TailSignal::Clock::time_point::max(), [] { return true; }, ServedBy::any_thread);
  };
  asio::co_spawn(*context, wait, asio::detached);
  context->poll();
  signal.notify();
  EXPECT_EQ(served, 1);
  context.reset();
  signal.notify();
  EXPECT_EQ(served, 1);
}

}  // namespace
}  // namespace binrelay
