/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The octets of one connection.  Plaintext is handed on or encrypted on the spot and never kept:
 * what waits for a slow peer on TLS is ciphertext.
 */
#include "net/net_int.h"

#include <stdlib.h>

/* What the kernel did not take at once. */
struct chunk {
    uv_write_t write;
    struct gh_conn *conn;
    size_t len;
    char octets[];
};

static void drop_chunk(struct chunk *chunk)
{
    explicit_bzero(chunk->octets, chunk->len);
    free(chunk);
}

/*
 * Nothing can be written any more.  A peer that refused us has often said why before it reset the
 * connection, and that can still be read: so reading goes on until it fails too, which it soon
 * does.
 */
static void write_failed(struct gh_conn *conn, int err)
{
    if (conn->state != GH_CONN_HANDSHAKE && conn->state != GH_CONN_UP)
        return;
    if (err == GH_EFULL) {
        gh_conn_abort(conn, GH_REASON_CONNECTION_LOST, err, "the peer reads too slowly");
    } else if (err != -EPIPE && err != -ECONNRESET) {
        gh_conn_abort(conn, GH_REASON_CONNECTION_LOST, err, "writing failed");
    } else if (!conn->write_err) {
        conn->write_err = err;
        gh_conn_set_deadline(conn, GH_CONN_CLOSE_MS);
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct chunk *chunk = write->data;
    struct gh_conn *conn = chunk->conn;

    drop_chunk(chunk);
    if (status < 0 && status != UV_ECANCELED)
        write_failed(conn, status);
}

/* @return 0, GH_EFULL, or an error */
static int write_wire(struct gh_conn *conn, const char *octets, size_t len)
{
    uv_stream_t *stream = (uv_stream_t *)&conn->tcp;
    size_t queued = uv_stream_get_write_queue_size(stream);
    struct chunk *chunk;
    uv_buf_t buf;
    int n, err;

    if (conn->write_err)
        return conn->write_err;
    if (queued == 0) {
        buf = uv_buf_init((char *)(uintptr_t)octets, (unsigned)len);
        n = uv_try_write(stream, &buf, 1);
        if (n < 0 && n != UV_EAGAIN)
            return n;
        if (n > 0) {
            octets += n;
            len -= (size_t)n;
        }
    }
    if (len == 0)
        return 0;
    if (queued > conn->net->limits.max_queued || len > conn->net->limits.max_queued - queued)
        return GH_EFULL;
    chunk = malloc(sizeof(*chunk) + len);
    if (!chunk)
        return GH_ENOMEM;
    memcpy(chunk->octets, octets, len);
    chunk->len = len;
    chunk->conn = conn;
    chunk->write.data = chunk;
    buf = uv_buf_init(chunk->octets, (unsigned)len);
    err = uv_write(&chunk->write, stream, &buf, 1, on_written);
    if (err)
        drop_chunk(chunk);
    return err;
}

int gh_conn_flush_tls(struct gh_conn *conn)
{
    struct gh_net *net = conn->net;
    size_t n;
    int err = 0;

    while (!err && (n = gh_tls_output(conn->tls, net->wire, sizeof(net->wire))) > 0)
        err = write_wire(conn, (const char *)net->wire, n);
    return err;
}

/* ---- reading --------------------------------------------------------------------- */

/* Hand on @len octets in @buf, wipe them. */
static void hand_on(struct gh_conn *conn, uint8_t *buf, size_t len)
{
    struct gh_net *net = conn->net;

    conn->heard = true;
    conn->active_ms = gh_loop_now_ms(net->loop);
    net->handlers.octets(net->handlers.arg, conn, gh_span_of((const char *)buf, len));
    explicit_bzero(buf, len);
}

/* End the connection if TLS has ended. */
static void judge_tls(struct gh_conn *conn)
{
    const char *text = "";
    enum gh_reason reason;

    if (conn->state != GH_CONN_HANDSHAKE && conn->state != GH_CONN_UP)
        return;
    switch (gh_tls_state(conn->tls)) {
    case GH_TLS_HANDSHAKE:
    case GH_TLS_UP:
        break;
    case GH_TLS_CLOSED:
        /* RFC 8446 section 6.1 asks for close_notify, and many peers just close.  After a FIN
         * without it we cannot know that nothing was cut off, and need not: each SIP message on a
         * stream says its length, so half a message is never taken for a whole one, and a lost
         * whole one looks like a lost connection. */
        if (conn->state == GH_CONN_HANDSHAKE)
            gh_conn_finish(conn, GH_REASON_TLS_CLOSED, 0, "closed during the handshake");
        else
            gh_conn_finish(conn, GH_REASON_NONE, 0, "closed by the peer");
        break;
    case GH_TLS_FAILED:
        reason = gh_tls_failure(conn->tls, &text);
        gh_conn_finish(conn, reason, 0, text);
        break;
    }
}

/* The order is that of crypto/tls.h: read until there is nothing, write what there is, look at the
 * state. */
void gh_conn_pump_tls(struct gh_conn *conn)
{
    struct gh_net *net = conn->net;
    size_t n;
    int err;

    if (conn->state == GH_CONN_HANDSHAKE && gh_tls_state(conn->tls) == GH_TLS_UP) {
        /* Our last message of the handshake goes before whatever the callback sends. */
        err = gh_conn_flush_tls(conn);
        if (err)
            write_failed(conn, err);
        if (conn->state == GH_CONN_HANDSHAKE)
            gh_conn_up(conn);
    }
    while (conn->state == GH_CONN_UP &&
           (n = gh_tls_read(conn->tls, net->plain, sizeof(net->plain))) > 0)
        hand_on(conn, net->plain, n);
    /* Before the flush: if that fails, the alert that made it fail is the reason to tell. */
    judge_tls(conn);
    if (conn->state == GH_CONN_HANDSHAKE || conn->state == GH_CONN_UP) {
        err = gh_conn_flush_tls(conn);
        if (err)
            write_failed(conn, err);
    }
}

static void on_octets(struct gh_conn *conn, size_t len)
{
    struct gh_net *net = conn->net;

    if (conn->state == GH_CONN_FLUSHING) {
        explicit_bzero(net->rx, len);
    } else if (conn->tls) {
        gh_tls_input(conn->tls, net->rx, len);
        gh_conn_pump_tls(conn);
    } else {
        hand_on(conn, net->rx, len);
    }
}

static void on_reset(struct gh_conn *conn, int err)
{
    const char *text = "reset";

    if (conn->tls && conn->facts.role == GH_ROLE_CLIENT && !conn->heard)
        text = "reset before the peer's first octet: it may have refused our certificate";
    if (conn->state == GH_CONN_HANDSHAKE)
        gh_conn_abort(conn, GH_REASON_TLS_CLOSED, err, "reset during the handshake");
    else
        gh_conn_abort(conn, GH_REASON_CONNECTION_LOST, err, text);
}

/* libuv takes a hang-up behind octets for an end of file, and a reset is a hang-up as well.
 * @return the socket's error, or 0 */
static int socket_error(const struct gh_conn *conn)
{
    uv_os_fd_t fd;
    int err = 0;
    socklen_t len = sizeof(err);

    if (uv_fileno((const uv_handle_t *)&conn->tcp, &fd) ||
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
        return 0;
    return -err;
}

static void on_fin(struct gh_conn *conn)
{
    int err = socket_error(conn);

    uv_read_stop((uv_stream_t *)&conn->tcp);
    if (conn->tls && conn->state != GH_CONN_FLUSHING && !err) {
        gh_tls_input_eof(conn->tls);
        gh_conn_pump_tls(conn);
    }
    if (!err && (conn->state == GH_CONN_HANDSHAKE || conn->state == GH_CONN_UP))
        err = conn->write_err;
    if (err) {
        on_reset(conn, err);
        return;
    }
    gh_conn_fin_seen(conn);
    /* RFC 3261 knows no half-closed connection: whoever sends a FIN takes no more answers. */
    gh_conn_finish(conn, conn->state == GH_CONN_HANDSHAKE ? GH_REASON_TLS_CLOSED : GH_REASON_NONE,
                   0, "closed by the peer");
}

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct gh_conn *conn = handle->data;

    (void)suggested;
    *buf = uv_buf_init((char *)conn->net->rx, sizeof(conn->net->rx));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct gh_conn *conn = stream->data;

    (void)buf;
    if (conn->state == GH_CONN_CLOSED || n == 0)
        return;
    if (n > 0)
        on_octets(conn, (size_t)n);
    else if (n == UV_EOF)
        on_fin(conn);
    else
        on_reset(conn, (int)n);
}

int gh_conn_read_start(struct gh_conn *conn)
{
    return uv_read_start((uv_stream_t *)&conn->tcp, give_buffer, on_read);
}

/* ---- sending --------------------------------------------------------------------- */

static int send_octets(struct gh_conn *conn, struct gh_span octets)
{
    int err;

    conn->active_ms = gh_loop_now_ms(conn->net->loop);
    if (!conn->tls)
        return octets.len ? write_wire(conn, octets.p, octets.len) : 0;
    err = octets.len ? gh_tls_write(conn->tls, (const uint8_t *)octets.p, octets.len) : 0;
    return err ? err : gh_conn_flush_tls(conn);
}

int gh_conn_send(struct gh_conn *conn, uint64_t generation, struct gh_buf *octets)
{
    int err;

    if (conn->state != GH_CONN_UP || conn->write_err) {
        err = GH_ECLOSED;
    } else if (generation == 0 || generation != conn->generation) {
        err = GH_ESTALE;
    } else if (octets->err) {
        err = octets->err;
    } else {
        err = send_octets(conn, gh_buf_span(octets));
        if (err && conn->tls)
            judge_tls(conn); /* it may have failed, or have been closed without our noticing */
        if (err)
            write_failed(conn, err);
        if (err == GH_ESTATE)
            err = GH_ECLOSED;
    }
    gh_buf_fini(octets);
    return err;
}
