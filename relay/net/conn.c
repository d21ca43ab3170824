/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of one connection: how it begins, its deadlines, how it ends.  The drawing is in
 * net_int.h.
 */
#include "net/dscp.h"
#include "net/net_int.h"

#include <assert.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

/* A peer that lost power is noticed within some minutes on a silent connection, and within timer B
 * of RFC 3261 section 17.1.1.2 when there is something to send. */
#define KEEPALIVE_S 60
#define UNACKED_MAX_MS 32000

static void on_deadline(void *arg, uint64_t now_ms);

static void enter(struct gh_conn *conn, enum gh_conn_state state)
{
    conn->state = state;
}

static uint64_t now_of(const struct gh_conn *conn)
{
    return gh_loop_now_ms(conn->net->loop);
}

/* ---- the end --------------------------------------------------------------------- */

static void free_conn(struct gh_conn *conn)
{
    gh_tls_free(conn->tls);
    gh_cert_facts_fini(&conn->facts.cert);
    free(conn);
}

static bool is_stranger(const struct gh_conn *conn)
{
    return conn->incoming && !conn->known && !conn->admitted;
}

static void no_stranger(struct gh_conn *conn)
{
    struct gh_net *net = conn->net;

    gh_source_count_drop(net->strangers, &conn->facts.peer);
    net->counters.strangers--;
}

static void on_closed(uv_handle_t *handle)
{
    struct gh_conn *conn = handle->data;
    struct gh_net *net = conn->net;

    if (conn->incoming) {
        net->counters.incoming--;
        gh_source_count_drop(net->sources, &conn->facts.peer);
        if (conn->counted)
            gh_source_count_drop(net->admitted, &conn->facts.peer);
        if (is_stranger(conn))
            no_stranger(conn);
    }
    if (conn->handed) {
        struct gh_conn_end end = { .was_up = conn->was_up,
                                   .reason = conn->end_reason,
                                   .err = conn->end_err,
                                   .text = conn->end_text,
                                   .facts = &conn->facts };

        net->handlers.down(net->handlers.arg, conn, &end);
    }
    gh_net_remove_conn(net, conn);
    free_conn(conn);
}

/* Let go of the socket.  @reset: with an RST, which also frees what the kernel still holds for a
 * peer that does not read. */
