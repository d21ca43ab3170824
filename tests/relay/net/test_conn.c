/* SPDX-License-Identifier: Apache-2.0 */
/* Connections over TCP: life and end, order, limits, every callback that interferes. */
#include "support_net.h"

#include <unistd.h>

#include "support/alloc_fail.h"

#define MESSAGES 10000

/* Connect a pair and wait until both are up. */
static struct peer *pair(struct peer **server)
{
    struct peer *client = rig_connect();
    int ups = rig.ups;

    rig_turn_until(rig.ups == ups + 2);
    *server = rig_incoming();
    return client;
}

static void a_pair_talks(void)
{
    struct peer *client, *server;

    rig_begin(NULL, NULL, NULL);
    rig.orders.echo = true;
    client = pair(&server);
    CHECK(client->id != server->id);
    CHECK(!client->chain && !server->chain);
    CHECK_INT(gh_conn_facts(server->conn)->transport, GH_TRANSPORT_TCP);
    CHECK_INT(gh_conn_facts(server->conn)->role, GH_ROLE_SERVER);
    CHECK(gh_addr_eq(&gh_conn_facts(server->conn)->peer, &gh_conn_facts(client->conn)->local));
    CHECK(gh_addr_eq(&gh_conn_facts(server->conn)->local, &rig.at));
    CHECK_INT(rig_send(client, "OPTIONS sip:a SIP/2.0\r\n", 23), 0);
    rig_turn_until(client->got == 23);
    CHECK_STR(server->head, "OPTIONS sip:a SIP/2.0\r\n");
    CHECK_STR(client->head, "OPTIONS sip:a SIP/2.0\r\n");
    gh_conn_close(client->conn, GH_REASON_OPERATOR);
    rig_turn_until(rig.downs == 2);
    CHECK_INT(client->end.reason, GH_REASON_OPERATOR);
    CHECK_INT(server->end.reason, GH_REASON_NONE);
    CHECK_INT(server->end.err, 0);
    CHECK(client->end.was_up && server->end.was_up);
    CHECK(!gh_net_conn(rig.net, client->id) && !gh_net_conn(rig.net, server->id));
    CHECK(!gh_net_conn(rig.net, 0) && !gh_net_conn(rig.net, UINT64_MAX));
    rig_end();
}

/* 10,000 messages each way at once, in order, whole. */
static void many_messages_each_way(void)
{
    uint64_t hash[2] = { RIG_HASH_START, RIG_HASH_START };
    struct peer *side[2];
    size_t sent = 0;
    char text[600];

    rig_begin(NULL, NULL, NULL);
    side[0] = pair(&side[1]);
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < MESSAGES; i++) {
        size_t len = 20 + (size_t)(i * 7919 % 580);

        for (int s = 0; s < 2; s++) {
            snprintf(text, 20, "%d from %d", i, s);
            hash[s] = rig_hash(hash[s], text, len);
            if (rig_send(side[s], text, len))
                CHECK(false);
        }
        sent += len;
    }
    rig_turn_until(side[0]->got >= sent && side[1]->got >= sent);
    CHECK(side[0]->got == sent && side[1]->got == sent);
    CHECK(side[0]->hash == hash[1]);
    CHECK(side[1]->hash == hash[0]);
    rig_end();
}

static void generations_are_checked(void)
{
    struct peer *client, *server;
    struct gh_buf buf = { 0 };

    rig_begin(NULL, NULL, NULL);
    client = pair(&server);
    gh_buf_str(&buf, "x");
    CHECK_INT(gh_conn_send(client->conn, 2, &buf), GH_ESTALE);
    CHECK(!buf.p);
    gh_buf_str(&buf, "x");
    CHECK_INT(gh_conn_send(client->conn, 0, &buf), GH_ESTALE);
    CHECK(!buf.p);
    gh_conn_set_generation(client->conn, 0);
    gh_buf_str(&buf, "x");
    CHECK_INT(gh_conn_send(client->conn, 0, &buf),
              GH_ESTALE); /* 0 is not a standing, even when both say it */
    gh_buf_str(&buf, "x");
    CHECK_INT(gh_conn_send(client->conn, 1, &buf), GH_ESTALE);
    gh_conn_set_generation(client->conn, 9);
    gh_buf_str(&buf, "nine");
    CHECK_INT(gh_conn_send(client->conn, 9, &buf), 0);
    CHECK_INT(gh_conn_send(client->conn, 9, &buf), 0); /* nothing to send is fine */
    rig_turn_until(server->got == 4);
    CHECK_STR(server->head, "nine");
    rig_end();
}

