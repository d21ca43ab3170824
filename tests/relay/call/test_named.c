/* SPDX-License-Identifier: Apache-2.0 */
/* Which descriptions move a side's media, one after the other. */
#include "support/check.h"

#include "call/named.h"

#define RTP (1U << GH_NAMED_RTP)
#define RTCP (1U << GH_NAMED_RTCP)

static struct gh_addr addr_of(const char *text)
{
    struct gh_span rest = gh_span_str(text), ip = gh_span_take(&rest, ' ');
    struct gh_addr addr = { 0 };
    uint64_t port = 0;

    if (ip.len)
        CHECK(!gh_addr_parse_ip(ip, 0, &addr) && gh_span_u64(rest, 65535, &port));
    addr.port = (uint16_t)port;
    return addr;
}

/* Each row follows the one above it. */
static const struct row {
    const char *says, *rtp, *rtcp;
    bool mux;
    unsigned changed;
    const char *rtp_before, *rtcp_before;
} rows[] = {
    { "the first one", "192.0.2.1 4000", "192.0.2.1 4001", false, 0, "", "" },
    { "the same", "192.0.2.1 4000", "192.0.2.1 4001", false, 0, "", "" },
    { "another port", "192.0.2.1 4100", "192.0.2.1 4101", false, RTP | RTCP, "192.0.2.1 4000", "192.0.2.1 4001" },
    { "RTP alone", "192.0.2.1 4200", "192.0.2.1 4101", false, RTP, "192.0.2.1 4100", "" },
    { "RTCP alone", "192.0.2.1 4200", "192.0.2.9 7", false, RTCP, "", "192.0.2.1 4101" },
    { "hold by zeros", "0.0.0.0 4200", "0.0.0.0 4201", false, 0, "", "" },
    { "nothing at all", "", "", false, 0, "", "" },
    { "port 0", "192.0.2.1 0", "192.0.2.1 0", false, 0, "", "" },
    { "back", "192.0.2.1 4200", "192.0.2.9 7", false, 0, "", "" },
    { "hold", "0.0.0.0 1", "", false, 0, "", "" },
    { "back elsewhere", "2001:db8::1 4200", "2001:db8::1 4201", false, RTP | RTCP, "192.0.2.1 4200", "192.0.2.9 7" },
    { "on one port", "2001:db8::1 4200", "2001:db8::1 4201", true, RTCP, "", "2001:db8::1 4201" },
    { "both move as one", "2001:db8::1 5000", "", true, RTP, "2001:db8::1 4200", "" },
    { "on two again", "2001:db8::1 5000", "2001:db8::1 5001", false, RTCP, "", "2001:db8::1 5000" },
    { "fax has no RTCP", "2001:db8::1 6000", "", false, RTP, "2001:db8::1 5000", "" },
    { "voice again", "2001:db8::1 5000", "2001:db8::1 5001", false, RTP, "2001:db8::1 6000", "" },
    { "moved to one port", "2001:db8::1 8000", "", true, RTP | RTCP, "2001:db8::1 5000", "2001:db8::1 5001" },
};

static void one_after_the_other(void)
{
    struct gh_named named = { 0 };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct gh_neg_side near = { .rtp = addr_of(row->rtp),
                                    .rtcp = addr_of(row->rtcp),
                                    .rtcp_mux = row->mux };
        const struct gh_addr want[] = { addr_of(row->rtp_before), addr_of(row->rtcp_before) };
        struct gh_addr before[GH_NAMED_COUNT] = { { 0 } };

        if (!CHECK_INT(gh_named_take(&named, &near, before), row->changed) ||
            !CHECK(gh_addr_eq(&before[GH_NAMED_RTP], &want[GH_NAMED_RTP])) ||
            !CHECK(gh_addr_eq(&before[GH_NAMED_RTCP], &want[GH_NAMED_RTCP])))
            fprintf(stderr, "row: %s\n", row->says);
    }
}

/* What was named first moved from nowhere, whichever came first. */
static void a_placeholder_first(void)
{
    struct gh_named named = { 0 };
    struct gh_neg_side near = { .rtp = addr_of("0.0.0.0 4000") };
    struct gh_addr before[GH_NAMED_COUNT];

    CHECK_INT(gh_named_take(&named, &near, before), 0);
    CHECK_INT(named.addr[GH_NAMED_RTP].family, 0);
    near.rtp = addr_of("192.0.2.1 4000");
    near.rtcp = addr_of("192.0.2.1 4001");
    CHECK_INT(gh_named_take(&named, &near, before), 0);
    CHECK(gh_addr_eq(&named.addr[GH_NAMED_RTCP], &near.rtcp));
}

int main(void)
{
    RUN(one_after_the_other);
    RUN(a_placeholder_first);
    return CHECK_REPORT();
}
