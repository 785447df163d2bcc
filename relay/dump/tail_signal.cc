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
  std::size_t all = 0;
  for (const auto& room : rooms_) all += room->waiting.load();
  for (const auto& room : rooms_) {
    if (room->waiting.load() == 0 || (all <= kServedAtOnce && serve_at_once(*room))) continue;
    if (room->wake_posted.exchange(true)) continue;
    asio::post(*room->context, [room] {
      room->wake_posted.store(false);
      serve_or_wake(*room);
    });
  }
}

// False: the io thread has to see to some of them.
bool TailSignal::serve_at_once(Room& room) {
  const std::unique_lock lock(room.mutex, std::try_to_lock);
  if (!lock) return false;  // nobody is waited for
  bool all = true;
  for (Waiter* waiter : room.waiters) {
    const bool served = waiter->served_by_ == ServedBy::any_thread && waiter->serve_();
    all = all && served;
  }
  return all;
}

// On the io thread.
void TailSignal::serve_or_wake(Room& room) {
  const std::lock_guard lock(room.mutex);
  for (Waiter* waiter : room.waiters) {
    const bool served = waiter->served_by_ != ServedBy::nobody && waiter->serve_();
    if (!served) waiter->wake();
  }
}

TailSignal::Room& TailSignal::room_of(asio::io_context& context) {
  for (const auto& room : rooms_) {
    if (room->context == &context) return *room;
  }
  BINRELAY_CHECK(false, "a dump waits on an io_context the tail signal does not know");
}

TailSignal::Stay::Stay(Room& room, Waiter& waiter, ServedBy served_by) : room_(room), waiter_(waiter) {
  const std::lock_guard lock(room_.mutex);
  waiter_.served_by_ = served_by;
  room_.waiters.insert(&waiter_);
  room_.waiting.fetch_add(1);
}

TailSignal::Stay::~Stay() {
  const std::lock_guard lock(room_.mutex);
  room_.waiters.erase(&waiter_);
  room_.waiting.fetch_sub(1);
}

asio::awaitable<void> TailSignal::Waiter::sleep(Clock::time_point deadline) {
  boost::system::error_code ignored;
  timer_.expires_at(deadline);
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace binrelay