/* Half a message is never sent: the buffer's sticky error stops it. */
static void a_broken_buffer_is_not_sent(void)
{
    struct peer *client, *server;
    struct gh_buf buf = { .limit = 4 };

    rig_begin(NULL, NULL, NULL);
    client = pair(&server);
    gh_buf_str(&buf, "INVI");
    gh_buf_str(&buf, "TE");
    CHECK_INT(gh_conn_send(client->conn, 1, &buf), GH_ELIMIT);
    CHECK(!buf.p);
    CHECK_INT(rig_send(client, "whole", 5), 0);
    rig_turn_until(server->got >= 5);
    CHECK_STR(server->head, "whole");
    rig_end();
}

static void nothing_is_sent_before_up_or_after_close(void)
{
    struct peer *client, *server;

    rig_begin(NULL, NULL, NULL);
    client = rig_connect();
    gh_conn_set_generation(client->conn, 1);
    CHECK_INT(rig_send(client, "x", 1), GH_ECLOSED);
    rig_turn_until(rig.ups == 2);
    server = rig_incoming();
    CHECK_INT(rig_send(client, "last", 4), 0);
    gh_conn_close(client->conn, GH_REASON_OPERATOR);
    gh_conn_close(client->conn, GH_REASON_INTERNAL); /* the first counts */
    CHECK_INT(rig_send(client, "x", 1), GH_ECLOSED);
    rig.orders.try_send_in_down = true;
    rig_turn_until(rig.downs == 2);
    CHECK_INT(rig.orders.send_in_down, GH_ECLOSED);
    CHECK_INT(client->end.reason, GH_REASON_OPERATOR);
    CHECK_STR(server->head, "last");
    rig_end();
}

/* What was queued when the connection was closed still arrives, all of it. */
static void close_flushes(void)
{
    size_t big = 8 << 20;
    char *text = malloc(big);
    struct peer *client, *server;

    CHECK_OR_STOP(text != NULL);
    memset(text, 'q', big);
    rig_begin(NULL, NULL, NULL);
    client = pair(&server);
    CHECK_INT(rig_send(client, text, big), 0);
    gh_conn_close(client->conn, GH_REASON_OPERATOR);
    rig_turn_until(rig.downs == 2);
    CHECK(server->got == big);
    CHECK_INT(server->end.reason, GH_REASON_NONE);
    rig_end();
    free(text);
}

/* Bug class: closing with unread octets makes the kernel reset, which can overtake our last answer.
 */
static void the_last_answer_survives_unread_octets(void)
{
    char answer[16] = { 0 }, junk[30000] = { 0 };
    size_t got = 0;
    int fd;

    rig_begin(NULL, NULL, NULL);
    rig.orders.echo = rig.orders.close_in_octets = true;
    fd = raw_connect(&rig.at);
    CHECK_INT(send(fd, "403", 3, 0), 3);
    rig_turn_until(rig.count && rig_incoming()->got == 3);
    CHECK(send(fd, junk, sizeof(junk), 0) > 0);
    rig_turn(); /* thrown away, not handed on */
    shutdown(fd, SHUT_WR);
    rig_turn_until(rig.downs == 1);
    for (ssize_t n; (n = recv(fd, answer + got, sizeof(answer) - 1 - got, 0)) != 0;
         got += (size_t)n)
        CHECK_OR_STOP(n > 0); /* a reset would say ECONNRESET */
    CHECK_STR(answer, "403");
    CHECK_INT(rig_incoming()->got, 3);
    close(fd);
    rig_end();
}

