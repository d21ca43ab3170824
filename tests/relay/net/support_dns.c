/* SPDX-License-Identifier: Apache-2.0 */
#include "support_dns.h"

#include <stdlib.h>
#include <strings.h>

#include <uv.h>

struct dns_server {
    uv_udp_t udp;
    const struct dns_row *rows;
    char csv[GH_ADDR_TEXT_MAX];
    int asked[256];
    char buf[2048];
};

static uint8_t *put16(uint8_t *p, unsigned value)
{
    *p++ = (uint8_t)(value >> 8);
    *p++ = (uint8_t)value;
    return p;
}

static uint8_t *put_name(uint8_t *p, const char *name)
{
    while (*name) {
        size_t len = strcspn(name, ".");

        *p++ = (uint8_t)len;
        memcpy(p, name, len);
        p += len;
        name += len + (name[len] == '.');
    }
    *p++ = 0;
    return p;
}

static uint8_t *put_data(uint8_t *p, const struct dns_row *row)
{
    unsigned numbers[3];
    char host[256];

    if (row->type == DNS_A || row->type == DNS_AAAA) {
        inet_pton(row->type == DNS_A ? AF_INET : AF_INET6, row->data, p);
        return p + (row->type == DNS_A ? 4 : 16);
    }
    if (row->type == DNS_CNAME)
        return put_name(p, row->data);
    host[0] = 0;
    if (sscanf(row->data, "%u %u %u %255s", &numbers[0], &numbers[1], &numbers[2], host) < 3)
        abort();
    for (int i = 0; i < 3; i++)
        p = put16(p, numbers[i]);
    return put_name(p, strcmp(host, ".") ? host : "");
}

static uint8_t *put_record(uint8_t *p, const struct dns_row *row)
{
    uint8_t *len_at;

    p = put_name(p, row->name);
    p = put16(p, (unsigned)row->type);
    p = put16(p, 1);
    p = put16(p, row->ttl_s >> 16);
    p = put16(p, row->ttl_s & 0xffff);
    len_at = p;
    p = put_data(p + 2, row);
    put16(len_at, (unsigned)(p - len_at - 2));
    return p;
}

size_t dns_message(uint8_t *out, uint16_t id, const char *name, int type,
                   const struct dns_row *rows)
{
    unsigned answers = 0, code = 0;
    uint8_t *p = out + 12;

    p = put_name(p, name);
    p = put16(p, (unsigned)type);
    p = put16(p, 1);
    for (const struct dns_row *row = rows; row->name; row++) {
        if (strcasecmp(row->name, name) || (row->type != type && row->type != DNS_CNAME))
            continue;
        if (row->how == DNS_NXDOMAIN || row->how == DNS_SERVFAIL)
            code = row->how == DNS_NXDOMAIN ? 3 : 2;
        if (row->how == DNS_WRONG_ID)
            id = (uint16_t)(id + 1);
        if (!row->data)
            continue;
        p = put_record(p, row);
        answers++;
        /* A server gives what the alias leads to along with it. */
        for (const struct dns_row *to = rows; row->type == DNS_CNAME && to->name; to++) {
            if (!strcasecmp(to->name, row->data) && to->type == type) {
                p = put_record(p, to);
                answers++;
            }
        }
    }
    put16(out, id);
    put16(out + 2, 0x8180 | code);
    put16(out + 4, 1);
    put16(out + 6, answers);
    put16(out + 8, 0);
    put16(out + 10, 0);
    return (size_t)(p - out);
}

/* Name and type of the question.  @return whether it was one */
static bool read_question(const uint8_t *p, size_t len, char name[256], int *type)
{
    size_t at = 12, to = 0;

    while (at < len && p[at]) {
        size_t label = p[at++];

        if (at + label > len || to + label + 1 > 255)
            return false;
        memcpy(name + to, p + at, label);
        to += label;
        name[to++] = '.';
        at += label;
    }
    name[to ? to - 1 : 0] = 0;
    if (at + 3 > len)
        return false;
    *type = p[at + 1] << 8 | p[at + 2];
    return true;
}

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct dns_server *server = handle->data;

    (void)suggested;
    *buf = uv_buf_init(server->buf, sizeof(server->buf));
}

static void on_question(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from,
                        unsigned flags)
{
    struct dns_server *server = udp->data;
    uint8_t out[16384];
    char name[256];
    uv_buf_t answer;
    enum dns_how how = DNS_SAYS;
    int type = 0;
    size_t len;

    (void)flags;
    if (n < 12 || !from || !read_question((const uint8_t *)buf->base, (size_t)n, name, &type))
        return;
    server->asked[type & 255]++;
    for (const struct dns_row *row = server->rows; row->name; row++) {
        if (!strcasecmp(row->name, name) && row->type == type && row->how)
            how = row->how;
    }
    if (how == DNS_SILENT)
        return;
    len = dns_message(out, (uint16_t)((uint8_t)buf->base[0] << 8 | (uint8_t)buf->base[1]), name,
                      type, server->rows);
    if (how == DNS_GARBAGE)
        memset(out + 2, 0xff, len - 2);
    if (how == DNS_CUT)
        len -= 5;
    answer = uv_buf_init((char *)out, (unsigned)len);
    uv_udp_try_send(udp, &answer, 1, from);
}

struct dns_server *dns_server_open(struct gh_loop *loop, const struct dns_row *rows)
{
    struct dns_server *server = calloc(1, sizeof(*server));
    struct sockaddr_storage ss;
    struct gh_addr at = { 0 };
    int len = sizeof(ss);

    if (!server)
        abort();
    gh_addr_parse_ip(GH_SPAN("127.0.0.1"), 0, &at);
    gh_addr_to_sockaddr(&at, &ss);
    server->rows = rows;
    server->udp.data = server;
    if (uv_udp_init(gh_loop_uv(loop), &server->udp) ||
        uv_udp_bind(&server->udp, (const struct sockaddr *)&ss, 0) ||
        uv_udp_getsockname(&server->udp, (struct sockaddr *)&ss, &len) ||
        uv_udp_recv_start(&server->udp, give_buffer, on_question))
        abort();
    at = gh_addr_from_sockaddr((const struct sockaddr *)&ss);
    gh_addr_text(&at, server->csv);
    return server;
}

const char *dns_server_csv(const struct dns_server *server)
{
    return server->csv;
}

int dns_server_asked(const struct dns_server *server, int type)
{
    return server->asked[type & 255];
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void dns_server_close(struct dns_server *server)
{
    uv_close((uv_handle_t *)&server->udp, on_closed);
}
