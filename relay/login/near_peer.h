#pragma once
// What is under way to a near peer: as much as the processor's cache holds, not as much as the kernel likes.
namespace binrelay {

// Of a connected TCP socket that is going to send much. The kernel lets megabytes be under way on each connection; with
// a few of them that is more than a cache, and each byte makes a trip to memory and back. A peer farther away than the
// time below keeps the kernel's choice: there the line needs it.
void bound_what_is_under_way(int socket);

}  // namespace binrelay