static void a_peer_that_never_closes_is_reset(void)
{
    int fd;

    rig_begin(NULL, NULL, NULL);
    fd = raw_connect(&rig.at);
    rig_turn_until(rig.ups == 1);
    gh_conn_close(rig_incoming()->conn, GH_REASON_OPERATOR);
    rig_turn_until(rig.downs == 1);
    CHECK_INT(rig_incoming()->end.reason, GH_REASON_OPERATOR);
    CHECK_INT(send(fd, "x", 1, MSG_NOSIGNAL), -1);
    CHECK(errno == ECONNRESET || errno == EPIPE);
    close(fd);
    rig_end();
}

static void a_slow_reader_is_let_go(void)
{
    struct gh_net_limits limits = rig_limits();
    char text[10000] = { 0 };
    int err = 0, fd, sends = 0;
    struct peer *server;

    limits.max_queued = 50000;
    rig_begin(&limits, NULL, NULL);
    fd = raw_connect(&rig.at);
    rig_turn_until(rig.ups == 1);
    server = rig_incoming();
    for (; !err && sends < 100000; sends++)
        err = rig_send(server, text, sizeof(text));
    CHECK_INT(err, GH_EFULL);
    CHECK(sends > 5); /* the kernel's buffers and 50,000 octets of ours */
    CHECK_INT(rig_send(server, text, 1), GH_ECLOSED);
    CHECK_INT(server->downs, 0); /* never from inside */
    rig_turn_until(server->downs);
    CHECK_INT(server->end.reason, GH_REASON_CONNECTION_LOST);
    CHECK_INT(server->end.err, GH_EFULL);
    CHECK(server->end.was_up);
    close(fd);
    rig_end();
}

static void a_reset_is_told(void)
{
    int fd;

    rig_begin(NULL, NULL, NULL);
    fd = raw_connect(&rig.at);
    rig_turn_until(rig.ups == 1);
    raw_reset(fd);
    rig_turn_until(rig.downs == 1);
    CHECK_INT(rig_incoming()->end.reason, GH_REASON_CONNECTION_LOST);
    CHECK_INT(rig_incoming()->end.err, -ECONNRESET);
    CHECK(rig_incoming()->end.was_up);
    rig_end();
}

/* Bug class: libuv takes the hang-up that a reset is for an end of file when octets came with it.
 */
static void a_reset_behind_octets_is_no_orderly_end(void)
{
    int fd;

    rig_begin(NULL, NULL, NULL);
    fd = raw_connect(&rig.at);
    rig_turn_until(rig.ups == 1);
    CHECK_INT(send(fd, "BYE", 3, 0), 3);
    raw_reset(fd);
    rig_turn_until(rig.downs == 1);
    CHECK_STR(rig_incoming()->head, "BYE");
    CHECK_INT(rig_incoming()->end.reason, GH_REASON_CONNECTION_LOST);
    CHECK_INT(rig_incoming()->end.err, -ECONNRESET);
    rig_end();
}

/* Octets that came before a reset are handed on, also when our own writing noticed the reset first.
 */
static void what_came_before_a_reset_counts(void)
{
    struct peer *server;
    int fd;

    rig_begin(NULL, NULL, NULL);
    fd = raw_connect(&rig.at);
    rig_turn_until(rig.ups == 1);
    server = rig_incoming();
    CHECK_INT(send(fd, "BYE", 3, 0), 3);
    close(fd);
    CHECK_INT(rig_send(server, "x", 1), 0); /* the peer's kernel resets */
    for (int i = 0; i < 1000 && rig_send(server, "x", 1) == 0; i++)
        ;
    CHECK_INT(rig_send(server, "x", 1), GH_ECLOSED);
    rig_turn_until(rig.downs == 1);
    CHECK_STR(server->head, "BYE");
    CHECK_INT(server->end.reason, GH_REASON_CONNECTION_LOST);
    rig_end();
}

