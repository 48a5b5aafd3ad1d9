#include <math.h>

// The Swift library refers to hypotf, which has a new symbol version since glibc 2.35: a binary built there would not
// start on glibc 2.34 (Enterprise Linux 9). This definition avoids the dependency. No code here calls it.
__attribute__((visibility("hidden"))) float hypotf(float x, float y) {
  return (float)sqrt((double)x * (double)x + (double)y * (double)y);
}
