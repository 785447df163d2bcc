#include "relay/dump/tail_signal.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "protocol/check.h"

namespace binrelay {

namespace asio = boost::asio;

TailSignal::TailSignal(const std::vector<asio::io_context*>& contexts) {
  for (auto* context : contexts) {
    auto room = std::make_shared<Room>();
    room->context = context;
    rooms_.push_back(std::move(room));
  }
}

void TailSignal::notify() {
  // Sequentially consistent on both sides: a waiter raises `waiting` before it looks at the log's end, we look at
  // `waiting` after the end has moved. One of the two sees the other.
  for (const auto& room : rooms_) {
    if (room->waiting.load() == 0 || room->wake_posted.exchange(true)) continue;
    asio::post(*room->context, [room] {
      room->wake_posted.store(false);
      for (auto* waiter : room->waiters) waiter->wake();
    });
  }
}

TailSignal::Room& TailSignal::room_of(asio::io_context& context) {
  for (const auto& room : rooms_) {
    if (room->context == &context) return *room;
  }
  BINRELAY_CHECK(false, "a dump waits on an io_context the tail signal does not know");
}

void TailSignal::enter(Waiter& waiter) {
  Room& room = room_of(waiter.context_);
  room.waiters.insert(&waiter);
  room.waiting.fetch_add(1);
}

void TailSignal::leave(Waiter& waiter) {
  Room& room = room_of(waiter.context_);
  room.waiters.erase(&waiter);
  room.waiting.fetch_sub(1);
}

asio::awaitable<void> TailSignal::Waiter::sleep(Clock::time_point deadline) {
  boost::system::error_code ignored;
  timer_.expires_at(deadline);
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace binrelay