static void refused_and_unreachable(void)
{
    struct gh_net_connect want = { .transport = GH_TRANSPORT_TCP };
    struct gh_conn *conn = NULL;
    struct gh_addr nobody;
    struct peer *client;
    int fd = raw_listen(&nobody, 1), err;

    close(fd); /* now nobody listens there */
    rig_begin(NULL, NULL, NULL);
    client = rig_connect_to(&nobody);
    CHECK_INT(client->downs, 0);
    rig_turn_until(client->downs);
    CHECK_INT(client->end.reason, GH_REASON_CONNECTION_LOST);
    CHECK_INT(client->end.err, -ECONNREFUSED);
    CHECK(!client->end.was_up && client->ups == 0);
    CHECK(gh_addr_eq(&client->end.facts->peer, &nobody));
    /* 255.255.255.255 is no destination for TCP: the kernel says so at once or later, but says so.
     */
    gh_addr_parse_ip(GH_SPAN("255.255.255.255"), 5060, &want.to);
    err = gh_net_connect(rig.net, &want, &conn);
    CHECK(err < 0);
    CHECK(!conn);
    rig_end();
}

static void a_silent_host_times_out(void)
{
    struct gh_net_limits limits = rig_limits();
    struct peer *client;
    struct gh_addr at;
    int full[8], listener = raw_listen(&at, 0);

    /* A listener whose backlog is full answers no SYN: nothing else on loopback is as silent. */
    for (size_t i = 0; i < 8; i++) {
        struct sockaddr_storage ss;
        socklen_t len = gh_addr_to_sockaddr(&at, &ss);

        full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(full[i], (const struct sockaddr *)&ss, len);
    }
    limits.handshake_timeout_ms = 30;
    rig_begin(&limits, NULL, NULL);
    client = rig_connect_to(&at);
    rig_turn_until(client->downs);
    CHECK_INT(client->end.reason, GH_REASON_CONNECTION_LOST);
    CHECK_INT(client->end.err, -ETIMEDOUT);
    CHECK(!client->end.was_up);
    rig_end();
    for (size_t i = 0; i < 8; i++)
        close(full[i]);
    close(listener);
}

static void first_message_deadline(void)
{
    struct gh_net_limits limits = rig_limits();
    struct peer *client, *server;
    int fd;

    limits.first_message_timeout_ms = 30;
    rig_begin(&limits, NULL, NULL);
    client = pair(&server);
    rig_turn_until(server->downs);
    CHECK_INT(server->end.reason, GH_REASON_CONNECTION_LOST);
    CHECK_INT(server->end.err, -ETIMEDOUT);
    CHECK_STR(server->end.text, "no message came in time");
    rig_turn_until(client->downs);
    CHECK_INT(client->end.reason, GH_REASON_NONE);
    /* Octets that are no message do not help. */
    fd = raw_connect(&rig.at);
    CHECK_INT(send(fd, "\r\n", 2, 0), 2);
    rig_turn_until(rig.downs == 3);
    CHECK_STR(rig_incoming()->end.text, "no message came in time");
    CHECK_INT(rig_incoming()->got, 2);
    close(fd);
    rig_end();
}

static void idle_deadline(void)
{
    struct gh_net_limits limits = rig_limits();
    struct peer *client, *server;

    limits.first_message_timeout_ms = limits.idle_timeout_ms = 40;
    rig_begin(&limits, NULL, NULL);
    rig.orders.mark_used = true;
    client = pair(&server);
    CHECK_INT(rig_send(client, "x", 1), 0);
    rig_turn_until(server->downs);
    CHECK_STR(server->end.text, "idle");
    CHECK_INT(server->end.err, -ETIMEDOUT);
    CHECK_INT(server->got, 1);
    rig_turn_until(client->downs);
    CHECK_INT(client->end.reason, GH_REASON_NONE); /* no idle deadline for what we opened */
    rig_end();
}

