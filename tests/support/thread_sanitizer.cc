// What ThreadSanitizer leaves out in the unit tests. Linked into their ThreadSanitizer builds only.
//
// RocksDB is not instrumented: the sanitizer sees memory pass between its threads (malloc, memcmp) and none of the
// atomics that order it. A report is dropped when one of its two accesses has RocksDB on the stack; nothing of ours is
// called back from there.

// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming): the sanitizer's own name for it
extern "C" const char* __tsan_default_suppressions();

// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" const char* __tsan_default_suppressions() { return "race:^rocksdb::\n"; }
