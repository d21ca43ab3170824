/* SPDX-License-Identifier: Apache-2.0 */
#include "support_latch.h"

#include <unistd.h>

#include <uv.h>

#include "support/check.h"

static const enum gh_suite CM80 = GH_AES_CM_128_HMAC_SHA1_80, GCM = GH_AEAD_AES_128_GCM;

int latch_failures(void)
{
    return check_failed_total;
}

void set_rule(struct lab *lab, enum gh_path path, enum gh_suite suite,
              enum gh_source_rule rule, uint64_t latch_ms)
{
    struct gh_secret rx = lab_key(suite, 1), tx = lab_key(suite, path == GH_PATH_PASS ? 2 : 3);
    bool keyed = suite != GH_SUITE_NONE;
    struct gh_media_set set = lab_side(lab, 0, path, suite, keyed ? &rx : NULL, keyed ? &tx : NULL);

    set.media_source = rule;
    set.latch_ms = latch_ms;
    CHECK_INT(lab_set(lab, &set), 0);
}

bool start_keyed(struct lab *lab, enum gh_source_rule rule)
{
    if (!lab_start(lab, 4, 0))
        return false;
    lab_secure(lab, GH_PATH_BRIDGE, CM80, GCM);
    set_rule(lab, GH_PATH_BRIDGE, CM80, rule, 0);
    return true;
}

bool start_clear(struct lab *lab, uint64_t latch_ms)
{
    if (!lab_start(lab, 4, 0))
        return false;
    lab_secure(lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SUITE_NONE);
    set_rule(lab, GH_PATH_CLEAR, GH_SUITE_NONE, GH_SOURCE_RULE_SYMMETRIC, latch_ms);
    return true;
}

struct attacker attacker_at(const char *ip)
{
    struct attacker attacker = { 0 };

    attacker.fd = udp_socket(ip, &attacker.addr, 0);
    CHECK(attacker.fd >= 0);
    return attacker;
}

void attack(struct lab *lab, struct attacker *attacker, bool rtcp_port, const uint8_t *p,
            size_t len)
{
    int own = lab->phones[0].fd[rtcp_port];

    lab->phones[0].fd[rtcp_port] = attacker->fd;
    phone_send(lab, 0, rtcp_port, p, len);
    lab->phones[0].fd[rtcp_port] = own;
    attacker->sent++;
}

void check_got_nothing(struct lab *lab, struct attacker *attacker)
{
    uint8_t p[PKT_MAX];

    lab_barrier(lab);
    CHECK_INT(recv(attacker->fd, p, sizeof(p), MSG_DONTWAIT), -1);
    close(attacker->fd);
}

size_t sealed_rtp(struct lab *lab, uint8_t *p)
{
    return phone_seal(&lab->phones[0], p, make_rtp(&lab->phones[0], p, 0, 160), false);
}

void flow_until(struct lab *lab, bool rtcp, enum gh_media_event_kind kind, int want)
{
    uint64_t until_ns = uv_hrtime() + AWAIT_MS * 1000000ULL;

    while (events_of(lab, 0, kind) < want && uv_hrtime() < until_ns) {
        check_flows(lab, 0, rtcp);
        uv_run(lab->loop, UV_RUN_NOWAIT);
    }
    CHECK_INT(events_of(lab, 0, kind), want);
}

struct gh_media_event event_of(struct lab *lab, enum gh_media_event_kind kind, int n)
{
    struct gh_media_event none = { 0 };

    CHECK(await_events(lab, 0, kind, n + 1) > n);
    for (int i = 0; i < lab->event_count; i++) {
        if (lab->events[i].kind == kind && n-- == 0)
            return lab->events[i];
    }
    return none;
}

void check_event(const struct gh_media_event *event, const struct gh_addr *from,
                 const struct gh_addr *to, bool rtcp, bool proven)
{
    CHECK(gh_addr_eq(&event->old_source, from));
    CHECK(gh_addr_eq(&event->new_source, to));
    CHECK_INT(event->rtcp, rtcp);
    CHECK_INT(event->source_proven, proven);
}

size_t plain_guess(struct lab *lab, uint8_t *p)
{
    return make_rtp(&lab->phones[0], p, 0, 160);
}

size_t garbage(struct lab *lab, uint8_t *p)
{
    (void)lab;
    memset(p, 0x5a, 60);
    return 60;
}

size_t plain_report(struct lab *lab, uint8_t *p)
{
    return make_rtcp(&lab->phones[0], p);
}
