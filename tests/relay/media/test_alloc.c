/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of our own that can fail while contexts, pools and streams are made: an error, and nothing kept. */
#include "support/alloc_fail.h"

#include "support/check.h"

#include <uv.h>

#include <gatehouse/err.h>
#include "crypto/srtp_ciphers.h"
#include "media/media_int.h"
#include "media/port_pool.h"
#include "support_media.h"

#if GH_ALLOC_CAN_FAIL

static void contexts(void)
{
    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++) {
        struct gh_secret key = lab_key((enum gh_suite)s, 1);
        long failures = 0;

        for (long n = 1;; n++) {
            struct gh_srtp_rx *rx = NULL;
            struct gh_srtp_tx *tx = NULL;
            int err;

            alloc_fail_at(n);
            err = gh_srtp_rx_new(&rx, (enum gh_suite)s, &key, n % 2);
            if (!err)
                err = gh_srtp_tx_new(&tx, (enum gh_suite)s, &key);
            if (!alloc_failed()) {
                CHECK_INT(err, 0);
                gh_srtp_rx_free(rx);
                gh_srtp_tx_free(tx);
                break;
            }
            failures++;
            CHECK(err == GH_ENOMEM || err == GH_ECRYPTO);
            CHECK(tx == NULL);
            gh_srtp_rx_free(rx);
        }
        CHECK(failures >= 4);
    }
}

/* A new key takes over what the old one saw in a later ROC. */
static void heirs(void)
{
    enum gh_suite suite = GH_AES_CM_128_HMAC_SHA1_80;
    struct gh_secret key[2] = { lab_key(suite, 1), lab_key(suite, 2) };
    struct gh_srtp_rx *old = NULL;
    struct gh_srtp_tx *tx = NULL;
    struct phone phone = { .ssrc = 7 };
    long failures = 0;

    CHECK_INT(gh_srtp_rx_new(&old, suite, &key[0], false), 0);
    CHECK_INT(gh_srtp_tx_new(&tx, suite, &key[0]), 0);
    for (int i = 0; i < 4; i++) {
        uint8_t p[PKT_MAX] __attribute__((aligned(8)));
        size_t len;

        phone.ssrc = i == 1 ? 8 : 7;
        phone.seq = (uint16_t)(20000 * (i ? i - 1 : 0));
        len = make_rtp(&phone, p, 0, 160);
        CHECK_INT(gh_srtp_tx_seal_rtp(tx, 1, p, &len), 0);
        alloc_fail_at(i == 1); /* for a second source a place is made */
        CHECK_INT(gh_srtp_rx_open(old, p, &len, false), i == 1 ? GH_ENOMEM : 0);
        CHECK_INT(alloc_failed(), i == 1);
        CHECK_INT(gh_srtp_rx_pkts(old, false), i ? i : 1);
    }
    for (long n = 1;; n++) {
        struct gh_srtp_rx *rx = NULL;
        int err;

        CHECK_INT(gh_srtp_rx_new(&rx, suite, &key[1], false), 0);
        alloc_fail_at(n);
        err = gh_srtp_rx_inherit(rx, old);
        gh_srtp_rx_free(rx);
        if (!alloc_failed()) {
            CHECK_INT(err, 0);
            break;
        }
        failures++;
        CHECK(err == GH_ENOMEM || err == GH_ECRYPTO);
    }
    CHECK(failures >= 1);
    gh_srtp_rx_free(old);
    gh_srtp_tx_free(tx);
}

/* Two sides whose sockets are not there: nothing is sent. */
static void bare_stream(struct gh_stream *stream, struct gh_worker *worker)
{
    memset(stream, 0, sizeof(*stream));
    stream->worker = worker;
    for (int s = 0; s < 2; s++) {
        stream->sides[s].stream = stream;
        for (int i = 0; i < GH_PORT_COUNT; i++)
            stream->sides[s].ports[i] = (struct gh_port){ .side = &stream->sides[s], .kind = (uint8_t)i,
                                                          .known_fd = -1, .stranger_fd = -1 };
    }
}

