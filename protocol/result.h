#pragma once
// Result<T>: a value or an Error. For what can go wrong in operation; programmer errors are BINRELAY_CHECK's.
#include <string>
#include <utility>
#include <variant>

#include "protocol/check.h"

namespace binrelay {

enum class Errc {
  malformed,       // bytes that break the format
  short_input,     // bytes that end before the format does
  checksum,        // a CRC or digest does not match
  limit,           // a named limit (protocol/limits.h) is exceeded
  not_found,       // a file, position, GTID or account that does not exist
  refused,         // asked for something this program will not do
  conflict,        // what arrived contradicts what is stored
  io,              // a system call failed; the context carries errno's text
  no_space,        // ENOSPC / EDQUOT
  connection,      // the peer went away or cannot be reached
  authentication,  // the peer refused our credentials, or we refuse theirs
  unsupported,     // a version or feature this build does not know
  stopped,         // shut down while waiting
};

struct Error {
  Errc code = Errc::malformed;
  std::string context;  // one sentence: what, where (file, position), remedy when there is one
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return checked(); }
  const T& value() const& { return const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(checked()); }
  T& operator*() & { return checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    BINRELAY_CHECK(!ok(), "error() of a Result that holds a value");
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    BINRELAY_CHECK(!ok(), "error() of a Result that holds a value");
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  T& checked() {
    BINRELAY_CHECK(ok(), "value() of a Result that holds an error");
    return *std::get_if<0>(&state_);
  }
  std::variant<T, Error> state_;
};

struct Done {};  // the value of an operation that yields nothing
using Status = Result<Done>;

}  // namespace binrelay

// Returns the error of a Result expression from the enclosing function.
#define BINRELAY_TRY(expression)                                                                \
  do {                                                                                          \
    if (auto try_result = (expression); !try_result.ok()) return std::move(try_result).error(); \
  } while (false)

#define BINRELAY_CONCAT_(a, b) a##b
#define BINRELAY_CONCAT(a, b) BINRELAY_CONCAT_(a, b)

// Declares `target` from the value of a Result expression, or returns its error.
#define BINRELAY_ASSIGN(target, expression) BINRELAY_ASSIGN_(BINRELAY_CONCAT(assign_, __LINE__), target, expression)
#define BINRELAY_ASSIGN_(temp, target, expression) \
  auto temp = (expression);                        \
  if (!temp.ok()) return std::move(temp).error();  \
  target = std::move(temp).value()
