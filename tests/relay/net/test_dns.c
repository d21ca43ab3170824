/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups against a DNS server of the test's own on loopback. */
#include "net/dns.h"

#include <unistd.h>

#include "support/alloc_fail.h"
#include "support/check.h"
#include "support_dns.h"

static const struct dns_row rows[] = {
    { "pbx.example.net", DNS_A, "192.0.2.1", 300, DNS_SAYS },
    { "pbx.example.net", DNS_A, "192.0.2.2", 300, DNS_SAYS },
    { "pbx.example.net", DNS_AAAA, "2001:db8::1", 300, DNS_SAYS },
    { "four.example.net", DNS_A, "192.0.2.4", 300, DNS_SAYS },
    { "four.example.net", DNS_AAAA, NULL, 0, DNS_SAYS },
    { "any.example.net", DNS_A, "0.0.0.0", 300, DNS_SAYS },
    { "alias.example.net", DNS_CNAME, "pbx.example.net", 7, DNS_SAYS },
    { "none.example.net", DNS_A, NULL, 0, DNS_NXDOMAIN },
    { "none.example.net", DNS_AAAA, NULL, 0, DNS_NXDOMAIN },
    { "silent.example.net", DNS_A, NULL, 0, DNS_SILENT },
    { "silent.example.net", DNS_AAAA, NULL, 0, DNS_SILENT },
    { "failing.example.net", DNS_A, NULL, 0, DNS_SERVFAIL },
    { "failing.example.net", DNS_AAAA, NULL, 0, DNS_SERVFAIL },
    { "garbage.example.net", DNS_A, "192.0.2.9", 300, DNS_GARBAGE },
    { "garbage.example.net", DNS_AAAA, NULL, 0, DNS_GARBAGE },
    { "forged.example.net", DNS_A, "192.0.2.66", 300, DNS_WRONG_ID },
    { "forged.example.net", DNS_AAAA, NULL, 0, DNS_SILENT },
    { "cut.example.net", DNS_A, "192.0.2.9", 300, DNS_CUT },
    { "cut.example.net", DNS_AAAA, NULL, 0, DNS_CUT },
    { "_sips._tcp.example.net", DNS_SRV, "20 1 5071 four.example.net", 120, DNS_SAYS },
    { "_sips._tcp.example.net", DNS_SRV, "10 1 5061 pbx.example.net", 90, DNS_SAYS },
    { "_half._tcp.example.net", DNS_SRV, "10 1 5061 none.example.net", 90, DNS_SAYS },
    { "_half._tcp.example.net", DNS_SRV, "20 1 5062 four.example.net", 90, DNS_SAYS },
    { "_no._tcp.example.net", DNS_SRV, "0 0 5061 .", 90, DNS_SAYS },
    { "_dead._tcp.example.net", DNS_SRV, "10 1 5061 none.example.net", 90, DNS_SAYS },
    { "_gone._tcp.example.net", DNS_SRV, NULL, 0, DNS_NXDOMAIN },
    { "_silent._tcp.example.net", DNS_SRV, NULL, 0, DNS_SILENT },
    { "_garbage._tcp.example.net", DNS_SRV, "0 0 5061 pbx.example.net", 90, DNS_GARBAGE },
    { 0 },
};

static struct gh_loop *loop;
static struct gh_dns *dns;
static struct dns_server *server;

/* The latest answer. */
static struct gh_dns_target targets[GH_DNS_TARGETS_MAX];
static struct gh_dns_answer answer;
static int answers;
static bool close_in_answer, again_in_answer;

static void on_answer(void *arg, const struct gh_dns_answer *got);

static int ask(enum gh_dns_kind kind, const char *name, struct gh_dns_lookup **out)
{
    struct gh_dns_query query = { .kind = kind,
                                  .name = name,
                                  .port = kind == GH_DNS_HOST ? 5061 : 0 };

    return gh_dns_lookup(dns, &query, on_answer, &answers, out);
}

static void on_answer(void *arg, const struct gh_dns_answer *got)
{
    CHECK(arg == &answers);
    answers++;
    answer = *got;
    CHECK(got->text != NULL);
    CHECK_INT(got->count > 0, got->err == 0);
    if (got->count)
        memcpy(targets, got->targets, got->count * sizeof(targets[0]));
    if (close_in_answer)
        gh_dns_close(dns);
    if (again_in_answer) {
        again_in_answer = false;
        CHECK_INT(ask(GH_DNS_HOST, "four.example.net", NULL), 0);
    }
}

