// The load of the relay rows: bytes that pass unread, without TLS.
//
//   relay serve HOST PORT            TCP: sends without end to every client. UDP: sends each datagram back.
//   relay tcp|udp BYTES HOST PORT PATH   a client that receives so many bytes over its connections or flows, and ends
//
// The client says "ready" when each of its connections has had its first bytes, waits for a line on standard input, runs,
// and prints one JSON object, as load.c does. PATH means nothing here. Of datagrams, the bytes of both directions count.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { flows = 8, window = 8, datagramBytes = 1200, most = 64 };

static struct sockaddr_in target;
static char zeros[1 << 18];

static void die(const char *what) {
  fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int makeSocket(int type, bool listens) {
  int made = socket(AF_INET, type, 0), on = 1;
  if (made < 0) die("socket");
  if (listens) setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  int result = listens ? bind(made, (struct sockaddr *)&target, sizeof target) : connect(made, (struct sockaddr *)&target, sizeof target);
  if (result != 0) die(listens ? "bind" : "connect");
  return made;
}

static void *sendWithoutEnd(void *connection) {
  while (write((int)(long)connection, zeros, sizeof zeros) > 0) {}
  close((int)(long)connection);
  return NULL;
}

// Up to `most` datagrams, and where they came from.
struct batch {
  struct mmsghdr messages[most];
  struct iovec parts[most];
  struct sockaddr_in peers[most];
  char bytes[most][datagramBytes];
};

static int receive(struct batch *batch, int from, int flags) {
  for (int i = 0; i < most; i++) {
    batch->parts[i] = (struct iovec){batch->bytes[i], datagramBytes};
    batch->messages[i].msg_hdr = (struct msghdr){.msg_name = &batch->peers[i], .msg_namelen = sizeof batch->peers[i],
                                                 .msg_iov = &batch->parts[i], .msg_iovlen = 1};
  }
  return recvmmsg(from, batch->messages, most, flags, NULL);
}

static void *sendBack(void *listener) {
  static struct batch batch;
  for (;;) {
    int count = receive(&batch, (int)(long)listener, MSG_WAITFORONE);
    if (count > 0) sendmmsg((int)(long)listener, batch.messages, (unsigned)count, 0);
  }
  return NULL;
}

static void serve(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, sendBack, (void *)(long)makeSocket(SOCK_DGRAM, true));
  int listener = makeSocket(SOCK_STREAM, true);
  if (listen(listener, 64) != 0) die("listen");
  for (;;) {
    int connection = accept(listener, NULL, NULL);
    if (connection >= 0 && pthread_create(&thread, NULL, sendWithoutEnd, (void *)(long)connection) == 0) pthread_detach(thread);
  }
}

static void sendWindow(int flow, int count) {
  for (int i = 0; i < count; i++) send(flow, zeros, datagramBytes, 0);
}

// Receives what is there, sends as many datagrams again, and returns the bytes that passed.
static long take(int from, bool isUDP) {
  static struct batch batch;
  if (!isUDP) return read(from, zeros, sizeof zeros);
  int count = receive(&batch, from, MSG_DONTWAIT);
  sendWindow(from, count);
  return count > 0 ? 2l * count * datagramBytes : 0;
}

int main(int argc, char **argv) {
  bool isServer = argc == 4 && strcmp(argv[1], "serve") == 0, isUDP = !isServer && argc == 6 && strcmp(argv[1], "udp") == 0;
  if (!isServer && argc != 6) return 2;
  char **place = argv + (isServer ? 2 : 3);
  target = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(place[1]))};
  inet_pton(AF_INET, place[0], &target.sin_addr);
  signal(SIGPIPE, SIG_IGN);
  if (isServer) serve();

  struct pollfd sockets[flows];
  for (int i = 0; i < flows; i++) {
    sockets[i] = (struct pollfd){.fd = makeSocket(isUDP ? SOCK_DGRAM : SOCK_STREAM, false), .events = POLLIN};
    char first[datagramBytes];
    // The server's answer, and one of the client to it: then the flow is established everywhere.
    for (int round = 0; round < (isUDP ? 2 : 1); round++) {
      if (isUDP) sendWindow(sockets[i].fd, 1);
      if (poll(&sockets[i], 1, 5000) != 1 || recv(sockets[i].fd, first, sizeof first, 0) <= 0) die("no answer");
    }
  }
  printf("ready\n");
  fflush(stdout);
  if (getchar() == EOF) return 0;

  unsigned long bytes = 0, wanted = strtoul(argv[2], NULL, 10), stalls = 0;
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (int i = 0; i < flows && isUDP; i++) sendWindow(sockets[i].fd, window);
  while (bytes < wanted) {
    int count = poll(sockets, flows, 100);
    // All datagrams under way were lost.
    if (count == 0 && ++stalls > 100) die("nothing comes");
    for (int i = 0; i < flows; i++) {
      if (count == 0 && isUDP) sendWindow(sockets[i].fd, window);
      if (!(sockets[i].revents & POLLIN)) continue;
      long taken = take(sockets[i].fd, isUDP);
      if (taken <= 0 && !isUDP) die("a connection has ended");
      bytes += (unsigned long)taken;
    }
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("{\"bytes\": %lu, \"stalls\": %lu, \"seconds\": %.6f}\n", bytes, stalls,
    (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
  return 0;
}
