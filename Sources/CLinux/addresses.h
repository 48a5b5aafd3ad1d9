// Addresses of the kernel's structures as network.h has them. For this target's own files.
#pragma once
#include "include/network.h"
#include "include/sockets.h"

static inline struct cl_address cl_from_in6(const struct in6_addr *address) {
  return (struct cl_address){.family = 6, .high = cl_load64(address->s6_addr), .low = cl_load64(address->s6_addr + 8)};
}
