/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults of the system under a running call: full buffers, no memory in the kernel, a receiver that
 * does not read, a worker that stood still.  Packets are lost and counted, the call goes on.
 */
#include "support/check.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "crypto/srtp_ciphers.h"
#include "media/media_int.h"
#include "support_media.h"

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80, GCM = GH_AEAD_AES_128_GCM;

/* ---- what the kernel says to the relay's sends: this program's send takes the place of libc's  */

static _Atomic int next_errno, errors_left, errors_given;

ssize_t send(int fd, const void *p, size_t len, int flags)
{
    int left = atomic_load(&errors_left);

    if (left > 0 && atomic_compare_exchange_strong(&errors_left, &left, left - 1)) {
        atomic_fetch_add(&errors_given, 1);
        errno = atomic_load(&next_errno);
        return -1;
    }
    return syscall(SYS_sendto, fd, p, len, flags, NULL, 0);
}

static void fail_next(int error, int count)
{
    atomic_store(&errors_given, 0);
    atomic_store(&next_errno, error);
    atomic_store(&errors_left, count);
}

static void send_good(struct lab *lab, int side)
{
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));

    phone_send(lab, side, false, p,
               phone_seal(&lab->phones[side], p, make_rtp(&lab->phones[side], p, 0, 160), false));
}

/* The packet is lost, the next ones are not; and none is sent twice. */
static void what_the_kernel_does_not_take(void)
{
    static const int errors[] = { ENOBUFS, EAGAIN, ENOMEM, EPERM, EMSGSIZE, ENETDOWN, EINTR };
    struct lab lab;
    uint64_t failed = 0;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, GCM);
    check_flows(&lab, 0, false);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        fail_next(errors[i], 3);
        for (int k = 0; k < 3; k++)
            send_good(&lab, 0);
        failed += 3;
        await_drops(&lab, 0, GH_DROP_SEND_FAILED, failed);
        CHECK_INT(atomic_load(&errors_given), 3);
        check_flows(&lab, 0, false);
        check_flows(&lab, 1, false);
    }
    CHECK_INT(counters_of(&lab, 0).icmp, 0);
    CHECK_INT(await_events(&lab, 0, GH_MEDIA_EVENT_PROVEN, 1), 1);
    CHECK_INT(await_events(&lab, 1, GH_MEDIA_EVENT_PROVEN, 1), 1);
    CHECK_INT(lab.event_count, 2); /* and nothing else */
    LAB_END(&lab);
}

/* An ICMP error of an earlier packet comes out of the next send: that one is repeated, once. */
static void errors_of_earlier_packets(void)
{
    static const int errors[] = { ECONNREFUSED, EHOSTUNREACH, ENETUNREACH };
    struct lab lab;
    uint64_t failed = 0, icmp = 0;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_BRIDGE, CM80, GCM);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        fail_next(errors[i], 1);
        check_flows(&lab, 0, false);
        CHECK_INT(atomic_load(&errors_given), 1);
        CHECK_INT(counters_of(&lab, 1).icmp, ++icmp);
        fail_next(errors[i], 2);
        send_good(&lab, 0);
        await_drops(&lab, 0, GH_DROP_SEND_FAILED, ++failed);
        icmp += 2;
        CHECK_INT(counters_of(&lab, 1).icmp, icmp);
        check_flows(&lab, 0, false);
    }
    LAB_END(&lab);
}

/* ---- receivers that do not read ------------------------------------------------------------- */

/* A stopped phone: its buffer fills, the kernel drops, and when it reads again the call is
 * there. */
static void a_phone_that_does_not_read(void)
{
    const int small = 4096;
    struct lab lab;
    uint8_t p[PKT_MAX] __attribute__((aligned(8)));
    size_t len;
    int got = 0;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_PASS, CM80, CM80);
    CHECK_INT(setsockopt(lab.phones[1].fd[0], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    for (int i = 0; i < 500; i++) {
        send_good(&lab, 0);
        if (i % 50 == 49)
            check_flows(&lab, 1, false); /* the other direction is not hurt */
    }
    lab_barrier(&lab);
    while (recv(lab.phones[1].fd[0], p, sizeof(p), MSG_DONTWAIT) > 0)
        got++;
    CHECK(got > 0 && got < 500);
    CHECK_INT(counters_of(&lab, 0).drops[GH_DROP_SEND_FAILED], 0);
    len = phone_seal(&lab.phones[0], p, make_rtp(&lab.phones[0], p, 0, 160), false);
    phone_send(&lab, 0, false, p, len);
    len = phone_receive(&lab, 1, false, p);
    CHECK_INT(gh_srtp_rx_open(lab.phones[1].rx, p, &len, false), 0);
    LAB_END(&lab);
}

/* Our own buffer fills while the worker stands still: what is left of it goes on, the rest is loss
 * that is measured. */
static void a_worker_that_stood_still(void)
{
    struct lab lab;
    struct gh_hold_msg hold;
    uv_sem_t held, go;
    struct gh_media_counters of;
    /* More than a buffer of the usual size holds, less than a new beginning (RFC 3550 A.1). */
    const int sent = 2500;
    uint8_t p[PKT_MAX];
    uint16_t after;

    if (!lab_start(&lab, 4, 0))
        return;
    lab_secure(&lab, GH_PATH_PASS, CM80, CM80);
    check_flows(&lab, 0, false);
    uv_sem_init(&held, 0);
    uv_sem_init(&go, 0);
    hold.held = &held;
    hold.go = &go;
    gh_media_hold(lab.media, 0, &hold);
    uv_sem_wait(&held);
    for (int i = 0; i < sent; i++)
        send_good(&lab, 0);
    uv_sem_post(&go);
    lab_barrier(&lab);
    after = lab.phones[0].seq;
    do
        send_good(&lab, 0);
    while (phone_receive(&lab, 1, false, p) && (int16_t)(uint16_t)(gh_get16(p + 2) - after) < 0);
    gh_media_close(lab.media, lab.stream);
    lab_await_closed(&lab, lab.stream);
    of = lab.final[0];
    CHECK_INT(of.authenticated, of.rx_pkts);
    CHECK_INT(of.drops[GH_DROP_AUTH_FAILED], 0);
    CHECK(of.quality.measured.lost_pkts > 0 && of.quality.measured.lost_pkts < (uint64_t)sent);
    LAB_END(&lab);
    uv_sem_destroy(&held);
    uv_sem_destroy(&go);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(what_the_kernel_does_not_take);
    RUN(errors_of_earlier_packets);
    RUN(a_phone_that_does_not_read);
    RUN(a_worker_that_stood_still);
    return CHECK_REPORT();
}
