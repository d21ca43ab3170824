/* SPDX-License-Identifier: Apache-2.0 */
/* Connections over TLS: facts, refusals with their reasons, hostile peers, limits. */
#include "support_net.h"
#include "support_tls.h"

#include <unistd.h>

#include "support/alloc_fail.h"

#define MESSAGES 10000
#define MANY 500

static struct peer *pair(struct peer **other)
{
    struct peer *one = rig_connect();
    int ups = rig.ups;

    rig_turn_until(rig.ups == ups + 2);
    *other = rig_incoming();
    return one;
}

/* ---- the good case --------------------------------------------------------------- */

static void a_pair_talks(void)
{
    struct peer *one, *other;
    const struct gh_conn_facts *facts;

    rig_begin(NULL, server, client);
    rig.orders.echo = true;
    rig.orders.hello = true;
    one = pair(&other);
    CHECK(one->chain && other->chain);
    facts = gh_conn_facts(other->conn);
    CHECK_INT(facts->transport, GH_TRANSPORT_TLS);
    CHECK_INT(facts->role, GH_ROLE_SERVER);
    CHECK_INT(facts->version, GH_TLS_1_3);
    CHECK_INT(facts->cipher_kind, GH_CIPHER_ENCRYPTING);
    CHECK(facts->forward_secret && facts->peer_cert);
    CHECK(strstr(facts->cert.subject, "CN=client") != NULL);
    CHECK(gh_addr_eq(&facts->peer, &gh_conn_facts(one->conn)->local));
    CHECK(strstr(gh_conn_facts(one->conn)->cert.subject, "CN=server") != NULL);
    rig_turn_until(one->got == 5);
    CHECK_STR(other->head, "hello");
    CHECK_STR(one->head, "hello");
    gh_conn_close(other->conn, GH_REASON_OPERATOR);
    rig_turn_until(rig.downs == 2);
    CHECK_INT(one->end.reason, GH_REASON_NONE);
    CHECK_STR(one->end.text, "closed by the peer");
    CHECK_INT(other->end.reason, GH_REASON_OPERATOR);
    CHECK(strstr(other->leaf, "CN=client") != NULL);
    rig_end();
}