/* A re-key that fails midway: a key that comes again has the context that it had, or none. */
static void rekeys(void)
{
    enum gh_suite suite = GH_AES_CM_128_HMAC_SHA1_80;
    struct gh_worker worker = { 0 };
    long failures = 0;

    CHECK_INT(gh_mailbox_new_blocking(&worker.outbox), 0);
    for (long n = 1;; n++) {
        struct gh_stream stream;
        struct gh_media_set set = { .generation = 1, .path = GH_PATH_BRIDGE, .suite = suite };
        const struct gh_srtp_rx *first;
        bool failed = false;

        bare_stream(&stream, &worker);
        set.rx_key = lab_key(suite, 1);
        set.rx_mki = (struct gh_media_mki){ 1, { 1 } };
        gh_side_apply(&stream.sides[0], &set, 0);
        first = stream.sides[0].rx;
        alloc_fail_at(n);
        for (uint8_t seed = 2; seed < 4; seed++) { /* the first one goes to the shelf */
            set.generation++;
            set.rx_key = lab_key(suite, seed);
            gh_side_apply(&stream.sides[0], &set, 0);
        }
        failed = alloc_failed();
        failures += failed;
        set.generation++;
        set.rx_key = lab_key(suite, 1);
        gh_side_apply(&stream.sides[0], &set, 0);
        CHECK(stream.sides[0].path == GH_PATH_NONE || stream.sides[0].rx == first);
        CHECK(failed || stream.sides[0].rx == first);
        gh_side_fini(&stream.sides[0]);
        if (!failed)
            break;
    }
    CHECK(failures >= 6);
    gh_mailbox_free(worker.outbox);
}

static void declare_two(struct gh_media_set *set, struct gh_media_more *more, uint8_t first, uint8_t second)
{
    set->rx_key = lab_key(set->suite, first);
    set->rx_mki = (struct gh_media_mki){ 1, { first } };
    more->count = 1;
    more->keys[0] = (struct gh_media_key){ .key = lab_key(set->suite, second), .mki = { 1, { second } } };
    set->rx_more = more;
}

/* The same with two keys at a time, one of which stays: none has two contexts, and none is lost without a word. */
static void rekeys_of_two(void)
{
    enum gh_suite suite = GH_AES_CM_128_HMAC_SHA1_80;
    struct gh_worker worker = { 0 };
    long failures = 0;

    CHECK_INT(gh_mailbox_new_blocking(&worker.outbox), 0);
    for (long n = 1;; n++) {
        static const uint8_t seeds[][2] = { { 2, 3 }, { 3, 4 }, { 5, 6 }, { 6, 3 } };
        struct gh_stream stream;
        struct gh_side *side = &stream.sides[0];
        struct gh_media_set set = { .generation = 1, .path = GH_PATH_BRIDGE, .suite = suite };
        struct gh_media_more more = { 0 };
        const struct gh_srtp_rx *first, *second;
        bool failed = false;

        bare_stream(&stream, &worker);
        declare_two(&set, &more, 1, 2);
        gh_side_apply(side, &set, 0);
        first = side->rx;
        second = side->rx_names->more[0].rx;
        alloc_fail_at(n);
        for (int i = 0; i < 4; i++) {
            set.generation++;
            declare_two(&set, &more, seeds[i][0], seeds[i][1]);
            gh_side_apply(side, &set, 0);
        }
        failed = alloc_failed();
        failures += failed;
        set.generation++;
        declare_two(&set, &more, 2, 1);
        gh_side_apply(side, &set, 0);
        CHECK(failed || side->path == GH_PATH_BRIDGE);
        CHECK(side->path == GH_PATH_NONE || (side->rx == second && side->rx_names->more[0].rx == first));
        CHECK(side->path == GH_PATH_BRIDGE || gh_side_has_raised(side, GH_MEDIA_EVENT_FAILED));
        gh_side_fini(side);
        if (!failed)
            break;
    }
    CHECK(failures >= 12);
    gh_mailbox_free(worker.outbox);
}

