/* SPDX-License-Identifier: Apache-2.0 */
#include "media/port_pool.h"

#include <stdlib.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "media/media.h"

#define STRANGER_BUFFER 4096 /* octets: some packets, so that a flood costs little memory */
#define FOREIGN_MAX 64       /* pairs of other programs to step over in one take */

/* A ring of pair numbers.  One for the free, one for the resting; a pair is in one of them or
 * taken. */
struct ring {
    uint16_t *pairs;
    uint64_t *until_ms; /* resting only */
    unsigned size, head, count;
};

struct gh_port_pool {
    uint16_t first;
    uint64_t delay_ms;
    struct ring free, resting;
};

static void ring_push(struct ring *ring, uint16_t pair, uint64_t until_ms)
{
    unsigned at = (ring->head + ring->count++) % ring->size;

    ring->pairs[at] = pair;
    if (ring->until_ms)
        ring->until_ms[at] = until_ms;
}

static uint16_t ring_pop(struct ring *ring)
{
    uint16_t pair = ring->pairs[ring->head];

    ring->head = (ring->head + 1) % ring->size;
    ring->count--;
    return pair;
}

static int shuffle(struct ring *ring)
{
    for (unsigned i = ring->count; i > 1; i--) {
        uint32_t drawn;
        int err = gh_random(&drawn, sizeof(drawn));
        unsigned j;
        uint16_t pair;

        if (err)
            return err;
        j = drawn % i;
        pair = ring->pairs[i - 1];
        ring->pairs[i - 1] = ring->pairs[j];
        ring->pairs[j] = pair;
    }
    return 0;
}

int gh_port_pool_new(struct gh_port_pool **out, uint16_t first, uint16_t last, uint64_t delay_ms)
{
    unsigned from = (first + 1U) & ~1U, count = last > from ? (last - from + 1U) / 2 : 0;
    struct gh_port_pool *pool;
    int err = GH_ENOMEM;

    if (first == 0 || count == 0)
        return GH_EINVAL;
    pool = calloc(1, sizeof(*pool));
    if (!pool)
        goto out;
    pool->first = (uint16_t)from;
    pool->delay_ms = delay_ms;
    pool->free.size = pool->resting.size = count;
    pool->free.pairs = calloc(count, sizeof(*pool->free.pairs));
    pool->resting.pairs = calloc(count, sizeof(*pool->resting.pairs));
    pool->resting.until_ms = calloc(count, sizeof(*pool->resting.until_ms));
    if (!pool->free.pairs || !pool->resting.pairs || !pool->resting.until_ms)
        goto out;
    for (unsigned i = 0; i < count; i++)
        ring_push(&pool->free, (uint16_t)i, 0);
    err = shuffle(&pool->free);
    if (err)
        goto out;
    *out = pool;
    pool = NULL;
out:
    gh_port_pool_free(pool);
    return err;
}

void gh_port_pool_free(struct gh_port_pool *pool)
{
    if (!pool)
        return;
    free(pool->free.pairs);
    free(pool->resting.pairs);
    free(pool->resting.until_ms);
    free(pool);
}

/* ---- sockets --------------------------------------------------------------------------------- */

static void close_socket(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void gh_port_pair_close(struct gh_port_pair *pair)
{
    for (int i = 0; i < 2; i++) {
        close_socket(&pair->known[i]);
        close_socket(&pair->stranger[i]);
    }
}

static int set_flag(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

static int bind_socket(int *out, const struct gh_addr *address, uint16_t port, bool shared)
{
    struct gh_addr local = *address;
    struct sockaddr_storage ss;
    socklen_t len;
    int fd, err = 0;

    local.port = port;
    len = gh_addr_to_sockaddr(&local, &ss);
    fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    /* Else a port at :: would take IPv4 too, from peers as ::ffff:..., and be in the way of the IPv4 port of that number. */
    if (local.family == 6)
        err = set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (!err && shared)
        err = set_flag(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (!err && bind(fd, (const struct sockaddr *)&ss, len))
        err = -errno;
    if (err)
        close(fd);
    else
        *out = fd;
    return err;
}

int gh_media_can_bind(const struct gh_addr *address)
{
    int fd = -1, err = bind_socket(&fd, address, 0, false);

    if (!err)
        close(fd);
    return err;
}

/*
 * The first socket is bound alone, so that EADDRINUSE tells of anybody else on the port, even of a
 * program that allows sharing; only then is the port opened for our second socket.
 */
static int bind_port(const struct gh_addr *address, uint16_t port, int *known, int *stranger)
{
    int err = bind_socket(known, address, port, false);

    if (!err)
        err = set_flag(*known, SOL_SOCKET, SO_REUSEPORT, 1);
    if (!err)
        err = bind_socket(stranger, address, port, true);
    if (!err)
        err = set_flag(*stranger, SOL_SOCKET, SO_RCVBUF, STRANGER_BUFFER);
    return err;
}

/* The system's stock is out, not ours: the same to whoever asks. */
static bool stock_is_out(int err)
{
    return err == -EMFILE || err == -ENFILE || err == -ENOBUFS;
}

static int bind_pair(const struct gh_addr *address, uint16_t rtp, struct gh_port_pair *out)
{
    struct gh_port_pair pair = { rtp, { -1, -1 }, { -1, -1 } };
    int err = 0;

    for (int i = 0; i < 2 && !err; i++)
        err = bind_port(address, (uint16_t)(rtp + i), &pair.known[i], &pair.stranger[i]);
    if (err)
        gh_port_pair_close(&pair);
    else
        *out = pair;
    return err;
}

/* ---- take and release ------------------------------------------------------------------------ */

static void wake_rested(struct gh_port_pool *pool, uint64_t now_ms)
{
    struct ring *resting = &pool->resting;

    while (resting->count && resting->until_ms[resting->head] <= now_ms)
        ring_push(&pool->free, ring_pop(resting), 0);
}

int gh_port_pool_take(struct gh_port_pool *pool, const struct gh_addr *address, uint64_t now_ms,
                      struct gh_port_pair *out)
{
    unsigned tries;

    wake_rested(pool, now_ms);
    tries = pool->free.count < FOREIGN_MAX ? pool->free.count : FOREIGN_MAX;
    while (tries--) {
        uint16_t pair = ring_pop(&pool->free);
        int err = bind_pair(address, (uint16_t)(pool->first + 2 * pair), out);

        if (!err)
            return 0;
        ring_push(&pool->free, pair, 0);
        if (stock_is_out(err))
            return GH_EFULL;
        if (err != -EADDRINUSE && err != -EACCES)
            return err;
    }
    return GH_EFULL;
}

static uint16_t pair_of(const struct gh_port_pool *pool, uint16_t rtp_port)
{
    return (uint16_t)((rtp_port - pool->first) / 2);
}

void gh_port_pool_release(struct gh_port_pool *pool, uint16_t rtp_port, uint64_t now_ms)
{
    ring_push(&pool->resting, pair_of(pool, rtp_port), now_ms + pool->delay_ms);
    wake_rested(pool, now_ms);
}

void gh_port_pool_return(struct gh_port_pool *pool, uint16_t rtp_port)
{
    ring_push(&pool->free, pair_of(pool, rtp_port), 0);
}

void gh_port_pool_usage(struct gh_port_pool *pool, uint64_t now_ms, unsigned *used, unsigned *all)
{
    wake_rested(pool, now_ms);
    *all = pool->free.size;
    *used = pool->free.size - pool->free.count;
}
