// The benchmark's load: one thread, one epoll, any number of TLS clients that each repeat one request.
//
// It says "ready" on standard output when every client has had one good answer, waits for a line on standard input,
// runs, and prints one JSON object. What is measured is the balancer's CPU between the two, so neither the clients'
// first handshakes nor their ends are part of it.
//
//   load [-c clients] [-n requests | -t seconds] [-1] [-r] [-b bytes] HOST PORT PATH
//     -1  a new connection for every request     -r  resume TLS sessions (with -1)
//     -b  PUT with a body of so many bytes instead of GET
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char serverName[] = "view.domain.local";

enum step { handshaking, sending, receiving, parked };

struct client {
  SSL *tls;
  SSL_SESSION *session;      // the newest ticket
  int descriptor;
  enum step step;
  size_t headSent;
  size_t bodyLeft;           // of the request
  size_t headLength;         // received so far; 0 once the head is complete
  bool headComplete;
  size_t answerLeft;         // bytes of the answer's body still to come
  char head[4096];
};

static SSL_CTX *context;
static struct sockaddr_in target;
static int poller;
static char request[1024];
static size_t requestLength, bodyBytes;
static bool everyRequestConnects, resumes, running;
static char scratch[1 << 18];

static struct { unsigned long requests, connections, resumed, bytes, errors; } total;
static unsigned long ready, requestsWanted = ~0ul;

static void die(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  ERR_print_errors_fp(stderr);
  exit(1);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int keepSession(SSL *tls, SSL_SESSION *newest) {
  struct client *client = SSL_get_app_data(tls);
  SSL_SESSION_free(client->session);
  client->session = newest;
  return 1;
}

static void begin(struct client *client) {
  client->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (client->descriptor < 0) die("socket");
  int on = 1;
  setsockopt(client->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(client->descriptor, (struct sockaddr *)&target, sizeof target) != 0 && errno != EINPROGRESS) die("connect");
  client->tls = SSL_new(context);
  SSL_set_fd(client->tls, client->descriptor);
  SSL_set_connect_state(client->tls);
  SSL_set_tlsext_host_name(client->tls, serverName);
  SSL_set_app_data(client->tls, client);
  if (resumes && client->session) SSL_set_session(client->tls, client->session);
  client->step = handshaking;
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = client};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, client->descriptor, &event) != 0) die("epoll_ctl");
}

static void end(struct client *client) {
  SSL_shutdown(client->tls);
  SSL_free(client->tls);
  close(client->descriptor);
  ERR_clear_error();
}

static void ask(struct client *client) {
  client->step = sending;
  client->headSent = 0;
  client->bodyLeft = bodyBytes;
  client->headLength = 0;
  client->headComplete = false;
}

// Takes bytes of an answer. Returns 1 when it is complete, 0 when more is to come, -1 when it is not a good one.
static int take(struct client *client, const char *bytes, size_t count) {
  if (!client->headComplete) {
    size_t part = sizeof client->head - 1 - client->headLength;
    if (part > count) part = count;
    memcpy(client->head + client->headLength, bytes, part);
    client->head[client->headLength + part] = 0;
    char *blank = strstr(client->head, "\r\n\r\n");
    if (!blank) {
      client->headLength += part;
      return client->headLength < sizeof client->head - 1 ? 0 : -1;
    }
    if (strncmp(client->head, "HTTP/1.1 20", 11) != 0) return -1;
    size_t used = (size_t)(blank + 4 - client->head) - client->headLength;
    char *length = strcasestr(client->head, "\r\nContent-Length:");
    client->answerLeft = length && length < blank ? strtoul(length + 17, NULL, 10) : 0;
    client->headComplete = true;
    bytes += used;
    count -= used;
  }
  if (count > client->answerLeft) return -1;
  client->answerLeft -= count;
  total.bytes += count;
  return client->answerLeft == 0;
}

// After a complete answer: the next request, on this connection or a new one; or nothing while the others get ready.
static void next(struct client *client) {
  if (!running) {
    ready++;
    client->step = parked;
    return;
  }
  if (++total.requests >= requestsWanted) return;
  if (everyRequestConnects) {
    end(client);
    begin(client);
  } else {
    ask(client);
  }
}

static void fail(struct client *client, const char *where) {
  if (++total.errors == 1) {
    fprintf(stderr, "load: first failure while %s: %.60s\n", where, client->headLength || client->headComplete ? client->head : "(no answer)");
    ERR_print_errors_fp(stderr);
  }
  if (total.errors > 1000) die("too many failures");
  end(client);
  begin(client);
}