static void close_socket(struct gh_conn *conn, bool reset)
{
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    uv_os_fd_t fd;

    if (conn->state == GH_CONN_CLOSED)
        return;
    if (reset && uv_fileno((const uv_handle_t *)&conn->tcp, &fd) == 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    gh_timer_stop(gh_loop_timers(conn->net->loop), &conn->deadline);
    enter(conn, GH_CONN_CLOSED);
    uv_close((uv_handle_t *)&conn->tcp, on_closed);
}

/* Keep the reason.  @return false when there is one already: it has been ended before */
static bool note_end(struct gh_conn *conn, enum gh_reason reason, int err, const char *text)
{
    if (conn->state == GH_CONN_FLUSHING || conn->state == GH_CONN_CLOSED)
        return false;
    conn->end_reason = reason;
    conn->end_err = err;
    for (size_t i = 0; i < sizeof(conn->end_text) - 1 && text[i]; i++)
        conn->end_text[i] = text[i] >= 0x20 && text[i] <= 0x7e ? text[i] : '?';
    /* The record of a refusal names whom it refused. */
    if (conn->state == GH_CONN_HANDSHAKE && gh_tls_refused_leaf(conn->tls, &conn->facts.cert) == 0)
        conn->facts.peer_cert = true;
    return true;
}

void gh_conn_abort(struct gh_conn *conn, enum gh_reason reason, int err, const char *text)
{
    note_end(conn, reason, err, text);
    close_socket(conn, true);
}

void gh_conn_set_deadline(struct gh_conn *conn, uint64_t in_ms)
{
    struct gh_timerq *timers = gh_loop_timers(conn->net->loop);

    if (gh_timer_start(timers, &conn->deadline, now_of(conn) + in_ms, on_deadline, conn))
        gh_conn_abort(conn, GH_REASON_INTERNAL, GH_ENOMEM, "no memory for a deadline");
}

void gh_conn_fin_seen(struct gh_conn *conn)
{
    conn->fin_seen = true;
    if (conn->state == GH_CONN_FLUSHING && conn->fin_sent)
        close_socket(conn, false);
}

static void on_shut(uv_shutdown_t *shutting, int status)
{
    struct gh_conn *conn = shutting->data;

    conn->fin_sent = true;
    if (conn->state == GH_CONN_FLUSHING && (status < 0 || conn->fin_seen))
        close_socket(conn, status < 0);
}

void gh_conn_finish(struct gh_conn *conn, enum gh_reason reason, int err, const char *text)
{
    bool connected = conn->state != GH_CONN_CONNECTING;

    if (!note_end(conn, reason, err, text))
        return;
    if (!connected || conn->write_err) {
        close_socket(conn, connected);
        return;
    }
    enter(conn, GH_CONN_FLUSHING);
    gh_conn_set_deadline(conn, GH_CONN_CLOSE_MS);
    if (conn->state == GH_CONN_CLOSED)
        return;
    if (conn->tls) {
        gh_tls_shutdown(conn->tls); /* close_notify; nothing when it is not up or has failed: then
                                       it is an alert */
        if (gh_conn_flush_tls(conn)) {
            close_socket(conn, true);
            return;
        }
    }
    conn->shutting.data = conn;
    if (uv_shutdown(&conn->shutting, (uv_stream_t *)&conn->tcp, on_shut))
        close_socket(conn, true);
}

void gh_conn_close(struct gh_conn *conn, enum gh_reason reason)
{
    gh_conn_finish(conn, reason, 0, "closed here");
}

static void on_deadline(void *arg, uint64_t now_ms)
{
    struct gh_conn *conn = arg;
    uint64_t idle_at_ms = conn->active_ms + conn->net->limits.idle_timeout_ms;

    if (conn->write_err) {
        gh_conn_abort(conn, GH_REASON_CONNECTION_LOST, conn->write_err, "writing failed");
        return;
    }
    switch (conn->state) {
    case GH_CONN_CONNECTING:
        gh_conn_abort(conn, GH_REASON_CONNECTION_LOST, -ETIMEDOUT, "no answer to the connect");
        break;
    case GH_CONN_HANDSHAKE:
        gh_conn_abort(conn, GH_REASON_TLS_TIMEOUT, -ETIMEDOUT,
                      "the handshake was not finished in time");
        break;
    case GH_CONN_UP:
        if (conn->incoming && !conn->admitted)
            gh_conn_finish(conn, GH_REASON_CONNECTION_LOST, -ETIMEDOUT, "not admitted in time");
        else if (!conn->used)
            gh_conn_finish(conn, GH_REASON_CONNECTION_LOST, -ETIMEDOUT, "no message came in time");
        else if (now_ms >= idle_at_ms)
            gh_conn_finish(conn, GH_REASON_CONNECTION_LOST, -ETIMEDOUT, "idle");
        else
            gh_conn_set_deadline(conn, idle_at_ms - now_ms);
        break;
    case GH_CONN_FLUSHING:
        close_socket(conn, true);
        break;
    case GH_CONN_CLOSED:
        break;
    }
}

/* ---- the beginning --------------------------------------------------------------- */

static int new_conn(struct gh_conn **out, struct gh_net *net, enum gh_transport transport,
                    struct gh_tls_context *context, const char *server_name)
{
    struct gh_conn *conn = calloc(1, sizeof(*conn));
    int err;

    if (!conn)
        return GH_ENOMEM;
    if (transport == GH_TRANSPORT_TLS) {
        err = gh_tls_new(&conn->tls, context, server_name);
        if (err) {
            free(conn);
            return err;
        }
    }
    conn->net = net;
    conn->facts.transport = transport;
    conn->tcp.data = conn;
    *out = conn;
    return 0;
}

/* TCP_NODELAY: SIP writes small messages and waits for the answer, which is what Nagle's algorithm
 * delays. None of these is worth a refusal. */
static void set_options(struct gh_conn *conn)
{
    const unsigned unacked_max_ms = UNACKED_MAX_MS;
    uv_os_fd_t fd;

    uv_tcp_nodelay(&conn->tcp, 1);
    uv_tcp_keepalive(&conn->tcp, 1, KEEPALIVE_S);
    if (uv_fileno((const uv_handle_t *)&conn->tcp, &fd) == 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked_max_ms, sizeof(unacked_max_ms));
        gh_dscp_set(fd, conn->facts.peer.family, conn->dscp);
    }
}

