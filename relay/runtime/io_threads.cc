#include "relay/runtime/io_threads.h"

namespace binrelay {

namespace {
constexpr std::size_t kReaderThreads = 2;
constexpr std::size_t kAskerThreads = 4;
}  // namespace

IoThreads::IoThreads(unsigned count) : readers_(kReaderThreads), askers_(kAskerThreads) {
  for (unsigned i = 0; i < count; ++i) {
    auto& context = *contexts_.emplace_back(std::make_unique<boost::asio::io_context>(1));
    work_.push_back(boost::asio::make_work_guard(context));
    threads_.emplace_back([&context] { context.run(); });
  }
}

void IoThreads::stop() {
  work_.clear();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  readers_.join();
  askers_.join();
}

boost::asio::io_context& IoThreads::next() { return *contexts_[turn_++ % contexts_.size()]; }

}  // namespace binrelay
