// The per-thread cache of record-sized blocks. It is in C because Swift has no thread-local storage that costs less
// than the allocator; it knows nothing of TLS.
//
// OpenSSL frees a connection's 16 KB record buffers whenever they are empty (SSL_MODE_RELEASE_BUFFERS) and takes them
// again for the next record: several times a request. Requests of SMALLEST…BLOCK bytes all get BLOCK bytes, so any
// kept block serves any of them, and up to KEPT of them wait in the thread that freed them last.
#include "COpenSSL.h"
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

enum {
  SMALLEST = 16 * 1024,
  BLOCK = 17 * 1024,
  KEPT = 8,
};

struct cache {
  unsigned count;
  int registered;
  void *blocks[KEPT];
};

static _Thread_local struct cache cache;
static pthread_key_t at_thread_end;

static void empty(void *kept) {
  struct cache *ending = kept;
  ending->registered = 0;
  while (ending->count > 0) free(ending->blocks[--ending->count]);
}

static void *take(size_t size, const char *file, int line) {
  (void)file, (void)line;
  if (size < SMALLEST || size > BLOCK) return size == 0 ? NULL : malloc(size);
  return cache.count > 0 ? cache.blocks[--cache.count] : malloc(BLOCK);
}

static void give(void *block, const char *file, int line) {
  (void)file, (void)line;
  if (block == NULL) return;
  size_t usable = malloc_usable_size(block);
  if (usable < BLOCK || usable > BLOCK + 64 || cache.count == KEPT) {
    free(block);
    return;
  }
  if (!cache.registered) cache.registered = pthread_setspecific(at_thread_end, &cache) == 0;
  if (cache.registered) {
    cache.blocks[cache.count++] = block;
  } else {
    free(block);
  }
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
