/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of the load generator: mutual TLS on non-blocking sockets, SIP messages in and out, and just enough
 * reading of them.  The peer is gatehouse: what it sends is taken for well-formed.
 */
#ifndef GH_GEN_CONN_H
#define GH_GEN_CONN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "media.h"

#define GH_GEN_MESSAGE_MAX 8192

/* One message: text with a NUL behind it, where the body begins in it. */
struct gh_gen_message {
    const char *text, *body;
    int status; /* 0: a request */
};

struct gh_gen_conn;
typedef void (*gh_gen_message_fn)(void *arg, struct gh_gen_conn *conn, const struct gh_gen_message *message);

struct gh_gen_listener {
    enum gh_gen_kind kind;
    int fd;
    SSL_CTX *tls;
};

struct gh_gen_conn {
    enum gh_gen_kind kind;
    int fd, epoll_fd;
    SSL *ssl;
    bool up, lost;
    char in[4 * GH_GEN_MESSAGE_MAX];
    size_t in_len;
    char *out;
    size_t out_len, out_size;
    uint32_t events;
};

/** @pem  key and certificate in one file.  @return NULL: OpenSSL's reasons are on stderr */
SSL_CTX *gh_gen_tls_new(const char *pem, const char *ca);

/** @return false on failure */
bool gh_gen_listen(struct gh_gen_listener *out, int epoll_fd, SSL_CTX *tls, struct sockaddr_in local);
/** @return NULL: none there, or failure */
struct gh_gen_conn *gh_gen_accept(struct gh_gen_listener *listener, int epoll_fd);
struct gh_gen_conn *gh_gen_connect(int epoll_fd, SSL_CTX *tls, struct in_addr local, struct sockaddr_in remote);
void gh_gen_conn_free(struct gh_gen_conn *conn);

/** The socket may be read or written.  Calls @fn for each message. */
void gh_gen_conn_ready(struct gh_gen_conn *conn, gh_gen_message_fn fn, void *arg);
/** Queued if the handshake or the peer is slow. */
void gh_gen_conn_send(struct gh_gen_conn *conn, const char *text, size_t len);

/** Value of a header, written as gatehouse writes it, without its line end.  @return length, 0: none */
size_t gh_gen_header(const struct gh_gen_message *message, const char *name, const char **value);

#endif
