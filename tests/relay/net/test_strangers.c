/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that nobody has admitted get a share of the slots and little time, so that they
 * cannot keep neighbours out.  Every peer has a loopback address of its own.
 */
#include "support_net.h"
#include "support_tls.h"

#include <unistd.h>

#define NEIGHBOUR "127.0.0.99"

static struct gh_net_counters counters(void)
{
    struct gh_net_counters out;

    gh_net_counters(rig.net, &out);
    return out;
}

/* Room for six; three strangers. */
static void begin(bool admission, struct gh_net_limits limits)
{
    limits.max_connections = 6;
    limits.max_strangers = 3;
    rig_begin(&limits, NULL, NULL);
    rig.orders.no_admission = !admission;
    gh_addr_parse_ip(GH_SPAN(NEIGHBOUR), 0, &rig.known);
}

/* Connect from 127.0.0.@last.  @return the socket, with the connection up */
static int arrive(unsigned last)
{
    int ups = rig.ups, fd;
    char from[16];

    snprintf(from, sizeof(from), "127.0.0.%u", last);
    fd = raw_connect_from(&rig.at, from);
    rig_turn_until(rig.ups == ups + 1);
    return fd;
}

static void leave(int fd)
{
    int downs = rig.downs;

    close(fd);
    rig_turn_until(rig.downs == downs + 1);
}

static void strangers_have_a_share(void)
{
    int fd[3], refused, mine[3];

    begin(false, rig_limits());
    for (unsigned i = 0; i < 3; i++)
        fd[i] = arrive(11 + i);
    CHECK_INT(counters().strangers, 3);
    refused = raw_connect_from(&rig.at, "127.0.0.14");
    CHECK(raw_wait_closed(refused));
    close(refused);
    CHECK_INT(counters().refused_strangers, 1);
    CHECK_INT(counters().refused_total, 0);
    /* Neighbours come in all the same, up to the cap of all. */
    for (unsigned i = 0; i < 3; i++)
        mine[i] = arrive(99);
    CHECK_INT(counters().incoming, 6);
    CHECK_INT(counters().strangers, 3);
    refused = raw_connect_from(&rig.at, NEIGHBOUR);
    CHECK(raw_wait_closed(refused));
    close(refused);
    CHECK_INT(counters().refused_total, 1);
    CHECK_INT(counters().refused_strangers, 1);
    /* A stranger goes, a stranger may come. */
    leave(fd[0]);
    CHECK_INT(counters().strangers, 2);
    fd[0] = arrive(15);
    for (unsigned i = 0; i < 3; i++) {
        leave(fd[i]);
        leave(mine[i]);
    }
    CHECK_INT(counters().strangers, 0);
    rig_end();
}

static void one_address_has_a_share_of_that(void)
{
    struct gh_net_limits limits = rig_limits();
    int fd[2], refused, other;

    limits.max_strangers_per_address = 2;
    limits.max_connections_per_address = 3;
    begin(false, limits);
    fd[0] = arrive(11);
    fd[1] = arrive(11);
    refused = raw_connect_from(&rig.at, "127.0.0.11");
    CHECK(raw_wait_closed(refused));
    close(refused);
    CHECK_INT(counters().refused_strangers, 1);
    CHECK_INT(counters().incoming, 2); /* what was refused is not counted */
    gh_addr_parse_ip(GH_SPAN("127.0.0.11"), 0, &rig.known);
    other = arrive(11); /* the third that this address may have */
    leave(other);
    gh_addr_parse_ip(GH_SPAN(NEIGHBOUR), 0, &rig.known);
    other = arrive(12);
    leave(fd[0]);
    fd[0] = arrive(11);
    leave(fd[0]);
    leave(fd[1]);
    leave(other);
    rig_end();
}

static void who_is_admitted_is_no_stranger(void)
{
    int fd[6], refused;

    begin(true, rig_limits());
    for (unsigned i = 0; i < 6; i++)
        fd[i] = arrive(11 + i); /* more than strangers may */
    CHECK_INT(counters().strangers, 0);
    gh_conn_admit(rig_incoming()->conn); /* again: nothing */
    CHECK_INT(counters().strangers, 0);
    for (unsigned i = 0; i < 5; i++)
        leave(fd[i]);
    /* Three strangers, and an address from which an admitted connection stands: 127.0.0.16. */
    rig.orders.no_admission = true;
    for (unsigned i = 0; i < 3; i++)
        fd[i] = arrive(21 + i);
    fd[3] = arrive(16);
    CHECK_INT(counters().strangers, 3);
    leave(fd[3]);
    leave(fd[5]);
    refused = raw_connect_from(&rig.at, "127.0.0.16"); /* it is not known for ever */
    CHECK(raw_wait_closed(refused));
    close(refused);
    for (unsigned i = 0; i < 3; i++)
        leave(fd[i]);
    rig_end();
}

/* Neither talk nor silence keeps a stranger; what was admitted stays as long as it likes. */
static void strangers_have_little_time(void)
{
    struct gh_net_limits limits = rig_limits();
    struct peer *friend;
    int mine, talker, silent;

    limits.stranger_timeout_ms = 30;
    begin(true, limits);
    mine = arrive(31);
    friend = rig_incoming();
    rig.orders.no_admission = true;
    rig.orders.mark_used = true;
    talker = arrive(32);
    CHECK_INT(send(talker, "x", 1, 0), 1);
    silent = arrive(33);
    CHECK(raw_wait_closed(talker));
    close(talker);
    CHECK(raw_wait_closed(silent));
    close(silent);
    rig_turn_until(rig.downs == 2);
    for (size_t i = 0; i < rig.count; i++) {
        if (&rig.peers[i] == friend)
            continue;
        CHECK_INT(rig.peers[i].end.reason, GH_REASON_CONNECTION_LOST);
        CHECK_INT(rig.peers[i].end.err, -ETIMEDOUT);
        CHECK_STR(rig.peers[i].end.text, "not admitted in time");
    }
    /* A neighbour's address that is refused has no more. */
    talker = arrive(99);
    CHECK(raw_wait_closed(talker));
    close(talker);
    rig_turn_until(rig.downs == 3);
    CHECK_STR(rig_incoming()->end.text, "not admitted in time");
    CHECK_INT(friend->downs, 0);
    CHECK_INT(send(mine, "x", 1, 0), 1);
    rig_turn_until(friend->got == 1);
    leave(mine);
    rig_end();
}

/* In the handshake the shorter of the two deadlines counts for strangers. */
static void strangers_in_the_handshake(void)
{
    struct gh_net_limits limits = rig_limits();
    int stranger, neighbour;

    limits.stranger_timeout_ms = 30;
    rig_begin(&limits, server, client);
    gh_addr_parse_ip(GH_SPAN(NEIGHBOUR), 0, &rig.known);
    neighbour = raw_connect_from(&rig.at, NEIGHBOUR);
    stranger = raw_connect_from(&rig.at, "127.0.0.41");
    rig_turn_until(rig.downs == 1);
    CHECK(!gh_addr_same_ip(&rig_incoming()->facts.peer, &rig.known));
    CHECK_INT(rig_incoming()->end.reason, GH_REASON_TLS_TIMEOUT);
    CHECK_INT(counters().incoming, 1);
    close(stranger);
    close(neighbour);
    rig_end();
}

int main(void)
{
    RUN(strangers_have_a_share);
    RUN(one_address_has_a_share_of_that);
    RUN(who_is_admitted_is_no_stranger);
    RUN(strangers_have_little_time);
    tls_contexts_make();
    RUN(strangers_in_the_handshake);
    tls_contexts_free();
    return CHECK_REPORT();
}
