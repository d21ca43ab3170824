/* SPDX-License-Identifier: Apache-2.0 */
/* Listening: addresses in use, caps, no descriptors left, many connections at once. */
#include "support_net.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/alloc_fail.h"

#define MANY 500

static struct gh_net_counters counters(void)
{
    struct gh_net_counters out;

    gh_net_counters(rig.net, &out);
    return out;
}

static void an_address_in_use(void)
{
    struct gh_net_listener at = { .index = 1, .transport = GH_TRANSPORT_TCP };
    struct gh_addr bound;

    rig_begin(NULL, NULL, NULL);
    at.address = rig.at;
    CHECK_INT(gh_net_listen(rig.net, &at, &bound), -EADDRINUSE);
    at.index = RIG_LISTENER;
    at.address.port = 0;
    CHECK_INT(gh_net_listen(rig.net, &at, &bound), GH_EEXISTS);
    at.index = 2;
    CHECK_INT(gh_net_listen(rig.net, &at, &bound), 0);
    CHECK(bound.port != 0 && bound.port != rig.at.port);
    gh_addr_parse_ip(GH_SPAN("192.0.2.1"), 5060, &at.address);
    at.index = 3;
    CHECK_INT(gh_net_listen(rig.net, &at, &bound), -EADDRNOTAVAIL);
    at.address.family = 0;
    CHECK_INT(gh_net_listen(rig.net, &at, &bound), GH_EINVAL);
    at.address = rig.at;
    at.transport = GH_TRANSPORT_TLS; /* without a context */
    CHECK_INT(gh_net_listen(rig.net, &at, &bound), GH_EINVAL);
    at.transport = GH_TRANSPORT_UDP;
    CHECK_INT(gh_net_listen(rig.net, &at, &bound), GH_EINVAL);
    CHECK_INT(gh_net_listener_set_tls(rig.net, RIG_LISTENER, NULL), GH_EINVAL);
    rig_end();
}

/* A reload may close a listener and open one at the same address in one go; connections stay. */
static void listening_can_stop_and_begin_again(void)
{
    struct gh_net_listener at = { .index = RIG_LISTENER, .transport = GH_TRANSPORT_TCP };
    struct peer *one, *refused;

    rig_begin(NULL, NULL, NULL);
    one = rig_connect();
    rig_turn_until(rig.ups == 2);
    CHECK_INT(gh_net_unlisten(rig.net, RIG_LISTENER), 0);
    CHECK_INT(gh_net_unlisten(rig.net, RIG_LISTENER), GH_ENOTFOUND);
    refused = rig_connect();
    rig_turn_until(refused->downs);
    CHECK_INT(refused->end.err, -ECONNREFUSED);
    at.address = rig.at;
    CHECK_INT(gh_net_listen(rig.net, &at, NULL), 0);
    CHECK_INT(gh_net_unlisten(rig.net, RIG_LISTENER), 0);
    CHECK_INT(gh_net_listen(rig.net, &at, NULL), 0);
    rig_connect();
    rig_turn_until(rig.ups == 4);
    CHECK_INT(one->downs, 0);
    CHECK_INT(rig_send(one, "on", 2), 0);
    rig_end();
}

static void ipv6_listener_takes_ipv6_only(void)
{
    struct gh_net_listener at = { .index = 1, .transport = GH_TRANSPORT_TCP };
    struct gh_addr six;
    struct peer *one;
    int err;

    rig_begin(NULL, NULL, NULL);
    gh_addr_parse_ip(GH_SPAN("::1"), 0, &at.address);
    err = gh_net_listen(rig.net, &at, &six);
    if (err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT) {
        printf("     no IPv6 here: not tried\n");
        CHECK(err < 0);
    } else if (CHECK_INT(err, 0)) {
        gh_net_unlisten(rig.net, RIG_LISTENER);
        /* The same port on IPv4 is free for another listener; unless another program has that one: then again. */
        for (int tries = 0; tries < 20; tries++) {
            at.index = RIG_LISTENER;
            gh_addr_parse_ip(GH_SPAN("::"), 0, &at.address);
            CHECK_INT(gh_net_listen(rig.net, &at, &six), 0);
            at.index = 2;
            gh_addr_parse_ip(GH_SPAN("0.0.0.0"), six.port, &at.address);
            err = gh_net_listen(rig.net, &at, NULL);
            if (err != -EADDRINUSE)
                break;
            gh_net_unlisten(rig.net, RIG_LISTENER);
        }
        CHECK_INT(err, 0);
        gh_addr_parse_ip(GH_SPAN("::1"), six.port, &six);
        one = rig_connect_to(&six);
        rig_turn_until(rig.ups == 2);
        CHECK_INT(gh_conn_facts(one->conn)->local.family, 6);
        CHECK(gh_addr_same_ip(&gh_conn_facts(rig_incoming()->conn)->peer, &six));
    }
    rig_end();
}

