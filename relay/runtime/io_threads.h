#pragma once
// IoThreads: N io_contexts of one thread each, a small pool for reads that may wait for the disk, and one for
// statements that wait for a source. A session stays on the io_context it was accepted on, so it needs no locks. Owner:
// RelayServer. Thread: start and stop from main's; next() from the listener's.
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <thread>
#include <vector>

namespace binrelay {

class IoThreads {
 public:
  explicit IoThreads(unsigned count);
  ~IoThreads() { stop(); }
  void stop();  // lets what is running end, then joins

  boost::asio::io_context& next();
  boost::asio::io_context& at(std::size_t index) { return *contexts_[index]; }
  std::size_t size() const { return contexts_.size(); }
  boost::asio::thread_pool& readers() { return readers_; }
  boost::asio::thread_pool& askers() { return askers_; }

 private:
  using Work = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;
  std::vector<std::unique_ptr<boost::asio::io_context>> contexts_;
  std::vector<Work> work_;
  std::vector<std::thread> threads_;
  boost::asio::thread_pool readers_, askers_;
  std::atomic<std::size_t> turn_{0};
};

}  // namespace binrelay
