#include "CLinux.h"
#include <netdb.h>

int cl_resolve(const char *name, int *families, uint64_t *highs, uint64_t *lows, int capacity) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  int code = getaddrinfo(name, NULL, &hints, &found);
  if (code != 0) return code < 0 ? code : -code;
  int count = 0;
  for (struct addrinfo *entry = found; entry != NULL && count < capacity; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    struct sockaddr_storage storage = {0};
    uint16_t port;
    memcpy(&storage, entry->ai_addr, entry->ai_addrlen);
    cl_read_sockaddr(&storage, &families[count], &highs[count], &lows[count], &port);
    count++;
  }
  freeaddrinfo(found);
  return count;
}
