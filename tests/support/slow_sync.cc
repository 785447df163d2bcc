// Preloaded into a program: its fdatasync takes as long as the file named by SLOW_SYNC exists. A disk that stalls.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>

extern "C" int fdatasync(int descriptor) {
  using Fdatasync = int (*)(int);
  static const auto real = reinterpret_cast<Fdatasync>(dlsym(RTLD_NEXT, "fdatasync"));
  constexpr useconds_t kLook = 5000;
  const char* const stall = std::getenv("SLOW_SYNC");
  while (stall != nullptr && ::access(stall, F_OK) == 0) ::usleep(kLook);
  return real(descriptor);
}