static void up_may_refuse(void)
{
    struct peer *client;

    rig_begin(NULL, NULL, NULL);
    rig.orders.refuse = true;
    client = rig_connect();
    rig_turn_until(rig.downs == 2);
    CHECK(!rig_incoming()->end.was_up);
    CHECK_INT(rig_incoming()->end.reason, GH_REASON_NONE);
    CHECK_INT(rig_incoming()->ups, 1);
    CHECK(client->end.was_up);
    rig.orders.refuse_reason = true;
    client = rig_connect();
    rig_turn_until(rig.downs == 4);
    CHECK(!rig_incoming()->end.was_up);
    CHECK_INT(rig_incoming()->end.reason, GH_REASON_SHUTTING_DOWN);
    rig_end();
}

/* Each callback closes its own connection, or all of them. */
static void callbacks_may_close(void)
{
    static const struct rig_orders rows[] = {
        { .close_in_up = true },
        { .close_all_in_up = true },
        { .close_in_octets = true, .hello = true },
        { .close_all_in_octets = true, .hello = true },
        { .close_all_in_down = true, .close_in_octets = true, .hello = true },
        { .close_all_in_up = true, .close_all_in_down = true },
        { .reconnect_in_down = true, .close_in_up = true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rig_begin(NULL, NULL, NULL);
        rig.orders = rows[i];
        for (int n = 0; n < 5; n++)
            rig_connect();
        rig_turn_until(rig.downs >= 5 && (size_t)rig.downs == rig.count);
        CHECK(rig.count >= 5 + (rows[i].reconnect_in_down ? 1 : 0));
        rig_end();
    }
}

static void closing_before_up(void)
{
    struct peer *client;

    rig_begin(NULL, NULL, NULL);
    client = rig_connect();
    gh_conn_close(client->conn, GH_REASON_OPERATOR);
    CHECK_INT(client->downs, 0);
    rig_turn_until(client->downs);
    CHECK_INT(client->end.reason, GH_REASON_OPERATOR);
    CHECK(!client->end.was_up && client->ups == 0);
    rig_end();
}

/* The net is closed with connections in every state. */
static void net_closes_with_everything_open(void)
{
    struct gh_net_connect want = { .transport = GH_TRANSPORT_TCP };
    struct gh_net_listener at = { .index = 1, .transport = GH_TRANSPORT_TCP };
    struct peer *client, *server;
    struct gh_conn *conn;

    rig_begin(NULL, NULL, NULL);
    client = pair(&server);
    rig_connect();
    gh_net_close(rig.net);
    want.to = rig.at;
    at.address = rig.at;
    CHECK_INT(gh_net_connect(rig.net, &want, &conn), GH_ECLOSED);
    CHECK_INT(gh_net_listen(rig.net, &at, NULL), GH_ECLOSED);
    CHECK_INT(rig.downs, 0);
    rig_turn_until((size_t)rig.downs == rig.count);
    CHECK_INT(client->end.reason, GH_REASON_NONE);
    CHECK(client->end.was_up && server->end.was_up);
    rig_end();
}

static void arguments_are_checked(void)
{
    struct gh_net_limits limits = rig_limits(), none = { 0 };
    struct gh_net_handlers handlers = { 0 };
    struct gh_net_connect want = { .transport = GH_TRANSPORT_TCP };
    struct gh_net *net = NULL;
    struct gh_conn *conn = NULL;

    rig_begin(NULL, NULL, NULL);
    CHECK_INT(gh_net_new(&net, rig.loop, &limits, &handlers), GH_EINVAL);
    CHECK(!net);
    CHECK_INT(gh_net_set_limits(rig.net, &none), GH_EINVAL);
    CHECK_INT(gh_net_set_limits(rig.net, &limits), 0);
    CHECK_INT(gh_net_connect(rig.net, &want, &conn), GH_EINVAL); /* no address */
    want.to = rig.at;
    want.transport = GH_TRANSPORT_TLS;                           /* no context */
    CHECK_INT(gh_net_connect(rig.net, &want, &conn), GH_EINVAL);
    want.transport = GH_TRANSPORT_UDP;
    CHECK_INT(gh_net_connect(rig.net, &want, &conn), GH_EINVAL);
    want.transport = GH_TRANSPORT_TCP;
    gh_addr_parse_ip(GH_SPAN("::1"), 0, &want.from);             /* other family */
    CHECK_INT(gh_net_connect(rig.net, &want, &conn), GH_EINVAL);
    want.to.port = 0;
    want.from.family = 0;
    CHECK_INT(gh_net_connect(rig.net, &want, &conn), GH_EINVAL);
    CHECK(!conn);
    rig_end();
}

static void source_address_is_used(void)
{
    struct gh_net_connect want = { .transport = GH_TRANSPORT_TCP };
    struct gh_conn *conn = NULL;

    rig_begin(NULL, NULL, NULL);
    want.to = rig.at;
    gh_addr_parse_ip(GH_SPAN("127.0.0.9"), 0, &want.from);
    CHECK_INT(gh_net_connect(rig.net, &want, &conn), 0);
    rig_turn_until(rig.ups == 2);
    CHECK(gh_addr_same_ip(&gh_conn_facts(rig_incoming()->conn)->peer, &want.from));
    CHECK(gh_addr_same_ip(&gh_conn_facts(conn)->local, &want.from));
    gh_conn_close(conn, GH_REASON_NONE);
    rig_turn_until(rig.downs == 2);
    /* An address that is not ours. */
    gh_addr_parse_ip(GH_SPAN("192.0.2.1"), 0, &want.from);
    CHECK_INT(gh_net_connect(rig.net, &want, &conn), -EADDRNOTAVAIL);
    rig_end();
}

#if GH_ALLOC_CAN_FAIL
/* Whichever allocation fails: an error and no callback, or one down. */
static void out_of_memory_anywhere(void)
{
    long tried = 0;

    for (long n = 1;; n++) {
        struct gh_net_connect want = { .transport = GH_TRANSPORT_TCP };
        struct gh_conn *conn = NULL;
        bool failed;
        int err;

        rig_begin(NULL, NULL, NULL);
        want.to = rig.at;
        alloc_fail_at(n);
        err = gh_net_connect(rig.net, &want, &conn);
        while (!err && rig.ups + rig.downs < 2) {
            struct gh_net_counters counters;

            gh_loop_turn(rig.loop);
            gh_net_counters(rig.net, &counters);
            if (counters.accept_failures)
                break; /* the incoming one failed before anybody knew it */
        }
        failed = alloc_failed();
        if (failed) {
            tried++;
            if (err)
                CHECK(!conn);
        }
        rig_end();
        if (!failed)
            break;
    }
    CHECK(tried >= 3);
}
#endif

int main(void)
{
    RUN(a_pair_talks);
    RUN(many_messages_each_way);
    RUN(generations_are_checked);
    RUN(a_broken_buffer_is_not_sent);
    RUN(nothing_is_sent_before_up_or_after_close);
    RUN(close_flushes);
    RUN(the_last_answer_survives_unread_octets);
    RUN(a_peer_that_never_closes_is_reset);
    RUN(a_slow_reader_is_let_go);
    RUN(a_reset_is_told);
    RUN(a_reset_behind_octets_is_no_orderly_end);
    RUN(what_came_before_a_reset_counts);
    RUN(refused_and_unreachable);
    RUN(a_silent_host_times_out);
    RUN(first_message_deadline);
    RUN(idle_deadline);
    RUN(up_may_refuse);
    RUN(callbacks_may_close);
    RUN(closing_before_up);
    RUN(net_closes_with_everything_open);
    RUN(arguments_are_checked);
    RUN(source_address_is_used);
#if GH_ALLOC_CAN_FAIL
    RUN(out_of_memory_anywhere);
#endif
    return CHECK_REPORT();
}