static void begin(const struct gh_dns_params *params)
{
    struct gh_dns_params mine = params ? *params : (struct gh_dns_params){ .timeout_ms = 5000 };

    alarm(60);
    answers = 0;
    close_in_answer = again_in_answer = false;
    CHECK_INT(gh_loop_new(&loop), 0);
    server = dns_server_open(loop, rows);
    if (!mine.servers)
        mine.servers = dns_server_csv(server);
    CHECK_INT(gh_dns_new(&dns, loop, &mine), 0);
}

static void end(void)
{
    gh_dns_close(dns);
    dns_server_close(server);
    gh_loop_stop(loop);
    CHECK_INT(gh_loop_run(loop), 0);
    gh_dns_free(dns);
    gh_loop_free(loop);
    alarm(0);
}

/* Ask and wait. */
static void find(enum gh_dns_kind kind, const char *name)
{
    int before = answers;

    if (!CHECK_INT(ask(kind, name, NULL), 0))
        return;
    CHECK_INT(answers, before); /* never from inside */
    while (answers == before)
        gh_loop_turn(loop);
}

static bool has(const char *ip, uint16_t port)
{
    struct gh_addr want = { 0 };

    gh_addr_parse_ip(gh_span_str(ip), port, &want);
    for (size_t i = 0; i < answer.count; i++) {
        if (gh_addr_eq(&targets[i].addr, &want))
            return true;
    }
    return false;
}

static void finds_addresses(void)
{
    begin(NULL);
    find(GH_DNS_HOST, "pbx.example.net");
    CHECK_INT(answer.err, 0);
    CHECK_INT(answer.count, 3);
    CHECK(has("192.0.2.1", 5061) && has("192.0.2.2", 5061) && has("2001:db8::1", 5061));
    CHECK_STR(targets[0].name, "pbx.example.net");
    CHECK_INT(targets[0].priority, 0);
    CHECK(answer.ttl_ms <= 300000 && answer.ttl_ms > 5000);
    find(GH_DNS_HOST, "four.example.net.");
    CHECK_INT(answer.count, 1);
    CHECK(has("192.0.2.4", 5061));
    find(GH_DNS_HOST, "alias.example.net");
    CHECK_INT(answer.count, 3);
    CHECK_INT(answer.ttl_ms, 7000); /* the alias's own */
    end();
}

static void finds_services_in_order(void)
{
    begin(NULL);
    for (int i = 0; i < 2; i++) { /* the second time from the cache */
        find(GH_DNS_SRV, "_sips._tcp.example.net");
        CHECK_INT(answer.err, 0);
        CHECK_INT(answer.count, 4);
        CHECK(answer.ttl_ms <= 90000 && answer.ttl_ms > 5000);
        for (size_t t = 0; t < 3; t++) {
            CHECK_INT(targets[t].priority, 10);
            CHECK_INT(targets[t].addr.port, 5061);
            CHECK_STR(targets[t].name, "pbx.example.net");
        }
        CHECK_INT(targets[3].priority, 20);
        CHECK(has("192.0.2.4", 5071));
    }
    CHECK_INT(dns_server_asked(server, DNS_SRV), 1);
    end();
}

static void says_what_is_not_there(void)
{
    begin(NULL);
    for (int i = 0; i < 2; i++) {
        find(GH_DNS_HOST, "none.example.net");
        CHECK_INT(answer.err, GH_ENOTFOUND);
        CHECK_INT(answer.count, 0);
    }
    CHECK_INT(dns_server_asked(server, DNS_A), 1); /* a no is kept too */
    CHECK_INT(answer.ttl_ms <= 5000, true);
    find(GH_DNS_SRV, "_no._tcp.example.net");
    CHECK_INT(answer.err, GH_ENOTFOUND);
    find(GH_DNS_SRV, "_gone._tcp.example.net");
    CHECK_INT(answer.err, GH_ENOTFOUND);
    find(GH_DNS_SRV, "_dead._tcp.example.net");
    CHECK_INT(answer.err, GH_ENOTFOUND);
    find(GH_DNS_HOST, "any.example.net"); /* 0.0.0.0 would be ourselves */
    CHECK_INT(answer.err, GH_ENOTFOUND);
    end();
}

