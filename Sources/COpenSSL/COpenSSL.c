// The per-thread cache of record buffers. It is in C because Swift has no thread-local storage that costs less than the
// allocator; it knows nothing of TLS.
//
// OpenSSL frees a connection's buffers whenever they are empty (SSL_MODE_RELEASE_BUFFERS) and takes them again for the
// next record: several times a request. There are two kinds of them, and any block of a kind serves any request of its
// sizes; up to KEPT of each kind wait in the thread that freed them last.
#include "COpenSSL.h"
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

enum { KEPT = 8, KINDS = 2 };

static const struct {
  size_t smallest, block;
} kinds[KINDS] = {
    {16 * 1024, 17 * 1024},
    {BELVEDERE_READ_BUFFER, BELVEDERE_READ_BUFFER},
};

struct cache {
  int registered;
  unsigned count[KINDS];
  void *blocks[KINDS][KEPT];
};

static _Thread_local struct cache cache;
static pthread_key_t at_thread_end;

static void empty(void *kept) {
  struct cache *ending = kept;
  ending->registered = 0;
  for (int kind = 0; kind < KINDS; kind++)
    while (ending->count[kind] > 0) free(ending->blocks[kind][--ending->count[kind]]);
}

static void *take(size_t size, const char *file, int line) {
  (void)file, (void)line;
  for (int kind = 0; kind < KINDS && size >= kinds[kind].smallest; kind++)
    if (size <= kinds[kind].block)
      return cache.count[kind] > 0 ? cache.blocks[kind][--cache.count[kind]] : malloc(kinds[kind].block);
  return size == 0 ? NULL : malloc(size);
}

static void give(void *block, const char *file, int line) {
  (void)file, (void)line;
  if (block == NULL) return;
  size_t usable = malloc_usable_size(block);
  for (int kind = 0; kind < KINDS && usable >= kinds[kind].block; kind++) {
    if (usable > kinds[kind].block + 64 || cache.count[kind] == KEPT) continue;
    if (!cache.registered) cache.registered = pthread_setspecific(at_thread_end, &cache) == 0;
    if (!cache.registered) break;
    cache.blocks[kind][cache.count[kind]++] = block;
    return;
  }
  free(block);
}

static void *resize(void *block, size_t size, const char *file, int line) {
  if (block == NULL) return take(size, file, line);
  if (size == 0) {
    give(block, file, line);
    return NULL;
  }
  return realloc(block, size);
}

int belvedere_install_block_cache(void) {
  if (pthread_key_create(&at_thread_end, empty) != 0) return 0;
  return CRYPTO_set_mem_functions(take, resize, give);
}
