// Tests of the cache of OpenSSL's record buffers (Sources/COpenSSL/COpenSSL.c), with access to its internals.
// Allocations below it are counted: at the end there may be none left. The address sanitizer detects accesses outside a
// block.
#include "check.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

static atomic_long live;

static void *counted_malloc(size_t size) {
  void *block = malloc(size);
  if (block != NULL) live++;
  return block;
}

static void *counted_realloc(void *block, size_t size) {
  CHECK(block != NULL && size > 0);
  return realloc(block, size);
}

static void counted_free(void *block) {
  if (block != NULL) live--;
  free(block);
}

#define malloc counted_malloc
#define realloc counted_realloc
#define free counted_free
#include "../../Sources/COpenSSL/COpenSSL.c"
#undef malloc
#undef realloc
#undef free

static const size_t sizes[] = {
    1, 15, 16, 100, 4096, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 17 * 1024 - 1, 17 * 1024, 17 * 1024 + 1, 64 * 1024,
    BELVEDERE_READ_BUFFER - 1, BELVEDERE_READ_BUFFER, BELVEDERE_READ_BUFFER + 1, 1 << 20};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void fill(unsigned char *block, size_t size, unsigned seed) {
  for (size_t i = 0; i < size; i++) block[i] = (unsigned char)(seed + i * 7);
}

static int holds(const unsigned char *block, size_t size, unsigned seed) {
  for (size_t i = 0; i < size; i++)
    if (block[i] != (unsigned char)(seed + i * 7)) return 0;
  return 1;
}

/// The kind that serves a size; KINDS for malloc.
static int expected_kind(size_t size) {
  for (int kind = 0; kind < KINDS; kind++)
    if (size >= kinds[kind].smallest && size <= kinds[kind].largest) return kind;
  return KINDS;
}

/// `take` checks the kinds in order until one is too large, and an address identifies one kind. So the kinds must
/// ascend, must not overlap, and must have unique residues, different from those of malloc's blocks.
static void test_kinds(void) {
  for (int kind = 0; kind < KINDS; kind++) {
    CHECK(kinds[kind].smallest <= kinds[kind].largest);
    CHECK(kinds[kind].offset > 0 && kinds[kind].offset < ALIGNMENT);
    for (int other = 0; other < kind; other++) {
      CHECK(kinds[other].largest < kinds[kind].smallest);
      CHECK(kinds[other].offset != kinds[kind].offset);
    }
  }
}

/// A block has the requested size, and its address identifies its kind.
static void test_sizes(void) {
  CHECK(take(0, NULL, 0) == NULL);
  give(NULL, NULL, 0);
  for (int i = 0; i < SIZES; i++) {
    unsigned char *block = take(sizes[i], NULL, 0);
    CHECK(block != NULL && kind_of(block) == expected_kind(sizes[i]));
    fill(block, sizes[i], 1);
    CHECK(holds(block, sizes[i], 1));
    give(block, NULL, 0);
  }
}

/// A block serves every size of its kind, the block freed last first; at most KEPT are cached.
static void test_reuse(void) {
  for (int kind = 0; kind < KINDS; kind++) {
    void *blocks[KEPT + 3];
    for (int i = 0; i < KEPT + 3; i++) blocks[i] = take(kinds[kind].smallest, NULL, 0);
    CHECK(cache.count[kind] == 0);
    long before = live;
    for (int i = 0; i < KEPT + 3; i++) give(blocks[i], NULL, 0);
    CHECK(cache.count[kind] == KEPT && live == before - 3);
    for (int i = KEPT; i-- > 0;) {
      void *block = take(kinds[kind].largest, NULL, 0);
      CHECK(block == blocks[i]);
      memset(block, i, kinds[kind].largest);
      blocks[i] = block;
    }
    CHECK(cache.count[kind] == 0 && live == before - 3);
    for (int i = 0; i < KEPT; i++) give(blocks[i], NULL, 0);
  }
}

