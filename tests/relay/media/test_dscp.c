/* SPDX-License-Identifier: Apache-2.0 */
/* The code point of what we send, as the phone's kernel reads it off the packets (RFC 2474). */
#include "support/check.h"

#include <poll.h>

#include "crypto/srtp_ciphers.h"
#include "support_media.h"

/* @return the TOS or traffic class octet of the next packet; -1: none came, or it carries none */
static int next_class(const struct lab *lab, int side, bool rtcp)
{
    char p[PKT_MAX], control[CMSG_SPACE(sizeof(int))];
    struct iovec octets = { p, sizeof(p) };
    struct msghdr msg = { .msg_iov = &octets,
                          .msg_iovlen = 1,
                          .msg_control = control,
                          .msg_controllen = sizeof(control) };
    struct pollfd ready = { .fd = lab->phones[side].fd[rtcp], .events = POLLIN };
    struct cmsghdr *head;
    int class = -1;
    unsigned char tos;

    if (poll(&ready, 1, AWAIT_MS) != 1 || recvmsg(ready.fd, &msg, 0) < 0)
        return -1;
    head = CMSG_FIRSTHDR(&msg);
    if (head && head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_TOS) {
        memcpy(&tos, CMSG_DATA(head), sizeof(tos));
        class = tos;
    } else if (head && head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_TCLASS) {
        memcpy(&class, CMSG_DATA(head), sizeof(class));
    }
    return class;
}

static void read_classes(const struct lab *lab, int side, uint8_t family)
{
    const int on = 1;

    for (int i = 0; i < 2; i++)
        CHECK_INT(family == 6 ? setsockopt(lab->phones[side].fd[i], IPPROTO_IPV6, IPV6_RECVTCLASS,
                                           &on, sizeof(on))
                              : setsockopt(lab->phones[side].fd[i], IPPROTO_IP, IP_RECVTOS, &on,
                                           sizeof(on)),
                  0);
}

static void set_code_point(struct lab *lab, int side, uint8_t dscp)
{
    struct gh_media_set set = lab_side(lab, side, GH_PATH_CLEAR, GH_SUITE_NONE, NULL, NULL);

    set.dscp = dscp;
    CHECK_INT(lab_set(lab, &set), 0);
}

static void check_class(struct lab *lab, int side, int dscp)
{
    uint8_t p[PKT_MAX];

    phone_send(lab, !side, false, p, make_rtp(&lab->phones[!side], p, 0, 160));
    CHECK_INT(next_class(lab, side, false), dscp << 2);
    phone_send(lab, !side, true, p, make_rtcp(&lab->phones[!side], p));
    CHECK_INT(next_class(lab, side, true), dscp << 2);
}

/* Each side has its own; a later set may change it, and back to none. */
static void check_families(uint8_t a, uint8_t b)
{
    struct lab lab;

    if (a == b ? !lab_start(&lab, a, 0) : !lab_start_mixed(&lab, a, b))
        return;
    read_classes(&lab, 0, a);
    read_classes(&lab, 1, b);
    set_code_point(&lab, 0, 46);
    set_code_point(&lab, 1, 34);
    check_class(&lab, 0, 46);
    check_class(&lab, 1, 34);
    set_code_point(&lab, 1, 63);
    check_class(&lab, 0, 46);
    check_class(&lab, 1, 63);
    set_code_point(&lab, 1, 0);
    check_class(&lab, 1, 0);
    LAB_END(&lab);
}

static void over_ipv4(void)
{
    check_families(4, 4);
}

static void over_ipv6(void)
{
    if (!lab_has_ipv6()) {
        CHECK(true);
        return;
    }
    check_families(6, 6);
    check_families(4, 6);
}

static void renew_as(struct lab *lab, uint8_t code_point)
{
    gh_stream_id old = lab->stream;

    CHECK_INT(gh_media_renew(lab->media, old, &lab->stream), 0);
    lab_await_closed(lab, old);
    set_code_point(lab, 0, code_point);
    set_code_point(lab, 1, code_point);
    check_class(lab, 1, code_point);
}

/* A renewed stream has the sockets of the old one, with its mark; a set that says another one changes it. */
static void of_a_renewed_stream(void)
{
    struct lab lab;

    if (!lab_start(&lab, 4, 0))
        return;
    read_classes(&lab, 1, 4);
    set_code_point(&lab, 0, 46);
    set_code_point(&lab, 1, 46);
    check_class(&lab, 1, 46);
    renew_as(&lab, 46);
    renew_as(&lab, 0);
    LAB_END(&lab);
}

static void no_code_point_beyond_63(void)
{
    struct lab lab;
    struct gh_media_set set;

    if (!lab_start(&lab, 4, 0))
        return;
    set = lab_side(&lab, 0, GH_PATH_CLEAR, GH_SUITE_NONE, NULL, NULL);
    set.dscp = 64;
    CHECK_INT(lab_set(&lab, &set), GH_EINVAL);
    LAB_END(&lab);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(over_ipv4);
    RUN(over_ipv6);
    RUN(of_a_renewed_stream);
    RUN(no_code_point_beyond_63);
    return CHECK_REPORT();
}