static void one_dead_host_is_left_out(void)
{
    begin(NULL);
    find(GH_DNS_SRV, "_half._tcp.example.net");
    CHECK_INT(answer.err, 0);
    CHECK_INT(answer.count, 1);
    CHECK(has("192.0.2.4", 5062));
    CHECK_INT(answer.ttl_ms, 5000); /* kept for the shortest time */
    end();
}

/* Failures are told, and not kept. */
static void failures_are_told(void)
{
    static const struct { enum gh_dns_kind kind; const char *name; int err;
    } cases[] = {
        { GH_DNS_HOST, "silent.example.net", -ETIMEDOUT },
        { GH_DNS_HOST, "forged.example.net", -ETIMEDOUT },
        { GH_DNS_HOST, "failing.example.net",
          -ECONNREFUSED }, /* c-ares: no server is left to ask */
        { GH_DNS_SRV, "_silent._tcp.example.net", -ETIMEDOUT },
    };
    static const struct { enum gh_dns_kind kind; const char *name; } broken[] = {
        { GH_DNS_HOST, "garbage.example.net" },
        { GH_DNS_HOST, "cut.example.net" },
        { GH_DNS_SRV, "_garbage._tcp.example.net" },
    };

    begin(&(struct gh_dns_params){ .timeout_ms = 20, .tries = 1 });
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int again = 0; again < 2; again++) {
            int asked = dns_server_asked(server, DNS_A) + dns_server_asked(server, DNS_SRV);

            find(cases[i].kind, cases[i].name);
            CHECK_INT(answer.err, cases[i].err);
            CHECK(strlen(answer.text) > 0);
            CHECK(dns_server_asked(server, DNS_A) + dns_server_asked(server, DNS_SRV) > asked);
        }
    }
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        find(broken[i].kind, broken[i].name);
        CHECK(answer.err < 0);
    }
    end();
}

static void nobody_serves(void)
{
    begin(&(struct gh_dns_params){ .servers = "127.0.0.1:1", .timeout_ms = 20, .tries = 1 });
    find(GH_DNS_HOST, "pbx.example.net");
    CHECK(answer.err == -ECONNREFUSED || answer.err == -ETIMEDOUT);
    end();
}

static void note_late(void *arg, uint64_t now_ms)
{
    (void)now_ms;
    *(bool *)arg = true;
}

static void answers_are_kept_for_their_time(void)
{
    struct gh_timer timer = { 0 };
    bool late = false;

    begin(NULL);
    find(GH_DNS_HOST, "pbx.example.net");
    find(GH_DNS_HOST, "PBX.example.net");
    CHECK_INT(dns_server_asked(server, DNS_A), 1);
    CHECK_INT(answer.count, 3);
    gh_dns_forget(dns);
    find(GH_DNS_HOST, "pbx.example.net");
    CHECK_INT(dns_server_asked(server, DNS_A), 2);
    end();
    /* The most that an answer is kept is 1 ms here: wait for a timer that is due later. */
    begin(&(struct gh_dns_params){ .ttl_max_ms = 1, .timeout_ms = 5000 });
    find(GH_DNS_HOST, "pbx.example.net");
    CHECK_INT(answer.ttl_ms, 1);
    gh_timer_start(gh_loop_timers(loop), &timer, gh_loop_now_ms(loop) + 5, note_late, &late);
    while (!late)
        gh_loop_turn(loop);
    find(GH_DNS_HOST, "pbx.example.net");
    CHECK_INT(dns_server_asked(server, DNS_A), 2);
    end();
}

static void cancelled_lookups_are_silent(void)
{
    struct gh_dns_lookup *lookup = NULL;

    begin(NULL);
    CHECK_INT(ask(GH_DNS_HOST, "pbx.example.net", &lookup), 0);
    gh_dns_cancel(lookup);
    CHECK_INT(ask(GH_DNS_SRV, "_sips._tcp.example.net", &lookup), 0);
    while (dns_server_asked(server, DNS_SRV) == 0)
        gh_loop_turn(loop);
    gh_dns_cancel(lookup);
    find(GH_DNS_HOST, "four.example.net");
    CHECK_INT(answers, 1);
    /* One that is answered from the cache. */
    CHECK_INT(ask(GH_DNS_HOST, "four.example.net", &lookup), 0);
    gh_dns_cancel(lookup);
    gh_dns_cancel(NULL);
    find(GH_DNS_HOST, "pbx.example.net");
    CHECK_INT(answers, 2);
    end();
    CHECK_INT(answers, 2);
}

