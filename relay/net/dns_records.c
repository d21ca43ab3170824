/* SPDX-License-Identifier: Apache-2.0 */
/* SRV records: out of a raw answer, and into the order in which they are tried. */
#include "net/dns_int.h"

#include <ares.h>

#include "crypto/hash.h"

#define TYPE_SRV 33      /* RFC 2782 */
#define CLASS_IN 1       /* RFC 1035 section 3.2.4 */
#define HEADER_LEN 12    /* RFC 1035 section 4.1.1 */
#define MESSAGE_MAX 65535

bool gh_dns_name_fits(const char *name)
{
    size_t len = strlen(name), label = 0;

    if (len && name[len - 1] == '.')
        len--;
    if (len == 0 || len > GH_DNS_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name[i];

        if (c == '.' ? label == 0
                     : !gh_ascii_is_alpha(c) && !gh_ascii_is_digit(c) && c != '-' && c != '_')
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label != 0;
}

/* What is left of a message.  Once something was missing, everything reads as 0 and @bad stays. */
struct cursor {
    const uint8_t *octets;
    size_t len, at;
    bool bad;
};

static uint16_t take16(struct cursor *c)
{
    uint16_t value;

    if (c->bad || c->len - c->at < 2) {
        c->bad = true;
        return 0;
    }
    value = (uint16_t)(c->octets[c->at] << 8 | c->octets[c->at + 1]);
    c->at += 2;
    return value;
}

static uint32_t take32(struct cursor *c)
{
    uint32_t high = take16(c);

    return high << 16 | take16(c);
}

static void skip(struct cursor *c, size_t len)
{
    if (c->bad || c->len - c->at < len)
        c->bad = true;
    else
        c->at += len;
}

/* @out  gets the name when it fits gh_dns_name_fits, else ""; NULL: only go past it */
static void take_name(struct cursor *c, char out[GH_DNS_NAME_MAX + 1])
{
    char *name = NULL;
    long len = 0;

    if (c->bad || c->at == c->len ||
        ares_expand_name(c->octets + c->at, c->octets, (int)c->len, &name, &len) != ARES_SUCCESS) {
        c->bad = true;
        return;
    }
    if (out)
        snprintf(out, GH_DNS_NAME_MAX + 1, "%.253s", gh_dns_name_fits(name) ? name : "");
    ares_free_string(name);
    skip(c, (size_t)len);
}

/* One record of the answer section.  @return whether it is a usable SRV record */
static bool take_record(struct cursor *c, struct gh_dns_record *out, uint32_t *ttl_s)
{
    uint16_t type, class, len;
    struct cursor data;

    take_name(c, NULL);
    type = take16(c);
    class = take16(c);
    *ttl_s = take32(c);
    len = take16(c);
    data = *c;
    skip(c, len);
    if (c->bad || type != TYPE_SRV || class != CLASS_IN)
        return false;
    /* A compressed name points backwards, so the message may end here for it. */
    data.len = c->at;
    *out = (struct gh_dns_record){ 0 };
    out->priority = take16(&data);
    out->weight = take16(&data);
    out->port = take16(&data);
    take_name(&data, out->name);
    return !data.bad && out->port && out->name[0];
}

int gh_dns_parse_srv(const uint8_t *octets, size_t len,
                     struct gh_dns_record records[GH_DNS_RECORDS_MAX], size_t *count,
                     uint32_t *ttl_s)
{
    struct cursor c = { .octets = octets, .len = len };
    struct gh_dns_record record;
    uint32_t least_s = UINT32_MAX, one_s;
    uint16_t questions, answers;
    size_t taken = 0;

    if (len < HEADER_LEN || len > MESSAGE_MAX)
        return GH_ESYNTAX;
    skip(&c, 4);
    questions = take16(&c);
    answers = take16(&c);
    skip(&c, 4);
    for (; questions && !c.bad; questions--) {
        take_name(&c, NULL);
        skip(&c, 4);
    }
    for (; answers && !c.bad; answers--) {
        if (take_record(&c, &record, &one_s) && taken < GH_DNS_RECORDS_MAX)
            records[taken++] = record;
        /* RFC 2181 section 8: a TTL with the top bit set counts as 0. */
        one_s = one_s > INT32_MAX ? 0 : one_s;
        least_s = one_s < least_s ? one_s : least_s;
    }
    if (c.bad)
        return GH_ESYNTAX;
    if (taken == 0)
        return GH_ENOTFOUND;
    *count = taken;
    *ttl_s = least_s;
    return 0;
}

uint32_t gh_dns_draw(uint32_t bound)
{
    uint64_t random = 0;

    /* Without random octets the order is that of the answer: worse spread, same destinations. */
    if (gh_random(&random, sizeof(random)))
        random = 0;
    return (uint32_t)(random % bound);
}

static void swap_to_front(struct gh_dns_record *records, size_t which)
{
    struct gh_dns_record chosen = records[which];

    memmove(records + 1, records, which * sizeof(*records));
    records[0] = chosen;
}

/* Put the next one of a run of equal priority in front.  RFC 2782: those of weight 0 stand first,
 * then the first one whose running sum reaches a number drawn from 0 to the sum, both included. */
static void draw_next(struct gh_dns_record *records, size_t run, gh_dns_draw_fn draw)
{
    uint32_t sum = 0, at = 0, drawn;
    size_t i;

    for (i = 0; i < run; i++)
        sum += records[i].weight;
    drawn = draw(sum + 1);
    for (int zeros = 1; zeros >= 0; zeros--) {
        for (i = 0; i < run; i++) {
            if ((records[i].weight == 0) != zeros)
                continue;
            at += records[i].weight;
            if (at >= drawn) {
                swap_to_front(records, i);
                return;
            }
        }
    }
}

void gh_dns_order(struct gh_dns_record *records, size_t count, gh_dns_draw_fn draw)
{
    size_t run;

    /* Stable insertion sort: at most GH_DNS_RECORDS_MAX. */
    for (size_t i = 1; i < count; i++) {
        struct gh_dns_record moved = records[i];
        size_t at = i;

        for (; at > 0 && records[at - 1].priority > moved.priority; at--)
            records[at] = records[at - 1];
        records[at] = moved;
    }
    for (size_t i = 0; i < count; i++) {
        for (run = 1; i + run < count && records[i + run].priority == records[i].priority; run++)
            ;
        draw_next(records + i, run, draw);
    }
}