static void cap_of_all(void)
{
    struct gh_net_limits limits = rig_limits();
    int fd[4];

    limits.max_connections = 3;
    rig_begin(&limits, NULL, NULL);
    for (int i = 0; i < 4; i++)
        fd[i] = raw_connect(&rig.at);
    CHECK(raw_wait_closed(fd[3]));
    CHECK_INT(rig.ups, 3);
    CHECK_INT(rig.downs, 0);
    CHECK_INT(counters().refused_total, 1);
    CHECK_INT(counters().incoming, 3);
    /* One goes, one may come. */
    close(fd[0]);
    rig_turn_until(rig.downs == 1);
    close(fd[3]);
    fd[3] = raw_connect(&rig.at);
    rig_turn_until(rig.ups == 4);
    CHECK_INT(counters().incoming, 3);
    for (int i = 1; i < 4; i++)
        close(fd[i]);
    rig_end();
}

static void cap_of_an_address(void)
{
    struct gh_net_limits limits = rig_limits();
    int fd[3], other;

    limits.max_connections_per_address = 2;
    rig_begin(&limits, NULL, NULL);
    for (int i = 0; i < 3; i++)
        fd[i] = raw_connect_from(&rig.at, "127.0.0.8");
    CHECK(raw_wait_closed(fd[2]));
    CHECK_INT(counters().refused_per_address, 1);
    CHECK_INT(counters().refused_total, 0);
    other = raw_connect_from(&rig.at, "127.0.0.9");
    rig_turn_until(rig.ups == 3);
    close(fd[0]);
    rig_turn_until(rig.downs == 1);
    close(fd[2]);
    fd[2] = raw_connect_from(&rig.at, "127.0.0.8");
    rig_turn_until(rig.ups == 4);
    CHECK_INT(counters().refused_per_address, 1);
    /* A reload lowers it: nobody is thrown out, nobody comes in. */
    limits.max_connections_per_address = 1;
    CHECK_INT(gh_net_set_limits(rig.net, &limits), 0);
    close(fd[2]);
    rig_turn_until(rig.downs == 2);
    fd[2] = raw_connect_from(&rig.at, "127.0.0.8");
    CHECK(raw_wait_closed(fd[2]));
    CHECK_INT(rig.downs, 2);
    CHECK_INT(counters().refused_per_address, 2);
    close(fd[1]);
    close(fd[2]);
    close(other);
    rig_end();
}

/* Our own connections do not use up what is meant for strangers. */
static void outgoing_ones_do_not_count(void)
{
    struct gh_net_limits limits = rig_limits();

    limits.max_connections = 1;
    rig_begin(&limits, NULL, NULL);
    rig_connect();
    rig_turn_until(rig.ups == 2);
    CHECK_INT(counters().incoming, 1);
    rig_connect();
    rig_turn_until(rig.downs == 1);
    CHECK_INT(counters().refused_total, 1);
    CHECK_INT(rig.ups, 3); /* TCP stands for the one that connects; then it is closed */
    rig_end();
}