static void close_ends_everything(void)
{
    begin(NULL);
    CHECK_INT(ask(GH_DNS_HOST, "silent.example.net", NULL), 0);
    CHECK_INT(ask(GH_DNS_SRV, "_sips._tcp.example.net", NULL), 0);
    CHECK_INT(ask(GH_DNS_SRV, "_silent._tcp.example.net", NULL), 0);
    while (dns_server_asked(server, DNS_SRV) < 2)
        gh_loop_turn(loop);
    gh_dns_close(dns);
    CHECK_INT(ask(GH_DNS_HOST, "pbx.example.net", NULL), GH_ECLOSED);
    end();
    CHECK_INT(answers, 0);
    /* From inside an answer, with others under way. */
    begin(NULL);
    close_in_answer = true;
    CHECK_INT(ask(GH_DNS_HOST, "silent.example.net", NULL), 0);
    CHECK_INT(ask(GH_DNS_HOST, "pbx.example.net", NULL), 0);
    while (!answers)
        gh_loop_turn(loop);
    end();
    CHECK_INT(answers, 1);
}

static void an_answer_may_ask_again(void)
{
    begin(NULL);
    again_in_answer = true;
    find(GH_DNS_HOST, "pbx.example.net");
    while (answers < 2)
        gh_loop_turn(loop);
    CHECK(has("192.0.2.4", 5061));
    end();
}

static void arguments_and_limits(void)
{
    struct gh_dns_query query = { .kind = GH_DNS_HOST, .name = "pbx.example.net" };
    struct gh_dns_params bad = { .servers = "not an address" };
    struct gh_dns *other = NULL;

    begin(NULL);
    CHECK_INT(gh_dns_new(&other, loop, &bad), GH_EINVAL);
    CHECK(!other);
    CHECK_INT(gh_dns_lookup(dns, &query, on_answer, NULL, NULL), GH_EINVAL); /* no port */
    query.port = 5061;
    query.name = "pbx example";
    CHECK_INT(gh_dns_lookup(dns, &query, on_answer, NULL, NULL), GH_EINVAL);
    query.kind = 0;
    query.name = "pbx.example.net";
    CHECK_INT(gh_dns_lookup(dns, &query, on_answer, NULL, NULL), GH_EINVAL);
    find(GH_DNS_HOST,
         "pbx.example.net"); /* the others are answered from the cache: no burst of packets */
    answers = 0;
    for (int i = 0; i < GH_DNS_LOOKUPS_MAX; i++) {
        if (ask(GH_DNS_HOST, "pbx.example.net", NULL))
            CHECK(false);
    }
    CHECK_INT(ask(GH_DNS_HOST, "pbx.example.net", NULL), GH_EFULL);
    while (answers < GH_DNS_LOOKUPS_MAX)
        gh_loop_turn(loop);
    CHECK_INT(answer.err, 0);
    CHECK_INT(ask(GH_DNS_HOST, "pbx.example.net", NULL), 0);
    end();
}

#if GH_ALLOC_CAN_FAIL
/* Each allocation of our own: an error, or an answer that says so, never silence. */
static void out_of_memory_anywhere(void)
{
    for (long n = 1;; n++) {
        bool failed;
        int err;

        begin(&(struct gh_dns_params){ .timeout_ms = 30, .tries = 1 });
        alloc_fail_at(n);
        err = ask(GH_DNS_SRV, "_sips._tcp.example.net", NULL);
        while (!err && !answers)
            gh_loop_turn(loop);
        failed = alloc_failed();
        if (err)
            CHECK_INT(err, GH_ENOMEM);
        end();
        if (!failed)
            break;
        CHECK(n < 100);
    }
}
#endif

int main(void)
{
    RUN(finds_addresses);
    RUN(finds_services_in_order);
    RUN(says_what_is_not_there);
    RUN(one_dead_host_is_left_out);
    RUN(failures_are_told);
    RUN(nobody_serves);
    RUN(answers_are_kept_for_their_time);
    RUN(cancelled_lookups_are_silent);
    RUN(close_ends_everything);
    RUN(an_answer_may_ask_again);
    RUN(arguments_and_limits);
#if GH_ALLOC_CAN_FAIL
    RUN(out_of_memory_anywhere);
#endif
    return CHECK_REPORT();
}
