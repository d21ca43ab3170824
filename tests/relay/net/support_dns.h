/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tiny DNS server on a loopback port of the test's loop, and DNS messages made by hand.
 */
#ifndef GH_TEST_SUPPORT_DNS_H
#define GH_TEST_SUPPORT_DNS_H

#include <gatehouse/addr.h>
#include "net/loop.h"

enum { DNS_A = 1, DNS_CNAME = 5, DNS_AAAA = 28, DNS_SRV = 33 };

enum dns_how {
    DNS_SAYS = 0,
    DNS_NXDOMAIN,
    DNS_SILENT,
    DNS_SERVFAIL,
    DNS_GARBAGE,
    DNS_WRONG_ID,
    DNS_CUT
};

/* What the server says to one question.  The first row that fits. */
struct dns_row {
    const char *name;
    int type;
    const char *data; /* "192.0.2.1"; "2001:db8::1"; "10 20 5061 host.example.net"; name of a CNAME.
                         NULL: none */
    uint32_t ttl_s;
    enum dns_how how;
};

struct dns_server;

/** Rows end with a NULL name; all rows with name and type of the question make the answer. */
struct dns_server *dns_server_open(struct gh_loop *loop, const struct dns_row *rows);
/** "127.0.0.1:port" */
const char *dns_server_csv(const struct dns_server *server);
/** Questions of this type so far. */
int dns_server_asked(const struct dns_server *server, int type);
/** Frees it in its close callback. */
void dns_server_close(struct dns_server *server);

/** A whole answer message to a question @name, @type with the rows that fit.  @return its length */
size_t dns_message(uint8_t *out, uint16_t id, const char *name, int type,
                   const struct dns_row *rows);

#endif