static bool wouldBlock(struct client *client, int result) {
  int error = SSL_get_error(client->tls, result);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

// Goes on with a client until it has to wait.
static void drive(struct client *client) {
  while (total.requests < requestsWanted) {
    int result;
    switch (client->step) {
    case parked: return;
    case handshaking:
      result = SSL_do_handshake(client->tls);
      if (result != 1) {
        if (!wouldBlock(client, result)) fail(client, "handshaking");
        return;
      }
      total.connections++;
      if (SSL_session_reused(client->tls)) total.resumed++;
      ask(client);
      break;
    case sending: {
      bool inHead = client->headSent < requestLength;
      size_t left = inHead ? requestLength - client->headSent : client->bodyLeft;
      if (left == 0) {
        client->step = receiving;
        break;
      }
      result = SSL_write(client->tls, inHead ? request + client->headSent : scratch, (int)(left < 65536 ? left : 65536));
      if (result <= 0) {
        if (!wouldBlock(client, result)) fail(client, "sending");
        return;
      }
      if (inHead) client->headSent += (size_t)result;
      else client->bodyLeft -= (size_t)result, total.bytes += (size_t)result;
      break;
    }
    case receiving:
      result = SSL_read(client->tls, scratch + (sizeof scratch >> 1), sizeof scratch >> 1);
      if (result <= 0) {
        if (!wouldBlock(client, result)) fail(client, "receiving");
        return;
      }
      switch (take(client, scratch + (sizeof scratch >> 1), (size_t)result)) {
      case 1: next(client); break;
      case -1: fail(client, "taking an answer"); return;
      }
    }
  }
}

static void turn(int milliseconds) {
  struct epoll_event events[256];
  int count = epoll_wait(poller, events, 256, milliseconds);
  for (int index = 0; index < count; index++) drive(events[index].data.ptr);
}

int main(int argc, char **argv) {
  unsigned clientCount = 1;
  double duration = 1e9;
  for (int option; (option = getopt(argc, argv, "c:n:t:1rb:")) != -1;) switch (option) {
    case 'c': clientCount = (unsigned)atoi(optarg); break;
    case 'n': requestsWanted = strtoul(optarg, NULL, 10); break;
    case 't': duration = atof(optarg); break;
    case '1': everyRequestConnects = true; break;
    case 'r': resumes = true; break;
    case 'b': bodyBytes = strtoul(optarg, NULL, 10); break;
    default: return 2;
  }
  if (argc - optind != 3) return 2;
  target = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[optind + 1]))};
  inet_pton(AF_INET, argv[optind], &target.sin_addr);
  int length = bodyBytes ? snprintf(request, sizeof request, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n\r\n", argv[optind + 2], serverName, bodyBytes)
                         : snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n", argv[optind + 2], serverName);
  requestLength = (size_t)length;

  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  // One suite and one group, so that every balancer does the same arithmetic.
  context = SSL_CTX_new(TLS_client_method());
  if (!context || !SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) || !SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") || !SSL_CTX_set1_groups_list(context, "X25519")) die("context");
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, 1 << 16);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keepSession);

  poller = epoll_create1(0);
  struct client *clients = calloc(clientCount, sizeof *clients);
  // A few at a time: a storm of handshakes would meet the balancers' time-outs, not their speed.
  for (unsigned started = 0; ready < clientCount; turn(1000))
    while (started < clientCount && started < ready + 16) begin(&clients[started++]);
  if (total.errors) die("not ready");
  printf("ready\n");
  fflush(stdout);
  if (getchar() == EOF) return 0;

  memset(&total, 0, sizeof total);
  running = true;
  double start = seconds();
  for (unsigned index = 0; index < clientCount; index++) {
    if (everyRequestConnects) {
      end(&clients[index]);
      begin(&clients[index]);
    } else {
      ask(&clients[index]);
      drive(&clients[index]);
    }
  }
  while (total.requests < requestsWanted && seconds() - start < duration) turn(100);
  printf("{\"requests\": %lu, \"connections\": %lu, \"resumed\": %lu, \"bytes\": %lu, \"errors\": %lu, \"seconds\": %.6f}\n",
    total.requests, total.connections, total.resumed, total.bytes, total.errors, seconds() - start);
  return 0;
}
