/* SPDX-License-Identifier: Apache-2.0 */
#include "conn.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

SSL_CTX *gh_gen_tls_new(const char *pem, const char *ca)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_method());

    if (!tls || SSL_CTX_use_certificate_chain_file(tls, pem) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, pem, SSL_FILETYPE_PEM) != 1 || SSL_CTX_load_verify_file(tls, ca) != 1) {
        ERR_print_errors_fp(stderr);
        SSL_CTX_free(tls);
        return NULL;
    }
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return tls;
}

bool gh_gen_listen(struct gh_gen_listener *out, int epoll_fd, SSL_CTX *tls, struct sockaddr_in local)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = out };
    const int on = 1;

    *out = (struct gh_gen_listener){ .kind = GH_GEN_LISTENER, .tls = tls };
    out->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (out->fd < 0)
        return false;
    setsockopt(out->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    return bind(out->fd, (struct sockaddr *)&local, sizeof(local)) == 0 && listen(out->fd, 64) == 0 &&
           epoll_ctl(epoll_fd, EPOLL_CTL_ADD, out->fd, &event) == 0;
}

/* @fd  taken */
static struct gh_gen_conn *conn_new(int fd, int epoll_fd, SSL_CTX *tls)
{
    struct gh_gen_conn *conn = calloc(1, sizeof(*conn));
    const int on = 1;
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.ptr = conn };

    if (!conn) {
        close(fd);
        return NULL;
    }
    conn->kind = GH_GEN_CONN;
    conn->fd = fd;
    conn->epoll_fd = epoll_fd;
    conn->events = event.events;
    conn->ssl = SSL_new(tls);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (!conn->ssl || SSL_set_fd(conn->ssl, fd) != 1 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        gh_gen_conn_free(conn);
        return NULL;
    }
    return conn;
}

struct gh_gen_conn *gh_gen_accept(struct gh_gen_listener *listener, int epoll_fd)
{
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct gh_gen_conn *conn = fd >= 0 ? conn_new(fd, epoll_fd, listener->tls) : NULL;

    if (conn)
        SSL_set_accept_state(conn->ssl);
    return conn;
}

struct gh_gen_conn *gh_gen_connect(int epoll_fd, SSL_CTX *tls, struct in_addr local, struct sockaddr_in remote)
{
    struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = local };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct gh_gen_conn *conn = NULL;

    if (fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0 &&
        (connect(fd, (struct sockaddr *)&remote, sizeof(remote)) == 0 || errno == EINPROGRESS))
        conn = conn_new(fd, epoll_fd, tls);
    else if (fd >= 0)
        close(fd);
    if (conn)
        SSL_set_connect_state(conn->ssl);
    return conn;
}

void gh_gen_conn_free(struct gh_gen_conn *conn)
{
    if (!conn)
        return;
    SSL_free(conn->ssl);
    close(conn->fd);
    free(conn->out);
    free(conn);
}

/* ---- octets ----------------------------------------------------------------------------------------------- */

static void want_events(struct gh_gen_conn *conn, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = conn };

    if (conn->events != events)
        epoll_ctl(conn->epoll_fd, EPOLL_CTL_MOD, conn->fd, &event);
    conn->events = events;
}

/* The result of an SSL call that did not succeed.  A broken connection is told once and kept, silent. */
static void note_failure(struct gh_gen_conn *conn, int result)
{
    int why = SSL_get_error(conn->ssl, result);

    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE || conn->lost)
        return;
    fprintf(stderr, "generator: a connection was lost\n");
    ERR_print_errors_fp(stderr);
    conn->lost = true;
    epoll_ctl(conn->epoll_fd, EPOLL_CTL_DEL, conn->fd, NULL);
}

static void flush_out(struct gh_gen_conn *conn)
{
    size_t done = 0;

    while (conn->up && !conn->lost && done < conn->out_len) {
        int n = SSL_write(conn->ssl, conn->out + done, (int)(conn->out_len - done));

        if (n <= 0) {
            note_failure(conn, n);
            break;
        }
        done += (size_t)n;
    }
    if (done)
        memmove(conn->out, conn->out + done, conn->out_len - done);
    conn->out_len -= done;
    if (conn->up && !conn->lost)
        want_events(conn, EPOLLIN | (conn->out_len ? (uint32_t)EPOLLOUT : 0));
}

void gh_gen_conn_send(struct gh_gen_conn *conn, const char *text, size_t len)
{
    if (conn->lost)
        return;
    if (conn->out_len + len > conn->out_size) {
        size_t size = 2 * (conn->out_len + len);
        char *bigger = realloc(conn->out, size);

        if (!bigger)
            abort();
        conn->out = bigger;
        conn->out_size = size;
    }
    memcpy(conn->out + conn->out_len, text, len);
    conn->out_len += len;
    flush_out(conn);
}

/* ---- messages --------------------------------------------------------------------------------------------- */

size_t gh_gen_header(const struct gh_gen_message *message, const char *name, const char **value)
{
    size_t len = strlen(name);
    const char *line = message->text, *end;

    while ((line = strstr(line, "\r\n")) && (line += 2) < message->body) {
        if (strncmp(line, name, len) != 0 || line[len] != ':')
            continue;
        *value = line + len + 1 + strspn(line + len + 1, " ");
        end = strstr(*value, "\r\n");
        return end ? (size_t)(end - *value) : 0;
    }
    return 0;
}

/* @return octets of the message at the head of @conn->in, 0: it is not whole yet */
static size_t take_message(struct gh_gen_conn *conn, gh_gen_message_fn fn, void *arg)
{
    struct gh_gen_message message = { .text = conn->in };
    const char *end, *value;
    size_t len;
    char kept;

    conn->in[conn->in_len] = 0;
    end = strstr(conn->in, "\r\n\r\n");
    if (!end)
        return 0;
    message.body = end + 4;
    len = (size_t)(message.body - conn->in);
    if (gh_gen_header(&message, "Content-Length", &value))
        len += strtoul(value, NULL, 10);
    if (len > conn->in_len)
        return 0;
    kept = conn->in[len];
    conn->in[len] = 0;
    if (strncmp(conn->in, "SIP/2.0 ", 8) == 0)
        message.status = atoi(conn->in + 8);
    fn(arg, conn, &message);
    conn->in[len] = kept;
    return len;
}

static void read_in(struct gh_gen_conn *conn, gh_gen_message_fn fn, void *arg)
{
    while (!conn->lost) {
        size_t done = 0, len;
        int n = SSL_read(conn->ssl, conn->in + conn->in_len, (int)(sizeof(conn->in) - 1 - conn->in_len));

        if (n <= 0) {
            note_failure(conn, n);
            return;
        }
        conn->in_len += (size_t)n;
        while ((len = take_message(conn, fn, arg))) {
            done += len;
            conn->in_len -= len;
            memmove(conn->in, conn->in + len, conn->in_len);
        }
        if (!done && conn->in_len == sizeof(conn->in) - 1)
            abort(); /* larger than gatehouse writes */
    }
}

void gh_gen_conn_ready(struct gh_gen_conn *conn, gh_gen_message_fn fn, void *arg)
{
    if (!conn->up) {
        int n = SSL_do_handshake(conn->ssl);

        conn->up = n == 1;
        if (!conn->up) {
            note_failure(conn, n);
            if (!conn->lost)
                want_events(conn, EPOLLIN | (SSL_want_write(conn->ssl) ? (uint32_t)EPOLLOUT : 0));
            return;
        }
    }
    flush_out(conn);
    read_in(conn, fn, arg);
}
