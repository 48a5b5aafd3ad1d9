#pragma once
// malloc_trim, madvise.
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>