/// Resizing keeps the content that fits, from malloc or any kind to malloc or any kind.
static void test_resize(void) {
  for (int from = 0; from < SIZES; from++) {
    for (int to = 0; to < SIZES; to++) {
      unsigned char *block = resize(NULL, sizes[from], NULL, 0);
      fill(block, sizes[from], 3);
      block = resize(block, sizes[to], NULL, 0);
      CHECK(block != NULL);
      size_t kept = sizes[from] < sizes[to] ? sizes[from] : sizes[to];
      CHECK(holds(block, kept, 3));
      fill(block, sizes[to], 5);
      CHECK(resize(block, 0, NULL, 0) == NULL);
    }
  }
}

enum { SLOTS = 32, STEPS = 20000 };

struct slot {
  pthread_mutex_t lock;
  unsigned char *block;
  size_t size;
  unsigned seed;
};

static struct slot slots[SLOTS];

/// Allocates, resizes and frees at random, including blocks of other threads, as OpenSSL does with shared objects.
static void *work(void *argument) {
  unsigned state = (unsigned)(uintptr_t)argument;
  for (int step = 0; step < STEPS; step++) {
    state = state * 1664525u + 1013904223u;
    struct slot *slot = &slots[(state >> 8) % SLOTS];
    size_t size = sizes[(state >> 16) % (SIZES - 1)];
    // Checking both ends is enough to detect that another user wrote to the block.
    size_t seen = size < 64 ? size : 64;
    pthread_mutex_lock(&slot->lock);
    if (slot->block != NULL) CHECK(holds(slot->block, slot->size, slot->seed));
    if (slot->block == NULL) {
      slot->block = take(size, NULL, 0);
    } else if (state >> 30) {
      give(slot->block, NULL, 0);
      slot->block = NULL;
    } else {
      slot->block = resize(slot->block, size, NULL, 0);
      CHECK(holds(slot->block, slot->size < seen ? slot->size : seen, slot->seed));
    }
    if (slot->block != NULL) {
      slot->size = seen;
      slot->seed = state;
      fill(slot->block, seen, state);
      slot->block[size - 1] = (unsigned char)(seen == size ? slot->block[size - 1] : state);
    }
    pthread_mutex_unlock(&slot->lock);
  }
  return NULL;
}

static pthread_key_t late;

/// Runs at a thread's end like OpenSSL's own clean-up, perhaps after the cache was emptied: what it frees must not be
/// leaked.
static void give_late(void *block) {
  give(block, NULL, 0);
  give(take(kinds[1].smallest, NULL, 0), NULL, 0);
}

static void *end_late(void *argument) {
  pthread_setspecific(late, take(kinds[0].smallest, NULL, 0));
  give(take(kinds[0].smallest, NULL, 0), NULL, 0);
  return work(argument);
}

static void test_threads(void) {
  CHECK(pthread_key_create(&late, give_late) == 0);
  for (int i = 0; i < SLOTS; i++) pthread_mutex_init(&slots[i].lock, NULL);
  pthread_t threads[4];
  for (uintptr_t i = 0; i < 4; i++)
    CHECK(pthread_create(&threads[i], NULL, i % 2 ? end_late : work, (void *)(i + 1)) == 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < SLOTS; i++) {
    give(slots[i].block, NULL, 0);
    slots[i].block = NULL;
  }
}

int main(void) {
  // OpenSSL has not allocated anything yet, so it uses the cache from now on.
  CHECK(belvedere_install_block_cache() == 1);
  void *block = OPENSSL_malloc(kinds[0].smallest);
  CHECK(kind_of(block) == 0);
  block = OPENSSL_realloc(block, kinds[1].smallest);
  CHECK(kind_of(block) == 1);
  OPENSSL_free(block);

  test_kinds();
  test_sizes();
  test_reuse();
  test_resize();
  test_threads();

  // The remaining blocks are in this thread's cache.
  long kept = 0;
  for (int kind = 0; kind < KINDS; kind++) kept += cache.count[kind];
  CHECK(live == kept);
  empty(&cache);
  CHECK(live == 0);
  puts("block-cache: ok");
}
