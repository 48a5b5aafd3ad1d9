#include <math.h>

// The Swift library refers to hypotf, which glibc 2.35 gave a new version: a binary that is built there would not start
// on glibc 2.34 (Enterprise Linux 9). With a definition of its own it needs none. Nothing here computes with it.
__attribute__((visibility("hidden"))) float hypotf(float x, float y) {
  return (float)sqrt((double)x * (double)x + (double)y * (double)y);
}