/* A bridge whose past is lost, for want of memory, has failed or goes on: it never stops without a word. */
static void bridges(void)
{
    enum gh_suite suite = GH_AES_CM_128_HMAC_SHA1_80;
    struct gh_worker worker = { 0 };
    long failures = 0, ended = 0;

    CHECK_INT(gh_mailbox_new_blocking(&worker.outbox), 0);
    for (long n = 1;; n++) {
        struct gh_stream stream;
        struct gh_media_set set = { .generation = 1, .path = GH_PATH_BRIDGE, .suite = suite };
        bool failed;

        bare_stream(&stream, &worker);
        for (uint8_t s = 0; s < 2; s++) {
            set.rx_key = lab_key(suite, (uint8_t)(1 + s));
            set.tx_key = lab_key(suite, (uint8_t)(3 + s));
            gh_side_apply(&stream.sides[s], &set, 0);
        }
        gh_side_link(&stream);
        CHECK(stream.sides[0].tx && stream.sides[1].tx);
        set.generation++;
        set.rx_key = lab_key(suite, 5);
        gh_side_apply(&stream.sides[1], &set, 0);
        gh_side_link(&stream);
        alloc_fail_at(n);
        gh_side_retire_old(&stream.sides[1]); /* as the worker does in time */
        failed = alloc_failed();
        failures += failed;
        set.generation++;
        gh_side_apply(&stream.sides[1], &set, 0); /* the session is refreshed */
        gh_side_link(&stream);
        for (int s = 0; s < 2; s++) {
            bool is_over = stream.sides[s].path == GH_PATH_NONE;

            CHECK_INT(is_over, gh_side_has_raised(&stream.sides[s], GH_MEDIA_EVENT_FAILED));
            ended += is_over;
        }
        CHECK(ended == failures);
        CHECK(failed || (stream.sides[0].tx && stream.sides[1].tx));
        gh_side_fini(&stream.sides[0]);
        gh_side_fini(&stream.sides[1]);
        if (!failed)
            break;
    }
    CHECK(failures >= 1);
    gh_mailbox_free(worker.outbox);
}

static void pools(void)
{
    for (long n = 1;; n++) {
        struct gh_port_pool *pool = NULL;
        int err;

        alloc_fail_at(n);
        err = gh_port_pool_new(&pool, 1000, 2000, 0);
        if (!alloc_failed()) {
            CHECK_INT(err, 0);
            gh_port_pool_free(pool);
            break;
        }
        CHECK_INT(err, GH_ENOMEM);
        CHECK(pool == NULL);
    }
}

static void starts(void)
{
    struct gh_media_config config = { .address = { .family = 4, .ip = { 127, 0, 0, 1 } }, .port_first = 21400,
                                      .port_last = 21403, .workers = 3 };
    struct gh_media_handlers handlers = { 0 };
    struct gh_media *media = NULL;
    uv_loop_t loop;

    uv_loop_init(&loop);
    for (long n = 1; !media; n++) {
        int err;

        alloc_fail_at(n);
        err = gh_media_start(&media, &loop, &config, &handlers);
        if (alloc_failed()) {
            CHECK_INT(err, GH_ENOMEM);
            CHECK(media == NULL);
        } else {
            CHECK_INT(err, 0);
        }
    }
    gh_media_stop(media);
    uv_run(&loop, UV_RUN_DEFAULT);
    gh_media_free(media);
    CHECK_INT(uv_loop_close(&loop), 0); /* nothing of the failed ones is left in it */
}

static void streams(void)
{
    struct lab lab;
    struct gh_media_open open = { 0 };
    struct gh_secret key = lab_key(GH_AEAD_AES_128_GCM, 1);
    struct gh_media_set set;
    unsigned used = 0, all = 0;
    uint16_t ports[2];
    gh_stream_id id;

    if (!lab_start(&lab, 4, 0))
        return;
    alloc_fail_at(1);
    CHECK_INT(gh_media_open(lab.media, &open, &id, ports), GH_ENOMEM);
    CHECK(alloc_failed());
    gh_media_port_usage(lab.media, &used, &all);
    CHECK_INT(used, 2);
    set = lab_side(&lab, 0, GH_PATH_BRIDGE, GH_AEAD_AES_128_GCM, &key, &key);
    alloc_fail_at(1);
    CHECK_INT(gh_media_set(lab.media, &set), GH_ENOMEM);
    CHECK(alloc_failed());
    CHECK_INT(set.rx_key.len, 0);
    CHECK_INT(set.rx_key.octets[0], 0);
    lab_secure(&lab, GH_PATH_BRIDGE, GH_AEAD_AES_128_GCM, GH_AES_CM_128_HMAC_SHA1_80);
    check_flows(&lab, 0, false);
    LAB_END(&lab);
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(contexts);
    RUN(heirs);
    RUN(rekeys);
    RUN(rekeys_of_two);
    RUN(bridges);
    RUN(pools);
    RUN(starts);
    RUN(streams);
    return CHECK_REPORT();
}

#else

int main(void)
{
    printf("the sanitizer has its own allocator\n");
    return 0;
}

#endif
