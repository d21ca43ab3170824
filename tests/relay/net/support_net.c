/* SPDX-License-Identifier: Apache-2.0 */
#include "support_net.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

struct rig rig;

/* check.h counts per file, so the rig counts by itself and rig_end reports. */
static int faults;

static void expect(bool holds, const char *text, int line)
{
    if (holds)
        return;
    faults++;
    fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, line, text);
}

#define EXPECT(condition) expect((condition), #condition, __LINE__)

uint64_t rig_hash(uint64_t hash, const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)p[i]) * 1099511628211u;
    return hash;
}

static struct peer *new_peer(struct gh_conn *conn)
{
    struct peer *peer = &rig.peers[rig.count++];

    if (rig.count > RIG_PEERS)
        abort();
    *peer = (struct peer){ .conn = conn, .id = gh_conn_id(conn), .hash = RIG_HASH_START,
                           .role = gh_conn_facts(conn)->role };
    gh_conn_set_owner(conn, peer);
    EXPECT(peer->id != 0);
    EXPECT(gh_net_conn(rig.net, peer->id) == conn);
    return peer;
}

static void close_all(void)
{
    for (size_t i = 0; i < rig.count; i++) {
        if (rig.peers[i].conn)
            gh_conn_close(rig.peers[i].conn, GH_REASON_OPERATOR);
    }
}

static bool on_up(void *arg, struct gh_conn *conn, struct gh_chain *chain)
{
    struct peer *peer = gh_conn_owner(conn);

    EXPECT(arg == &rig);
    if (!peer)
        peer = new_peer(conn);
    rig.ups++;
    peer->ups++;
    peer->chain = chain != NULL;
    EXPECT(peer->downs == 0);
    EXPECT(gh_conn_facts(conn)->local.port && gh_conn_facts(conn)->peer.port);
    if (peer->role == GH_ROLE_SERVER) {
        EXPECT(gh_conn_listener(conn) == RIG_LISTENER);
        if (rig.orders.refuse_reason)
            gh_conn_close(conn, GH_REASON_SHUTTING_DOWN);
        if (rig.orders.refuse)
            return false;
    }
    gh_conn_set_generation(conn, 1);
    if (!rig.orders.no_admission)
        gh_conn_admit(conn);
    if (rig.orders.hello && peer->role == GH_ROLE_CLIENT)
        EXPECT(rig_send(peer, "hello", 5) == 0);
    if (rig.orders.close_in_up)
        gh_conn_close(conn, GH_REASON_OPERATOR);
    if (rig.orders.close_all_in_up)
        close_all();
    return true;
}

static void on_octets(void *arg, struct gh_conn *conn, struct gh_span octets)
{
    struct peer *peer = gh_conn_owner(conn);
    size_t head = peer->got < sizeof(peer->head) - 1 ? sizeof(peer->head) - 1 - peer->got : 0;

    EXPECT(arg == &rig);
    EXPECT(octets.len && peer->ups == 1 && !peer->downs);
    if (head) {
        head = octets.len < head ? octets.len : head;
        memcpy(peer->head + peer->got, octets.p, head);
    }
    peer->got += octets.len;
    peer->hash = rig_hash(peer->hash, octets.p, octets.len);
    if (rig.orders.mark_used)
        gh_conn_mark_used(conn);
    if (rig.orders.echo && peer->role == GH_ROLE_SERVER)
        EXPECT(rig_send(peer, octets.p, octets.len) == 0);
    if (rig.orders.close_in_octets)
        gh_conn_close(conn, GH_REASON_OPERATOR);
    if (rig.orders.close_all_in_octets)
        close_all();
}

static void on_down(void *arg, struct gh_conn *conn, const struct gh_conn_end *end)
{
    struct peer *peer = gh_conn_owner(conn);

    EXPECT(arg == &rig);
    if (!peer)
        peer = new_peer(conn);
    rig.downs++;
    peer->downs++;
    EXPECT(peer->downs == 1);
    EXPECT(gh_net_conn(rig.net, peer->id) == conn);
    EXPECT(end->facts == gh_conn_facts(conn));
    EXPECT(end->text != NULL);
    EXPECT(end->reason != GH_REASON_NO_RULE);
    peer->end = *end;
    peer->facts = *end->facts;
    snprintf(peer->leaf, sizeof(peer->leaf), "%s", end->facts->cert.subject);
    snprintf(peer->end_text, sizeof(peer->end_text), "%s", end->text);
    peer->end.text = peer->end_text;
    peer->end.facts = &peer->facts;
    if (rig.orders.try_send_in_down)
        rig.orders.send_in_down = rig_send(peer, "x", 1);
    gh_conn_close(conn, GH_REASON_OPERATOR); /* too late: does nothing */
    peer->conn = NULL;
    if (rig.orders.close_all_in_down)
        close_all();
    if (rig.orders.reconnect_in_down) {
        rig.orders.reconnect_in_down = false;
        rig_connect();
    }
}

static bool is_known(void *arg, const struct gh_addr *address)
{
    EXPECT(arg == &rig);
    return rig.known.family && gh_addr_same_ip(address, &rig.known);
}

