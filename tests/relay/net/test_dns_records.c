/* SPDX-License-Identifier: Apache-2.0 */
/* SRV answers octet by octet, the order of RFC 2782, names, the cache. */
#include "net/dns_int.h"

#include "support/check.h"
#include "support_dns.h"

static struct gh_dns_record records[GH_DNS_RECORDS_MAX];
static uint8_t message[16384];
static size_t count;
static uint32_t ttl_s;

static int parse(const struct dns_row *rows)
{
    size_t len = dns_message(message, 1, "_sips._tcp.example.net", DNS_SRV, rows);

    count = 99;
    ttl_s = 99;
    return gh_dns_parse_srv(message, len, records, &count, &ttl_s);
}

static void parses_records(void)
{
    static const struct dns_row rows[] = {
        { "_sips._tcp.example.net", DNS_SRV, "10 60 5061 a.example.net", 300, DNS_SAYS },
        { "_sips._tcp.example.net", DNS_SRV, "20 0 65535 b.example.net", 200, DNS_SAYS },
        { 0 },
    };

    CHECK_INT(parse(rows), 0);
    CHECK_INT(count, 2);
    CHECK_INT(ttl_s, 200);
    CHECK_INT(records[0].priority, 10);
    CHECK_INT(records[0].weight, 60);
    CHECK_INT(records[0].port, 5061);
    CHECK_STR(records[0].name, "a.example.net");
    CHECK_INT(records[0].addr_count, 0);
    CHECK_INT(records[1].port, 65535);
    CHECK_STR(records[1].name, "b.example.net");
}

/* RFC 2782: the root as target means that there is no such service. */
static void leaves_out_what_makes_no_sense(void)
{
    static const struct dns_row none[] = {
        { "_sips._tcp.example.net", DNS_SRV, "0 0 5061 .", 300, DNS_SAYS }, { 0 }
    };
    static const struct dns_row rows[] = {
        { "_sips._tcp.example.net", DNS_SRV, "0 0 0 port-0.example.net", 300, DNS_SAYS },
        { "_sips._tcp.example.net", DNS_SRV, "0 0 5061 odd\"name.example.net", 300, DNS_SAYS },
        { "_sips._tcp.example.net", DNS_SRV, "0 0 5061 good.example.net", 0x80000001, DNS_SAYS },
        { 0 },
    };
    static const struct dns_row empty[] = { { 0 } };

    CHECK_INT(parse(none), GH_ENOTFOUND);
    CHECK_INT(parse(empty), GH_ENOTFOUND);
    CHECK_INT(count, 99);
    CHECK_INT(parse(rows), 0);
    CHECK_INT(count, 1);
    CHECK_STR(records[0].name, "good.example.net");
    CHECK_INT(ttl_s, 0); /* RFC 2181 section 8 */
}

static void takes_no_more_than_fit(void)
{
    struct dns_row rows[GH_DNS_RECORDS_MAX + 20] = { { 0 } };

    for (size_t i = 0; i < GH_DNS_RECORDS_MAX + 19; i++)
        rows[i] = (struct dns_row){ "_sips._tcp.example.net", DNS_SRV, "1 1 5061 a.example.net", 60,
                                    DNS_SAYS };
    CHECK_INT(parse(rows), 0);
    CHECK_INT(count, GH_DNS_RECORDS_MAX);
}

/* Cut at every octet, and every octet changed: no crash, nothing past the end (run under ASan), and
 * never success with nothing. */
static void survives_hostile_answers(void)
{
    static const struct dns_row rows[] = {
        { "_sips._tcp.example.net", DNS_SRV, "10 60 5061 a.example.net", 300, DNS_SAYS },
        { "_sips._tcp.example.net", DNS_SRV, "20 0 5061 b.example.net", 200, DNS_SAYS },
        { 0 },
    };
    size_t len = dns_message(message, 1, "_sips._tcp.example.net", DNS_SRV, rows);

    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *copy = malloc(cut ? cut : 1);

        CHECK_OR_STOP(copy != NULL);
        memcpy(copy, message, cut);
        CHECK(gh_dns_parse_srv(copy, cut, records, &count, &ttl_s) != 0);
        free(copy);
    }
    for (size_t at = 0; at < len; at++) {
        for (int value = 0; value < 256; value++) {
            uint8_t before = message[at];
            int err;

            message[at] = (uint8_t)value;
            count = 0;
            err = gh_dns_parse_srv(message, len, records, &count, &ttl_s);
            if (!err && (count == 0 || count > 2 || !gh_dns_name_fits(records[0].name)))
                CHECK(false);
            message[at] = before;
        }
    }
    CHECK_INT(gh_dns_parse_srv(message, 70000, records, &count, &ttl_s), GH_ESYNTAX);
}

/* Draws that a test chooses. */
static uint32_t draws[16], bounds[16];
static size_t drawn;
static uint32_t scripted(uint32_t bound)
{
    bounds[drawn] = bound;
    return draws[drawn++];
}

static void set(size_t i, const char *name, uint16_t priority, uint16_t weight)
{
    records[i] = (struct gh_dns_record){ .priority = priority, .weight = weight, .port = 1 };
    snprintf(records[i].name, sizeof(records[i].name), "%s", name);
}