static void many_connections(void)
{
    size_t echoed = 0;

    rig_begin(NULL, NULL, NULL);
    rig.orders.echo = rig.orders.hello = true;
    for (int i = 0; i < MANY; i++)
        rig_connect();
    while (echoed < MANY) {
        rig_turn();
        echoed = 0;
        for (size_t i = 0; i < rig.count; i++)
            echoed += rig.peers[i].role == GH_ROLE_CLIENT && rig.peers[i].got == 5;
    }
    CHECK_INT(rig.ups, 2 * MANY);
    CHECK_INT(counters().incoming, MANY);
    rig_end();
}

/* A callback of an accepted connection closes the listener, or everything, in the middle of a
 * burst. */
static void close_in_a_burst(void)
{
    rig_begin(NULL, NULL, NULL);
    rig.orders.close_all_in_up = true;
    for (int i = 0; i < 20; i++)
        rig_connect();
    rig_turn_until((size_t)rig.downs == rig.count && rig.count >= 20);
    CHECK(rig.downs >= 20);
    rig_end();
}

/* In a child, as it cannot be undone: no descriptor is left below the limit. */
static void use_up_descriptors(int *spare)
{
    struct rlimit limit = { .rlim_cur = 64, .rlim_max = 64 };
    int fd;

    setrlimit(RLIMIT_NOFILE, &limit);
    while ((fd = dup(STDERR_FILENO)) >= 0)
        *spare = fd;
}

static void without_descriptors(void)
{
    struct gh_conn *conn = NULL;
    struct gh_net_connect want = { .transport = GH_TRANSPORT_TCP };
    int spare = -1, client;

    rig_begin(NULL, NULL, NULL);
    client = raw_connect(&rig.at);
    use_up_descriptors(&spare);
    rig_turn_until(counters().accept_failures);
    /* It waits for its timer; it does not spin: nothing else is due, and the listener is not
     * polled. */
    CHECK_INT(counters().accept_failures, 1);
    CHECK(gh_timerq_next(gh_loop_timers(rig.loop)) > gh_loop_now_ms(rig.loop));
    want.to = rig.at;
    CHECK_INT(gh_net_connect(rig.net, &want, &conn), -EMFILE);
    CHECK(!conn);
    rig_turn_until(counters().accept_failures == 2);
    close(spare);
    rig_turn_until(rig.ups == 1); /* the one that waited is served */
    CHECK_INT(send(client, "x", 1, 0), 1);
    rig_turn_until(rig_incoming()->got == 1);
    close(client);
    rig_end();
}

static void no_descriptors_left(void)
{
    int status = -1;
    pid_t child;

    fflush(NULL);
    child = fork();
    CHECK_OR_STOP(child >= 0);
    if (child == 0) {
        int before = check_failed_total;

        without_descriptors();
        fflush(NULL);
        _exit(check_failed_total != before);
    }
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#if GH_ALLOC_CAN_FAIL
static void out_of_memory_anywhere(void)
{
    struct gh_net_handlers handlers = { 0 };
    struct gh_net *net = NULL;
    struct gh_net_listener at = { .index = 1, .transport = GH_TRANSPORT_TCP };

    for (long n = 1;; n++) {
        bool failed;
        int err;

        rig_begin(NULL, NULL, NULL);
        at.address = rig.at;
        at.address.port = 0;
        alloc_fail_at(n);
        err = gh_net_listen(rig.net, &at, NULL);
        failed = alloc_failed();
        CHECK_INT(err, failed ? GH_ENOMEM : 0);
        rig_end();
        if (!failed)
            break;
    }
    alloc_fail_at(1);
    CHECK_INT(gh_net_new(&net, NULL, &rig.limits, &handlers), GH_EINVAL);
    CHECK(!alloc_failed() && !net);
}
#endif

int main(void)
{
    RUN(an_address_in_use);
    RUN(listening_can_stop_and_begin_again);
    RUN(ipv6_listener_takes_ipv6_only);
    RUN(cap_of_all);
    RUN(cap_of_an_address);
    RUN(outgoing_ones_do_not_count);
    RUN(many_connections);
    RUN(close_in_a_burst);
    RUN(no_descriptors_left);
#if GH_ALLOC_CAN_FAIL
    RUN(out_of_memory_anywhere);
#endif
    return CHECK_REPORT();
}
