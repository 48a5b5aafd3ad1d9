#define _GNU_SOURCE 1
#include "include/datagrams.h"
#include "addresses.h"

#include <stdlib.h>

enum { control_room = CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(struct in6_pktinfo)) };

struct cl_batch {
  struct mmsghdr received[cl_batch_most], sending[cl_batch_most];
  struct iovec rooms[cl_batch_most], parts[cl_batch_most];
  struct sockaddr_storage peers[cl_batch_most];
  _Alignas(struct cmsghdr) char controls[cl_batch_most][control_room];
  uint8_t bytes[cl_batch_most][cl_batch_room];
};

struct cl_batch *cl_batch_make(void) { return calloc(1, sizeof(struct cl_batch)); }

void cl_batch_free(struct cl_batch *batch) { free(batch); }

int cl_batch_receive(struct cl_batch *batch, int fd) {
  for (int i = 0; i < cl_batch_most; i++) {
    batch->rooms[i] = (struct iovec){.iov_base = batch->bytes[i], .iov_len = cl_batch_room};
    batch->received[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &batch->peers[i], .msg_namelen = sizeof batch->peers[i],
                                                      .msg_iov = &batch->rooms[i], .msg_iovlen = 1,
                                                      .msg_control = batch->controls[i], .msg_controllen = control_room}};
  }
  return recvmmsg(fd, batch->received, cl_batch_most, MSG_DONTWAIT, NULL);
}

size_t cl_batch_size(const struct cl_batch *batch, int index) { return batch->received[index].msg_len; }

int cl_batch_ends(const struct cl_batch *batch, int index, struct cl_ends *ends) {
  // CMSG_NXTHDR takes no constant header.
  struct msghdr message = batch->received[index].msg_hdr;
  *ends = (struct cl_ends){.port = 0};
  if (message.msg_namelen == 0) return 0;
  cl_read_sockaddr(&batch->peers[index], &ends->peer.family, &ends->peer.high, &ends->peer.low, &ends->port);
  if (batch->peers[index].ss_family == AF_INET6) ends->scope = ((const struct sockaddr_in6 *)&batch->peers[index])->sin6_scope_id;
  int is_ours = 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo information;
      memcpy(&information, CMSG_DATA(header), sizeof information);
      ends->local = (struct cl_address){.family = 4, .low = ntohl(information.ipi_addr.s_addr)};
      // An answer would have another source than the group.
      if (information.ipi_addr.s_addr != information.ipi_spec_dst.s_addr) return 0;
      is_ours = 1;
    } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO && !is_ours) {
      struct in6_pktinfo information;
      memcpy(&information, CMSG_DATA(header), sizeof information);
      ends->local = cl_from_in6(&information.ipi6_addr);
      is_ours = !IN6_IS_ADDR_MULTICAST(&information.ipi6_addr);
    }
  }
  return is_ours && ends->port != 0;
}

/// An IPv4 address as an IPv6 socket writes it.
static struct cl_address of_family(int family, struct cl_address address) {
  if (family == address.family) return address;
  return (struct cl_address){.family = 6, .low = 0xffffull << 32 | address.low};
}

static size_t write_source(char *control, int family, struct cl_address local) {
  struct cmsghdr *header = (struct cmsghdr *)control;
  if (family == 4) {
    struct in_pktinfo information = {.ipi_spec_dst.s_addr = htonl((uint32_t)local.low)};
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof information), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
    memcpy(CMSG_DATA(header), &information, sizeof information);
    return CMSG_SPACE(sizeof information);
  }
  struct in6_pktinfo information = {.ipi6_ifindex = 0};
  cl_store64(information.ipi6_addr.s6_addr, local.high);
  cl_store64(information.ipi6_addr.s6_addr + 8, local.low);
  *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof information), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO};
  memcpy(CMSG_DATA(header), &information, sizeof information);
  return CMSG_SPACE(sizeof information);
}

int cl_batch_send(struct cl_batch *batch, int fd, int first, int count, const struct cl_ends *ends, int family) {
  struct msghdr way = {.msg_iovlen = 1};
  struct sockaddr_storage peer;
  _Alignas(struct cmsghdr) char control[control_room] = {0};
  if (ends) {
    struct cl_address to = of_family(family, ends->peer);
    way.msg_name = &peer;
    way.msg_namelen = cl_sockaddr(&peer, to.family, to.high, to.low, ends->port);
    if (family == 6) ((struct sockaddr_in6 *)&peer)->sin6_scope_id = ends->scope;
    way.msg_control = control;
    way.msg_controllen = write_source(control, family, of_family(family, ends->local));
  }
  for (int i = 0; i < count; i++) {
    batch->parts[i] = (struct iovec){.iov_base = batch->bytes[first + i], .iov_len = batch->received[first + i].msg_len};
    way.msg_iov = &batch->parts[i];
    batch->sending[i] = (struct mmsghdr){.msg_hdr = way};
  }
  return sendmmsg(fd, batch->sending, (unsigned)count, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int cl_report_arrivals(int fd, int family) {
  // An IPv6 socket reports IPv4's in IPv4's own way too, which tells broadcasts.
  if (cl_set_option(fd, IPPROTO_IP, IP_PKTINFO, 1) != 0) return -1;
  return family == 6 ? cl_set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : 0;
}