static void orders_by_priority_then_weight(void)
{
    char order[8] = "";

    set(0, "d", 30, 5);
    set(1, "b", 10, 60);
    set(2, "c", 10, 40);
    set(3, "a", 10, 0);
    drawn = 0;
    draws[0] = 60; /* of 0..100: a has 0, b reaches 60 */
    draws[1] = 0;  /* of 0..40: a, which has no weight, is first */
    draws[2] = 7;  /* of 0..40: c */
    draws[3] = 5;  /* of 0..5: d */
    gh_dns_order(records, 4, scripted);
    for (int i = 0; i < 4; i++)
        order[i] = records[i].name[0];
    CHECK_STR(order, "bacd");
    CHECK_INT(drawn, 4);
    CHECK_INT(bounds[0], 101);
    CHECK_INT(bounds[1], 41);
    CHECK_INT(bounds[3], 6);
    gh_dns_order(records, 0, scripted);
    CHECK_INT(drawn, 4);
}

static void heaviest_sum_does_not_wrap(void)
{
    for (size_t i = 0; i < GH_DNS_RECORDS_MAX; i++)
        set(i, i == GH_DNS_RECORDS_MAX - 1 ? "z" : "a", 1, 65535);
    drawn = 0;
    for (size_t i = 0; i < GH_DNS_RECORDS_MAX; i++)
        draws[i] = (uint32_t)(65535 * (GH_DNS_RECORDS_MAX - i));
    gh_dns_order(records, GH_DNS_RECORDS_MAX, scripted);
    CHECK_STR(records[0].name, "z");
    CHECK_INT(bounds[0], 65535 * GH_DNS_RECORDS_MAX + 1);
}

static void draws_below_the_bound(void)
{
    for (uint32_t bound = 1; bound < 300; bound++) {
        if (gh_dns_draw(bound) >= bound)
            CHECK(false);
    }
    CHECK_INT(gh_dns_draw(1), 0);
}

static void knows_names(void)
{
    static const struct { const char *name; bool fits;
    } rows[] = {
        { "example.net", true },
        { "example.net.", true },
        { "_sips._tcp.example.net", true },
        { "x", true },
        { "", false },
        { ".", false },
        { "..", false },
        { "a..b", false },
        { ".a", false },
        { "a b", false },
        { "a\n", false },
        { "a/b", false },
        { "\xc3\xa4.net", false },
        { "a.net..", false },
    };
    char big[300];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_INT(gh_dns_name_fits(rows[i].name), rows[i].fits);
    memset(big, 'a', sizeof(big));
    big[63] = 0;
    CHECK(gh_dns_name_fits(big));
    big[63] = 'a';
    big[64] = 0;
    CHECK(!gh_dns_name_fits(big));
    for (int i = 1; i < 300; i += 2)
        big[i] = '.';
    big[64] = 'a';
    big[253] = 0;
    CHECK(gh_dns_name_fits(big));
    big[253] = '.';
    big[254] = 'a';
    big[255] = 0;
    CHECK(!gh_dns_name_fits(big));
}

static void cache_keeps_and_forgets(void)
{
    struct gh_dns_record out[GH_DNS_RECORDS_MAX];
    struct gh_dns_cache *cache;
    uint64_t ttl_ms = 0;
    char name[32];
    int err = 1;

    CHECK_INT(gh_dns_cache_new(&cache), 0);
    set(0, "a", 1, 1);
    set(1, "b", 1, 1);
    CHECK(!gh_dns_cache_get(cache, GH_DNS_HOST, "x", 0, &err, out, &count, &ttl_ms));
    gh_dns_cache_put(cache, GH_DNS_SRV, "x.net", 0, records, 2, 1000, 500);
    CHECK(!gh_dns_cache_get(cache, GH_DNS_HOST, "x.net", 1000, &err, out, &count, &ttl_ms));
    CHECK(gh_dns_cache_get(cache, GH_DNS_SRV, "X.NET", 1200, &err, out, &count, &ttl_ms));
    CHECK_INT(err, 0);
    CHECK_INT(count, 2);
    CHECK_INT(ttl_ms, 300);
    CHECK_STR(out[1].name, "b");
    CHECK(!gh_dns_cache_get(cache, GH_DNS_SRV, "x.net", 1500, &err, out, &count, &ttl_ms));
    gh_dns_cache_put(cache, GH_DNS_SRV, "x.net", GH_ENOTFOUND, NULL, 0, 1500, 500);
    CHECK(gh_dns_cache_get(cache, GH_DNS_SRV, "x.net", 1500, &err, out, &count, &ttl_ms));
    CHECK_INT(err, GH_ENOTFOUND);
    CHECK_INT(count, 0);
    gh_dns_cache_clear(cache);
    CHECK(!gh_dns_cache_get(cache, GH_DNS_SRV, "x.net", 1500, &err, out, &count, &ttl_ms));
    /* One more than fit: the one that ends first goes. */
    for (int i = 0; i <= GH_DNS_CACHE_MAX; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        gh_dns_cache_put(cache, GH_DNS_HOST, name, 0, records, 1, 0,
                         (uint64_t)(i == 5 ? 10 : 1000 + i));
    }
    CHECK(!gh_dns_cache_get(cache, GH_DNS_HOST, "n5", 0, &err, out, &count, &ttl_ms));
    CHECK(gh_dns_cache_get(cache, GH_DNS_HOST, "n0", 0, &err, out, &count, &ttl_ms));
    CHECK(gh_dns_cache_get(cache, GH_DNS_HOST, name, 0, &err, out, &count, &ttl_ms));
    gh_dns_cache_free(cache);
    gh_dns_cache_free(NULL);
}

int main(void)
{
    RUN(parses_records);
    RUN(leaves_out_what_makes_no_sense);
    RUN(takes_no_more_than_fit);
    RUN(survives_hostile_answers);
    RUN(orders_by_priority_then_weight);
    RUN(heaviest_sum_does_not_wrap);
    RUN(draws_below_the_bound);
    RUN(knows_names);
    RUN(cache_keeps_and_forgets);
    return CHECK_REPORT();
}
