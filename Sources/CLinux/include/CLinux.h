#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "confinement.h"
#include "datagrams.h"
#include "local.h"
#include "memory.h"
#include "network.h"
#include "sockets.h"
#include "supervision.h"
