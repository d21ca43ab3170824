/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of media_source share: side 0 under another rule, and attackers with sockets of their own. */
#ifndef GH_SUPPORT_LATCH_H
#define GH_SUPPORT_LATCH_H

#include "support_media.h"

#define ELSEWHERE "127.0.0.2"
#define FAR_AWAY "127.0.0.3"

struct attacker {
    int fd;
    struct gh_addr addr;
    uint64_t sent;
};

/** Side 0 as lab_secure made it, with another rule. */
void set_rule(struct lab *lab, enum gh_path path, enum gh_suite suite,
              enum gh_source_rule rule, uint64_t latch_ms);

/** SRTP on both sides, bridged; side 0 has @rule.  @return success */
bool start_keyed(struct lab *lab, enum gh_source_rule rule);
/** RTP on both sides; side 0 is symmetric. */
bool start_clear(struct lab *lab, uint64_t latch_ms);

struct attacker attacker_at(const char *ip);
/** From his socket to our port of side 0. */
void attack(struct lab *lab, struct attacker *attacker, bool rtcp_port, const uint8_t *p, size_t len);
/** Nothing came to him, ever; his end. */
void check_got_nothing(struct lab *lab, struct attacker *attacker);

/* Packets of phone 0, or what could be.  @return length */
size_t sealed_rtp(struct lab *lab, uint8_t *p);
size_t plain_guess(struct lab *lab, uint8_t *p); /* RTPbleed: right SSRC, right sequence */
size_t plain_report(struct lab *lab, uint8_t *p);
size_t garbage(struct lab *lab, uint8_t *p);

/** Good packets of phone 0 cross, until there are @want events of @kind. */
void flow_until(struct lab *lab, bool rtcp, enum gh_media_event_kind kind, int want);
/** The @n-th event of that kind, awaited. */
struct gh_media_event event_of(struct lab *lab, enum gh_media_event_kind kind, int n);
void check_event(const struct gh_media_event *event, const struct gh_addr *from,
                 const struct gh_addr *to, bool rtcp, bool proven);

/** Checks that failed in these functions: check.h counts each source file by itself.  At the end of main. */
int latch_failures(void);

#endif
