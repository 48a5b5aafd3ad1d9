// The per-thread cache of record buffers. It is in C because Swift has no thread-local storage that is cheaper than the
// allocator; it does not depend on TLS.
//
// OpenSSL frees a connection's buffers whenever they are empty (SSL_MODE_RELEASE_BUFFERS) and allocates them again for
// the next record, several times per request. There are two kinds of buffers, and any block of a kind serves any
// request of its sizes; up to KEPT free blocks of each kind are kept in the thread that freed them.
//
// A block's address modulo 16 identifies its kind, so that freeing the thousands of small blocks of a handshake costs
// one comparison each: the addresses of malloc's own blocks are all 0 modulo 16.
#include "COpenSSL.h"
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 8, KINDS = 2, ALIGNMENT = 16 };
_Static_assert(_Alignof(max_align_t) == ALIGNMENT, "malloc's blocks cannot be told from ours");

static const struct kind {
  // The requested sizes, and the size of the block.
  size_t smallest, largest;
  // The offset of the block in its allocation: a residue modulo ALIGNMENT that is unique to the kind.
  unsigned offset;
} kinds[KINDS] = {
    // The write buffer, and other requests of that size: aligned for any type except vectors.
    {16 * 1024, 17 * 1024, 8},
    // The read buffer: the payload of the first record, after a header of 5 bytes, is aligned.
    {BELVEDERE_READ_BUFFER, BELVEDERE_READ_BUFFER, ALIGNMENT - 5},
};

struct cache {
  int registered;
  unsigned count[KINDS];
  char *blocks[KINDS][KEPT];
};

static _Thread_local struct cache cache;
static pthread_key_t at_thread_end;

/// The kind of a block; KINDS for a block of malloc.
static int kind_of(const void *block) {
  unsigned offset = (uintptr_t)block % ALIGNMENT;
  int kind = 0;
  while (kind < KINDS && offset != kinds[kind].offset) kind++;
  return kind;
}

static void empty(void *kept) {
  struct cache *ending = kept;
  ending->registered = 0;
  for (int kind = 0; kind < KINDS; kind++)
    while (ending->count[kind] > 0) free(ending->blocks[kind][--ending->count[kind]] - kinds[kind].offset);
}

static void *take(size_t size, const char *file, int line) {
  (void)file, (void)line;
  for (int kind = 0; kind < KINDS && size >= kinds[kind].smallest; kind++) {
    if (size > kinds[kind].largest) continue;
    if (cache.count[kind] > 0) return cache.blocks[kind][--cache.count[kind]];
    char *allocation = malloc(kinds[kind].offset + kinds[kind].largest);
    return allocation == NULL ? NULL : allocation + kinds[kind].offset;
  }
  return size == 0 ? NULL : malloc(size);
}

static void give(void *block, const char *file, int line) {
  (void)file, (void)line;
  if ((uintptr_t)block % ALIGNMENT == 0) {
    free(block);
    return;
  }
  int kind = kind_of(block);
  if (!cache.registered) cache.registered = pthread_setspecific(at_thread_end, &cache) == 0;
  if (cache.registered && cache.count[kind] < KEPT)
    cache.blocks[kind][cache.count[kind]++] = block;
  else
    free((char *)block - kinds[kind].offset);
}

static void *resize(void *block, size_t size, const char *file, int line) {
  if (block == NULL) return take(size, file, line);
  if (size == 0) {
    give(block, file, line);
    return NULL;
  }
  int kind = kind_of(block);
  if (kind == KINDS) return realloc(block, size);
  void *larger = take(size, file, line);
  if (larger == NULL) return NULL;
  memcpy(larger, block, size < kinds[kind].largest ? size : kinds[kind].largest);
  give(block, file, line);
  return larger;
}

int belvedere_install_block_cache(void) {
  if (pthread_key_create(&at_thread_end, empty) != 0) return 0;
  return CRYPTO_set_mem_functions(take, resize, give);
}