struct gh_net_limits rig_limits(void)
{
    return (struct gh_net_limits){ .handshake_timeout_ms = 60000, .first_message_timeout_ms = 60000,
                                   .idle_timeout_ms = 60000, .max_connections = 2000,
                                   .max_connections_per_address = 2000, .max_strangers = 2000,
                                   .max_strangers_per_address = 2000,
                                   .stranger_timeout_ms = 60000, .max_queued = 64 << 20 };
}

void rig_begin(const struct gh_net_limits *limits, struct gh_tls_context *server,
               struct gh_tls_context *client)
{
    struct gh_net_handlers handlers = {
        .arg = &rig, .up = on_up, .octets = on_octets, .down = on_down, .known = is_known
    };
    struct gh_net_listener at = { .index = RIG_LISTENER, .tls = server,
                                  .transport = server ? GH_TRANSPORT_TLS : GH_TRANSPORT_TCP };

    alarm(50);
    faults = 0;
    rig = (struct rig){ .limits = limits ? *limits : rig_limits(),
                        .server = server,
                        .client = client };
    rig.orders.send_in_down = 1;
    rig.peers = calloc(RIG_PEERS + 1, sizeof(*rig.peers));
    gh_addr_parse_ip(GH_SPAN("127.0.0.1"), 0, &at.address);
    if (!rig.peers || gh_loop_new(&rig.loop) ||
        gh_net_new(&rig.net, rig.loop, &rig.limits, &handlers) ||
        gh_net_listen(rig.net, &at, &rig.at))
        abort();
    EXPECT(rig.at.port != 0);
}

int rig_finish(void)
{
    struct gh_net_counters counters;

    gh_net_close(rig.net);
    gh_loop_stop(rig.loop);
    EXPECT(gh_loop_run(rig.loop) == 0);
    for (size_t i = 0; i < rig.count; i++) {
        EXPECT(rig.peers[i].downs == 1);
    }
    gh_net_counters(rig.net, &counters);
    EXPECT(counters.incoming == 0 && counters.strangers == 0);
    gh_net_free(rig.net);
    gh_loop_free(rig.loop);
    free(rig.peers);
    alarm(0);
    return faults;
}

void rig_turn(void)
{
    gh_loop_turn(rig.loop);
}

struct peer *rig_connect_to(const struct gh_addr *to)
{
    struct gh_net_connect want = { .to = *to,
                                   .tls = rig.client,
                                   .owner = &rig,
                                   .server_name = "server.example.net",
                                   .transport = rig.client ? GH_TRANSPORT_TLS : GH_TRANSPORT_TCP };
    struct gh_conn *conn = NULL;

    if (gh_net_connect(rig.net, &want, &conn))
        abort();
    EXPECT(gh_conn_owner(conn) == &rig);
    EXPECT(gh_conn_facts(conn)->role == GH_ROLE_CLIENT);
    EXPECT(gh_addr_eq(&gh_conn_facts(conn)->peer, to));
    return new_peer(conn);
}

struct peer *rig_connect(void)
{
    return rig_connect_to(&rig.at);
}

struct peer *rig_incoming(void)
{
    for (size_t i = rig.count; i > 0; i--) {
        if (rig.peers[i - 1].role == GH_ROLE_SERVER)
            return &rig.peers[i - 1];
    }
    return NULL;
}

int rig_send(struct peer *peer, const char *text, size_t len)
{
    struct gh_buf buf = { .limit = 64 << 20 };
    int err;

    gh_buf_add(&buf, gh_span_of(text, len));
    err = gh_conn_send(peer->conn, 1, &buf);
    EXPECT(!buf.p && !buf.len);
    return err;
}

int raw_connect(const struct gh_addr *to)
{
    struct sockaddr_storage ss;
    socklen_t len = gh_addr_to_sockaddr(to, &ss);
    int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&ss, len))
        abort();
    return fd;
}

int raw_connect_from(const struct gh_addr *to, const char *from)
{
    struct sockaddr_storage ss;
    struct gh_addr local = { 0 };
    socklen_t len;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    gh_addr_parse_ip(gh_span_str(from), 0, &local);
    len = gh_addr_to_sockaddr(&local, &ss);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&ss, len))
        abort();
    len = gh_addr_to_sockaddr(to, &ss);
    if (connect(fd, (const struct sockaddr *)&ss, len))
        abort();
    return fd;
}

int raw_listen(struct gh_addr *at, int backlog)
{
    struct sockaddr_storage ss;
    socklen_t len;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    gh_addr_parse_ip(GH_SPAN("127.0.0.1"), 0, at);
    len = gh_addr_to_sockaddr(at, &ss);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&ss, len) || listen(fd, backlog))
        abort();
    len = sizeof(ss);
    getsockname(fd, (struct sockaddr *)&ss, &len);
    *at = gh_addr_from_sockaddr((const struct sockaddr *)&ss);
    return fd;
}

void raw_reset(int fd)
{
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
}

bool raw_wait_closed(int fd)
{
    char sink[4096];
    ssize_t n;

    for (;;) {
        n = recv(fd, sink, sizeof(sink), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return true;
        if (n < 0)
            rig_turn();
    }
}