static void many_messages_each_way(void)
{
    uint64_t hash[2] = { RIG_HASH_START, RIG_HASH_START };
    struct peer *side[2];
    size_t sent = 0;
    char text[600];

    rig_begin(NULL, server, client);
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

static void many_connections(void)
{
    struct gh_net_counters counters;
    size_t echoed = 0;

    rig_begin(NULL, server, client);
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
    CHECK_INT(rig.downs, 0);
    gh_net_counters(rig.net, &counters);
    CHECK_INT(counters.incoming, MANY);
    CHECK_INT(counters.accepted, MANY);
    for (size_t i = 0; i < rig.count; i++) {
        if (gh_net_conn(rig.net, rig.peers[i].id) != rig.peers[i].conn)
            CHECK(false);
    }
    rig_end();
}

static void close_flushes(void)
{
    size_t big = 8 << 20;
    char *text = malloc(big);
    struct peer *one, *other;

    CHECK_OR_STOP(text != NULL);
    memset(text, 'q', big);
    rig_begin(NULL, server, client);
    one = pair(&other);
    CHECK_INT(rig_send(one, text, big), 0);
    gh_conn_close(one->conn, GH_REASON_OPERATOR);
    rig_turn_until(rig.downs == 2);
    CHECK(other->got == big);
    CHECK_INT(other->end.reason, GH_REASON_NONE);
    rig_end();
    free(text);
}

static void a_reload_changes_the_certificate(void)
{
    struct peer *one, *other;

    rig_begin(NULL, server, client);
    one = pair(&other);
    CHECK(strstr(gh_conn_facts(one->conn)->cert.subject, "CN=server") != NULL);
    CHECK_INT(gh_net_listener_set_tls(rig.net, RIG_LISTENER, server_two), 0);
    CHECK_INT(gh_net_listener_set_tls(rig.net, RIG_LISTENER, NULL), GH_EINVAL);
    CHECK_INT(gh_net_listener_set_tls(rig.net, 99, server_two), GH_ENOTFOUND);
    CHECK_INT(rig_send(one, "still up", 8), 0);
    rig_turn_until(other->got == 8);
    one = pair(&other);
    CHECK(strstr(gh_conn_facts(one->conn)->cert.subject, "CN=server-two") != NULL);
    rig_end();
}

/* ---- refusals -------------------------------------------------------------------- */

/* RFC 8446 section 4.4.2.4: the client is up before the server has judged its certificate. */
static void we_refuse_a_client(void)
{
    struct peer *one, *other;

    rig_begin(NULL, server, client_of_stranger);
    one = rig_connect();
    rig_turn_until(rig.downs == 2);
    other = rig_incoming();
    CHECK(!other->end.was_up && other->ups == 0);
    CHECK_INT(other->end.reason, GH_REASON_CERT_INCOMPLETE_CHAIN);
    CHECK(strlen(other->end.text) > 0);
    CHECK(other->facts.peer_cert);
    CHECK(strstr(other->leaf, "CN=odd-client") != NULL);
    CHECK(other->facts.peer.port != 0);
    CHECK_INT(one->end.reason, GH_REASON_TLS_PEER_REFUSED_OURS);
    CHECK(strlen(one->end.text) > 0);
    CHECK(one->end.was_up);
    CHECK(strstr(one->leaf, "CN=server") != NULL);
    rig_end();
}

/* Bug class: we write at once when up, so the server's reset can come before its alert was read. */
static void the_alert_is_read_although_we_wrote(void)
{
    struct peer *one;

    for (int i = 0; i < 20; i++) {
        rig_begin(NULL, server, client_of_stranger);
        rig.orders.hello = true;
        one = rig_connect();
        rig_turn_until(rig.downs == 2);
        CHECK_INT(one->end.reason, GH_REASON_TLS_PEER_REFUSED_OURS);
        CHECK_INT(rig_incoming()->got, 0);
        rig_end();
    }
}

static void we_refuse_a_server(void)
{
    struct peer *one, *other;

    rig_begin(NULL, server_of_stranger, client);
    one = rig_connect();
    rig_turn_until(rig.downs == 2);
    other = rig_incoming();
    CHECK(!one->end.was_up && one->ups == 0);
    CHECK_INT(one->end.reason,
              GH_REASON_CERT_INCOMPLETE_CHAIN); /* its issuer was neither sent nor is known */
    CHECK(strstr(one->leaf, "CN=odd-server") != NULL);
    CHECK(!other->end.was_up && other->ups == 0);
    CHECK_INT(other->end.reason, GH_REASON_TLS_PEER_REFUSED_OURS);
    CHECK(!other->facts.peer_cert);
    rig_end();
}

static void up_may_refuse(void)
{
    struct peer *one;

    rig_begin(NULL, server, client);
    rig.orders.refuse = rig.orders.refuse_reason = true;
    one = rig_connect();
    rig_turn_until(rig.downs == 2);
    CHECK(!rig_incoming()->end.was_up);
    CHECK_INT(rig_incoming()->end.reason, GH_REASON_SHUTTING_DOWN);
    CHECK(strstr(rig_incoming()->leaf, "CN=client") != NULL);
    CHECK_INT(one->end.reason, GH_REASON_NONE);
    rig_end();
}

/* ---- peers that misbehave -------------------------------------------------------- */

static void plaintext_to_a_tls_port(void)
{
    static const char text[] =
        "OPTIONS sip:pbx.example.net SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1\r\n\r\n";
    int fd;

    rig_begin(NULL, server, NULL);
    fd = raw_connect(&rig.at);
    CHECK(send(fd, text, sizeof(text) - 1, 0) > 0);
    shutdown(fd, SHUT_WR);
    rig_turn_until(rig.downs == 1);
    CHECK_INT(rig_incoming()->end.reason, GH_REASON_TLS_NOT_TLS);
    CHECK(!rig_incoming()->end.was_up && rig_incoming()->got == 0);
    close(fd);
    rig_end();
}

static void tls_to_a_plaintext_port(void)
{
    struct gh_addr at;
    int listener = raw_listen(&at, 5), fd;
    struct peer *one;

    rig_begin(NULL, server, client);
    one = rig_connect_to(&at);
    fd = accept(listener, NULL, NULL);
    CHECK(send(fd, "SIP/2.0 400 Bad Request\r\n\r\n", 27, 0) == 27);
    shutdown(fd, SHUT_WR);
    rig_turn_until(one->downs);
    CHECK_INT(one->end.reason, GH_REASON_TLS_NOT_TLS);
    CHECK(!one->end.was_up);
    close(fd);
    close(listener);
    rig_end();
}

static void fin_during_the_handshake(void)
{
    /* The first octets of a TLS 1.2 record with a ClientHello of 512 octets (RFC 5246
     * section 6.2.1). */
    static const char some[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc";
    int fd;

    rig_begin(NULL, server, NULL);
    fd = raw_connect(&rig.at);
    close(fd);
    rig_turn_until(rig.downs == 1);
    CHECK_INT(rig_incoming()->end.reason, GH_REASON_TLS_CLOSED);
    CHECK(!rig_incoming()->end.was_up && rig_incoming()->ups == 0);
    fd = raw_connect(&rig.at);
    CHECK(send(fd, some, 9, 0) == 9);
    close(fd);
    rig_turn_until(rig.downs == 2);
    CHECK_INT(rig_incoming()->end.reason, GH_REASON_TLS_CLOSED);
    rig_end();
}

static void reset_during_the_handshake(void)
{
    int fd;

    rig_begin(NULL, server, NULL);
    fd = raw_connect(&rig.at);
    CHECK(send(fd, "\x16\x03\x01", 3, 0) == 3);
    rig_turn();
    raw_reset(fd);
    rig_turn_until(rig.downs == 1);
    CHECK_INT(rig_incoming()->end.reason, GH_REASON_TLS_CLOSED);
    CHECK_INT(rig_incoming()->end.err, -ECONNRESET);
    CHECK(!rig_incoming()->end.was_up);
    rig_end();
}

static void a_server_that_closes_at_once(void)
{
    struct gh_addr at;
    int listener = raw_listen(&at, 5);
    struct peer *one;

    rig_begin(NULL, server, client);
    one = rig_connect_to(&at);
    raw_reset(accept(listener, NULL, NULL));
    rig_turn_until(one->downs);
    CHECK(one->end.reason == GH_REASON_TLS_CLOSED || one->end.reason == GH_REASON_CONNECTION_LOST);
    CHECK(!one->end.was_up);
    close(listener);
    rig_end();
}

static void a_silent_client_times_out(void)
{
    struct gh_net_limits limits = rig_limits();
    struct gh_addr at;
    int listener = raw_listen(&at, 5), fd;
    struct peer *one;

    limits.handshake_timeout_ms = 30;
    rig_begin(&limits, server, client);
    fd = raw_connect(&rig.at);
    rig_turn_until(rig.downs == 1);
    CHECK_INT(rig_incoming()->end.reason, GH_REASON_TLS_TIMEOUT);
    CHECK_INT(rig_incoming()->end.err, -ETIMEDOUT);
    CHECK(!rig_incoming()->end.was_up);
    close(fd);
    /* The same for a server that accepts and says nothing. */
    one = rig_connect_to(&at);
    rig_turn_until(one->downs);
    CHECK_INT(one->end.reason, GH_REASON_TLS_TIMEOUT);
    CHECK(!one->end.was_up);
    close(listener);
    rig_end();
}

/* An octet now and then does not prolong the handshake. */
static void a_dripping_client_times_out(void)
{
    struct gh_net_limits limits = rig_limits();
    int fd;

    limits.handshake_timeout_ms = 50;
    rig_begin(&limits, server, NULL);
    fd = raw_connect(&rig.at);
    CHECK(send(fd, "\x16\x03\x01\x40\x00\x01", 6, 0) == 6);
    while (rig.downs == 0) {
        send(fd, "x", 1, MSG_NOSIGNAL);
        rig_turn();
    }
    CHECK_INT(rig_incoming()->end.reason, GH_REASON_TLS_TIMEOUT);
    close(fd);
    rig_end();
}

static void data_and_close_in_one_segment(void)
{
    struct raw_tls raw;

    rig_begin(NULL, server, NULL);
    raw = raw_tls_up();
    CHECK_INT(rig.ups, 1);
    CHECK_INT(gh_tls_write(raw.tls, (const uint8_t *)"BYE", 3), 0);
    gh_tls_shutdown(raw.tls);
    raw_tls_flush(&raw);
    shutdown(raw.fd, SHUT_WR);
    rig_turn_until(rig.downs == 1);
    CHECK_STR(rig_incoming()->head, "BYE");
    CHECK_INT(rig_incoming()->end.reason, GH_REASON_NONE);
    CHECK(rig_incoming()->end.was_up);
    raw_tls_end(&raw);
    rig_end();
}

/* RFC 8446 section 6.1; SIP over streams says its length, so a FIN alone is an orderly end. */
static void fin_without_close_notify(void)
{
    struct raw_tls raw;

    rig_begin(NULL, server, NULL);
    raw = raw_tls_up();
    CHECK_INT(gh_tls_write(raw.tls, (const uint8_t *)"BYE", 3), 0);
    raw_tls_flush(&raw);
    shutdown(raw.fd, SHUT_WR);
    rig_turn_until(rig.downs == 1);
    CHECK_STR(rig_incoming()->head, "BYE");
    CHECK_INT(rig_incoming()->end.reason, GH_REASON_NONE);
    raw_tls_end(&raw);
    rig_end();
}

/* Half a record is never handed on. */
static void fin_in_the_middle_of_a_record(void)
{
    struct raw_tls raw;
    uint8_t record[256];
    size_t len;

    rig_begin(NULL, server, NULL);
    raw = raw_tls_up();
    CHECK_INT(gh_tls_write(raw.tls, (const uint8_t *)"INVITE", 6), 0);
    len = gh_tls_output(raw.tls, record, sizeof(record));
    CHECK(len > 10 && send(raw.fd, record, len - 1, 0) == (ssize_t)len - 1);
    shutdown(raw.fd, SHUT_WR);
    rig_turn_until(rig.downs == 1);
    CHECK_INT(rig_incoming()->got, 0);
    CHECK(rig_incoming()->end.was_up);
    raw_tls_end(&raw);
    rig_end();
}

static void a_forged_record_ends_it(void)
{
    struct raw_tls raw;
    uint8_t record[256];
    size_t len;

    rig_begin(NULL, server, NULL);
    raw = raw_tls_up();
    CHECK_INT(gh_tls_write(raw.tls, (const uint8_t *)"INVITE", 6), 0);
    len = gh_tls_output(raw.tls, record, sizeof(record));
    record[len - 1] ^= 1;
    CHECK(send(raw.fd, record, len, 0) == (ssize_t)len);
    shutdown(raw.fd, SHUT_WR);
    rig_turn_until(rig.downs == 1);
    CHECK_INT(rig_incoming()->got, 0);
    CHECK_INT(rig_incoming()->end.reason, GH_REASON_CONNECTION_LOST);
    CHECK(strlen(rig_incoming()->end.text) > 0);
    raw_tls_end(&raw);
    rig_end();
}

static void a_slow_reader_is_let_go(void)
{
    struct gh_net_limits limits = rig_limits();
    char text[10000] = { 0 };
    struct raw_tls raw;
    int err = 0, sends = 0;

    limits.max_queued = 50000;
    rig_begin(&limits, server, NULL);
    raw = raw_tls_up();
    for (; !err && sends < 100000; sends++)
        err = rig_send(rig_incoming(), text, sizeof(text));
    CHECK_INT(err, GH_EFULL);
    CHECK(sends > 5);
    CHECK_INT(rig_send(rig_incoming(), text, 1), GH_ECLOSED);
    rig_turn_until(rig.downs == 1);
    CHECK_INT(rig_incoming()->end.err, GH_EFULL);
    raw_tls_end(&raw);
    rig_end();
}

static void callbacks_may_close(void)
{
    static const struct rig_orders rows[] = {
        { .close_in_up = true },
        { .close_all_in_up = true },
        { .close_in_octets = true, .hello = true },
        { .close_all_in_octets = true, .hello = true },
        { .close_all_in_down = true, .close_in_octets = true, .hello = true },
        { .close_all_in_up = true, .close_all_in_down = true, .hello = true },
        { .reconnect_in_down = true, .close_in_up = true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rig_begin(NULL, server, client);
        rig.orders = rows[i];
        for (int n = 0; n < 5; n++)
            rig_connect();
        rig_turn_until(rig.downs >= 5 && (size_t)rig.downs == rig.count);
        CHECK(rig.count >= 5 + (rows[i].reconnect_in_down ? 1 : 0));
        rig_end();
    }
}

/* Closed after each number of turns: in whatever state it is then, both ends come down once. */
static void closing_in_every_state(void)
{
    for (int turns = 0; turns < 12; turns++) {
        struct peer *one;

        rig_begin(NULL, server, client);
        one = rig_connect();
        for (int i = 0; i < turns && rig.ups < 2; i++)
            rig_turn();
        if (one->conn)
            gh_conn_close(one->conn, GH_REASON_OPERATOR);
        rig_turn_until(one->downs);
        CHECK_INT(one->end.reason, GH_REASON_OPERATOR);
        CHECK_INT(one->end.was_up, one->ups == 1);
        rig_end();
    }
}

static void net_closes_during_handshakes(void)
{
    for (int turns = 0; turns < 12; turns++) {
        rig_begin(NULL, server, client);
        for (int i = 0; i < 5; i++)
            rig_connect();
        for (int i = 0; i < turns && rig.ups < 10; i++)
            rig_turn();
        gh_net_close(rig.net);
        CHECK_INT(rig.downs, 0);
        rig_end();
    }
}

#if GH_ALLOC_CAN_FAIL
static void out_of_memory_anywhere(void)
{
    long tried = 0;

    for (long n = 1;; n++) {
        struct gh_net_connect want = { .transport = GH_TRANSPORT_TLS, .tls = client };
        struct gh_net_counters counters = { 0 };
        struct gh_conn *conn = NULL;
        bool failed;
        int err;

        rig_begin(NULL, server, client);
        want.to = rig.at;
        alloc_fail_at(n);
        err = gh_net_connect(rig.net, &want, &conn);
        while (!err && rig.ups + rig.downs < 2 && !counters.accept_failures) {
            gh_loop_turn(rig.loop);
            gh_net_counters(rig.net, &counters);
        }
        failed = alloc_failed();
        tried += failed;
        if (err)
            CHECK(!conn);
        rig_end();
        if (!failed)
            break;
    }
    CHECK(tried >= 8);
}
#endif

int main(void)
{
    tls_contexts_make();
    RUN(a_pair_talks);
    RUN(many_messages_each_way);
    RUN(many_connections);
    RUN(close_flushes);
    RUN(a_reload_changes_the_certificate);
    RUN(we_refuse_a_client);
    RUN(the_alert_is_read_although_we_wrote);
    RUN(we_refuse_a_server);
    RUN(up_may_refuse);
    RUN(plaintext_to_a_tls_port);
    RUN(tls_to_a_plaintext_port);
    RUN(fin_during_the_handshake);
    RUN(reset_during_the_handshake);
    RUN(a_server_that_closes_at_once);
    RUN(a_silent_client_times_out);
    RUN(a_dripping_client_times_out);
    RUN(data_and_close_in_one_segment);
    RUN(fin_without_close_notify);
    RUN(fin_in_the_middle_of_a_record);
    RUN(a_forged_record_ends_it);
    RUN(a_slow_reader_is_let_go);
    RUN(callbacks_may_close);
    RUN(closing_in_every_state);
    RUN(net_closes_during_handshakes);
#if GH_ALLOC_CAN_FAIL
    RUN(out_of_memory_anywhere);
#endif
    tls_contexts_free();
    return CHECK_REPORT();
}