static void learn_local(struct gh_conn *conn)
{
    struct sockaddr_storage ss = { 0 };
    int len = sizeof(ss);

    if (uv_tcp_getsockname(&conn->tcp, (struct sockaddr *)&ss, &len) == 0)
        conn->facts.local = gh_addr_from_sockaddr((const struct sockaddr *)&ss);
}

/* The transport stands: read, and begin the handshake or be up. */
static void begin(struct gh_conn *conn)
{
    int err = gh_conn_read_start(conn);

    if (err) {
        gh_conn_abort(conn, GH_REASON_CONNECTION_LOST, err, "reading failed");
        return;
    }
    if (!conn->tls) {
        gh_conn_up(conn);
        return;
    }
    enter(conn, GH_CONN_HANDSHAKE);
    gh_tls_input(conn->tls, NULL, 0);
    gh_conn_pump_tls(conn);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int gh_conn_accept(struct gh_listener *listener, int fd, const struct gh_addr *peer, bool known)
{
    struct gh_net *net = listener->net;
    uint64_t in_ms = net->limits.handshake_timeout_ms;
    struct gh_conn *conn;
    int err = new_conn(&conn, net, listener->transport, listener->tls, NULL);

    if (err) {
        close(fd);
        return err;
    }
    err = uv_tcp_init(gh_loop_uv(net->loop), &conn->tcp);
    if (err) {
        close(fd);
        free_conn(conn);
        return err;
    }
    conn->facts.role = GH_ROLE_SERVER;
    conn->facts.peer = *peer;
    conn->listener = listener->index;
    conn->dscp = listener->dscp;
    gh_net_add_conn(net, conn);
    err = uv_tcp_open(&conn->tcp, fd);
    if (err) {
        close(fd);
        close_socket(conn, false); /* nobody knows it yet: no down */
        return err;
    }
    conn->incoming = conn->handed = true;
    conn->known = known;
    net->counters.incoming++;
    net->counters.accepted++;
    set_options(conn);
    learn_local(conn);
    gh_conn_set_deadline(conn, known ? in_ms : least(in_ms, net->limits.stranger_timeout_ms));
    if (conn->state != GH_CONN_CLOSED)
        begin(conn);
    return 0;
}

static void on_connected(uv_connect_t *connecting, int status)
{
    struct gh_conn *conn = connecting->data;

    if (conn->state != GH_CONN_CONNECTING)
        return;
    if (status < 0) {
        gh_conn_abort(conn, GH_REASON_CONNECTION_LOST, status, "no connection came about");
        return;
    }
    learn_local(conn);
    begin(conn);
}

static int check(const struct gh_net *net, const struct gh_net_connect *to)
{
    bool tls = to->transport == GH_TRANSPORT_TLS;

    if (net->closing)
        return GH_ECLOSED;
    if ((!tls && to->transport != GH_TRANSPORT_TCP) || tls != !!to->tls || !to->to.family ||
        !to->to.port || (to->from.family && to->from.family != to->to.family))
        return GH_EINVAL;
    return 0;
}

static int bind_and_connect(struct gh_conn *conn, const struct gh_net_connect *to)
{
    struct sockaddr_storage ss;
    int err = 0;

    if (to->from.family) {
        gh_addr_to_sockaddr(&to->from, &ss);
        err = uv_tcp_bind(&conn->tcp, (const struct sockaddr *)&ss, 0);
        if (err)
            return err;
    }
    set_options(conn);
    gh_addr_to_sockaddr(&to->to, &ss);
    conn->connecting.data = conn;
    return uv_tcp_connect(&conn->connecting, &conn->tcp, (const struct sockaddr *)&ss,
                          on_connected);
}

int gh_net_connect(struct gh_net *net, const struct gh_net_connect *to, struct gh_conn **out)
{
    struct gh_conn *conn;
    int err = check(net, to);

    if (err)
        return err;
    err = new_conn(&conn, net, to->transport, to->tls, to->server_name);
    if (err)
        return err;
    err =
        uv_tcp_init_ex(gh_loop_uv(net->loop), &conn->tcp, to->to.family == 6 ? AF_INET6 : AF_INET);
    if (err) {
        free_conn(conn);
        return err;
    }
    conn->facts.role = GH_ROLE_CLIENT;
    conn->facts.peer = to->to;
    conn->facts.local = to->from;
    conn->owner = to->owner;
    conn->dscp = to->dscp;
    gh_net_add_conn(net, conn);
    err = bind_and_connect(conn, to);
    if (err) {
        close_socket(conn, false); /* nobody knows it yet: no down */
        return err;
    }
    gh_conn_set_deadline(conn, net->limits.handshake_timeout_ms);
    conn->handed = true;
    *out = conn;
    return 0;
}

/* TLS's facts, with our addresses.  @chain  one reference, or NULL */
static int take_facts(struct gh_conn *conn, struct gh_chain **chain)
{
    struct gh_conn_facts facts = { 0 };
    int err = gh_tls_facts(conn->tls, &facts, chain);

    if (err)
        return err;
    facts.transport = conn->facts.transport;
    facts.role = conn->facts.role;
    facts.local = conn->facts.local;
    facts.peer = conn->facts.peer;
    conn->facts = facts;
    return 0;
}

void gh_conn_up(struct gh_conn *conn)
{
    struct gh_net *net = conn->net;
    struct gh_chain *chain = NULL;
    bool keep;

    if (conn->tls) {
        int err = take_facts(conn, &chain);

        if (err) {
            gh_conn_abort(conn, GH_REASON_INTERNAL, err, "no memory for the facts");
            return;
        }
    }
    enter(conn, GH_CONN_UP);
    conn->active_ms = now_of(conn);
    /* A stranger's deadline runs on. */
    if (conn->incoming && conn->known)
        gh_conn_set_deadline(conn, net->limits.stranger_timeout_ms);
    else if (!conn->incoming)
        gh_timer_stop(gh_loop_timers(net->loop), &conn->deadline);
    keep = conn->state == GH_CONN_UP && net->handlers.up(net->handlers.arg, conn, chain);
    conn->was_up = keep;
    if (!keep)
        gh_conn_finish(conn, GH_REASON_NONE, 0, "not wanted");
    gh_chain_unref(chain);
}

/* ---- what its owner asks --------------------------------------------------------- */

uint64_t gh_conn_id(const struct gh_conn *conn)
{
    return conn->id;
}

const struct gh_conn_facts *gh_conn_facts(const struct gh_conn *conn)
{
    return &conn->facts;
}

unsigned gh_conn_listener(const struct gh_conn *conn)
{
    return conn->listener;
}

void gh_conn_set_owner(struct gh_conn *conn, void *owner)
{
    conn->owner = owner;
}

void *gh_conn_owner(const struct gh_conn *conn)
{
    return conn->owner;
}

/* The time that an incoming connection of a neighbour has. */
static void start_neighbours_deadline(struct gh_conn *conn)
{
    const struct gh_net_limits *limits = &conn->net->limits;

    if (conn->state == GH_CONN_UP && !conn->write_err)
        gh_conn_set_deadline(conn, conn->used ? limits->idle_timeout_ms
                                              : limits->first_message_timeout_ms);
}

void gh_conn_admit(struct gh_conn *conn)
{
    if (!conn->incoming || conn->admitted)
        return;
    if (is_stranger(conn))
        no_stranger(conn);
    conn->admitted = true;
    /* Without memory for it, its address is no better known than before. */
    conn->counted = gh_source_count_add(conn->net->admitted, &conn->facts.peer, UINT32_MAX) == 0;
    start_neighbours_deadline(conn);
}

void gh_conn_mark_used(struct gh_conn *conn)
{
    if (conn->used)
        return;
    conn->used = true;
    if (conn->admitted)
        start_neighbours_deadline(conn);
}

void gh_conn_set_generation(struct gh_conn *conn, uint64_t generation)
{
    conn->generation = generation;
}
