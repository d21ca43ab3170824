/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A SIP phone for the demo and the end-to-end tests, made of libre alone: its SIP user agent, its SDP, its
 * SRTP, its TLS.  Nothing of gatehouse is in it, so that two stacks meet in every test.
 *
 * It calls or answers, one call or many, sends a fixed number of RTP packets (a tone, PCMU) on each, counts what
 * comes back, and ends with one line of JSON.
 */
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <openssl/ssl.h>
#include <re.h>

#define PACKET_MS 20
#define SAMPLES 160
#define CALLS_MAX 4096
#define LINGER_MS 500 /* after the last packet of ours, for those still on their way */

static const struct suite {
    const char *name;
    enum srtp_suite id;
    size_t key_len;
} suites[] = {
    { "AES_CM_128_HMAC_SHA1_80", SRTP_AES_CM_128_HMAC_SHA1_80, 30 },
    { "AES_CM_128_HMAC_SHA1_32", SRTP_AES_CM_128_HMAC_SHA1_32, 30 },
    { "AES_256_CM_HMAC_SHA1_80", SRTP_AES_256_CM_HMAC_SHA1_80, 46 },
    { "AES_256_CM_HMAC_SHA1_32", SRTP_AES_256_CM_HMAC_SHA1_32, 46 },
    { "AEAD_AES_128_GCM", SRTP_AES_128_GCM, 28 },
    { "AEAD_AES_256_GCM", SRTP_AES_256_GCM, 44 },
};

static struct {
    const char *name, *transport, *local, *cert, *ca, *call, *suite, *profile, *trace, *keys;
    unsigned calls, rate, seconds, media_port, ring_ms;
    bool answer, plain_media;
} opt = { .name = "1018", .transport = "tls", .local = "127.0.0.1:5061", .suite = "AES_CM_128_HMAC_SHA1_80",
          .profile = "savp", .calls = 1, .rate = 50, .seconds = 2, .media_port = 40000 };

struct call {
    struct le le;
    struct sipsess *sess;
    struct sdp_session *sdp;
    struct sdp_media *audio;
    struct udp_sock *rtp, *rtcp;
    struct srtp *tx, *rx;
    uint8_t tx_key[46];
    const struct suite *suite;
    struct sa remote;
    struct tmr tmr;
    uint64_t next_ms;
    uint32_t ssrc, ts;
    uint16_t seq;
    unsigned left;
    bool media_up;
};

static struct {
    struct sip *sip;
    struct sipsess_sock *sock;
    struct tls *tls;
    struct sa laddr;
    struct list calls;
    struct tmr launch;
    FILE *trace;
    unsigned started, answered, ended;
    unsigned long long sent, received, auth_failed, plain_received;
    int status;
    char phrase[64], warning[512], security[64], suite_used[40], rcv_suite[40];
    int16_t tone[50];
} phone;

/* ---- media ------------------------------------------------------------------------------------------------ */

static uint8_t ulaw(int sample)
{
    int sign = sample < 0 ? 0x80 : 0, magnitude = abs(sample) + 132, exponent = 7;

    if (magnitude > 32767)
        magnitude = 32767;
    for (int mask = 0x4000; exponent > 0 && !(magnitude & mask); mask >>= 1)
        exponent--;
    return (uint8_t)~(sign | exponent << 4 | (magnitude >> (exponent + 3) & 0x0f));
}

static void call_end(struct call *c);

static void on_tick(void *arg)
{
    struct call *c = arg;
    struct mbuf *mb;
    uint64_t now = tmr_jiffies();

    if (!c->left) {
        if (opt.call)
            call_end(c); /* who calls hangs up */
        return;
    }
    mb = mbuf_alloc(SAMPLES + 64);
    if (mb) {
        mbuf_write_u8(mb, 0x80);
        mbuf_write_u8(mb, 0);
        mbuf_write_u16(mb, htons(c->seq++));
        mbuf_write_u32(mb, htonl(c->ts));
        mbuf_write_u32(mb, htonl(c->ssrc));
        for (unsigned i = 0; i < SAMPLES; i++)
            mbuf_write_u8(mb, ulaw((int)(8000 * sin(2 * M_PI * 440 * (c->ts + i) / 8000))));
        c->ts += SAMPLES;
        mbuf_set_pos(mb, 0);
        if ((!c->tx || opt.plain_media || !srtp_encrypt(c->tx, mb)) && !udp_send(c->rtp, &c->remote, mb))
            phone.sent++;
        mem_deref(mb);
    }
    c->left--;
    c->next_ms += PACKET_MS;
    if (!c->left)
        c->next_ms += LINGER_MS;
    tmr_start(&c->tmr, c->next_ms > now ? c->next_ms - now : 0, on_tick, c);
}

static void on_rtp(const struct sa *src, struct mbuf *mb, void *arg)
{
    struct call *c = arg;

    (void)src;
    if (c->rx && srtp_decrypt(c->rx, mb)) {
        phone.auth_failed++;
        return;
    }
    if (mbuf_get_left(mb) < 12 || mbuf_buf(mb)[0] >> 6 != 2)
        return;
    if (c->rx)
        phone.received++;
    else
        phone.plain_received++;
}

static void on_rtcp(const struct sa *src, struct mbuf *mb, void *arg)
{
    (void)src;
    (void)mb;
    (void)arg;
}

static void media_start(struct call *c)
{
    if (c->media_up)
        return;
    c->media_up = true;
    c->remote = *sdp_media_raddr(c->audio);
    c->left = opt.seconds * 1000 / PACKET_MS;
    c->next_ms = tmr_jiffies();
    tmr_start(&c->tmr, 0, on_tick, c);
}

/* ---- keys ------------------------------------------------------------------------------------------------- */

static const struct suite *suite_by_name(const struct pl *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
        if (!pl_strcasecmp(name, suites[i].name))
            return &suites[i];
    }
    return NULL;
}

/* Every key that was used, in base64: a test looks for them where they must not be. */
static void note_key(const char *base64)
{
    FILE *f = opt.keys ? fopen(opt.keys, "a") : NULL;

    if (!f)
        return;
    fprintf(f, "%s\n", base64);
    fclose(f);
}

static int set_crypto(struct call *c, const char *tag)
{
    char base64[80];
    size_t len = sizeof(base64) - 1;
    int err = base64_encode(c->tx_key, c->suite->key_len, base64, &len);

    if (err)
        return err;
    base64[len] = 0;
    note_key(base64);
    return sdp_media_set_lattr(c->audio, true, "crypto", "%s %s inline:%s", tag, c->suite->name, base64);
}

/* The peer's a=crypto that we can use: an answer's only one, an offer's first of our suite. */
static bool crypto_handler(const char *name, const char *value, void *arg)
{
    struct call *c = arg;
    struct pl tag, suite, key;
    uint8_t octets[64];
    size_t len = sizeof(octets);
    const struct suite *s;
    char tag_text[16];

    (void)name;
    if (re_regex(value, str_len(value), "[0-9]+ [^ ]+ inline:[^| ]+", &tag, &suite, &key))
        return false;
    s = suite_by_name(&suite);
    if (!s || (opt.answer && strcmp(s->name, opt.suite)))
        return false;
    if (base64_decode(key.p, key.l, octets, &len) || len != s->key_len)
        return false;
    if (srtp_alloc(&c->rx, s->id, octets, len, 0))
        return false;
    c->suite = s;
    if (opt.answer) {
        pl_strcpy(&tag, tag_text, sizeof(tag_text));
        set_crypto(c, tag_text);
    }
    srtp_alloc(&c->tx, s->id, c->tx_key, s->key_len, 0);
    str_ncpy(phone.suite_used, s->name, sizeof(phone.suite_used));
    return true;
}

/* ---- calls ------------------------------------------------------------------------------------------------- */

static void call_destroy(void *arg)
{
    struct call *c = arg;

    tmr_cancel(&c->tmr);
    list_unlink(&c->le);
    mem_deref(c->sess);
    mem_deref(c->sdp);
    mem_deref(c->rtp);
    mem_deref(c->rtcp);
    mem_deref(c->tx);
    mem_deref(c->rx);
}

static struct call *call_new(void)
{
    struct call *c = mem_zalloc(sizeof(*c), call_destroy);
    const bool savp = !strcmp(opt.profile, "savp");
    struct sa media = phone.laddr;
    int err;

    if (!c)
        return NULL;
    tmr_init(&c->tmr);
    c->ssrc = rand_u32();
    c->seq = (uint16_t)(rand_u16() & 0x7fff);
    rand_bytes(c->tx_key, sizeof(c->tx_key));
    sa_set_port(&media, (uint16_t)(opt.media_port + 2 * phone.started++));
    err = udp_listen(&c->rtp, &media, on_rtp, c);
    if (!err) {
        struct sa rtcp = media;

        udp_rxsz_set(c->rtp, 2048);
        udp_sockbuf_set(c->rtp, 262144);
        sa_set_port(&rtcp, (uint16_t)(sa_port(&media) + 1));
        err = udp_listen(&c->rtcp, &rtcp, on_rtcp, c);
    }
    if (!err)
        err = sdp_session_alloc(&c->sdp, &media);
    if (!err)
        err = sdp_media_add(&c->audio, c->sdp, sdp_media_audio, sa_port(&media), savp ? "RTP/SAVP" : "RTP/AVP");
    if (!err)
        err = sdp_media_set_alt_protos(c->audio, 2, "RTP/AVP", "RTP/SAVP");
    if (!err)
        err = sdp_format_add(NULL, c->audio, false, "0", "PCMU", 8000, 1, NULL, NULL, NULL, false, NULL);
    if (err) {
        fprintf(stderr, "phone: %s\n", strerror(err));
        mem_deref(c);
        return NULL;
    }
    list_append(&phone.calls, &c->le, c);
    return c;
}

static void finish_when_done(void)
{
    if (opt.call && phone.ended >= opt.calls)
        re_cancel();
}

static void call_end(struct call *c)
{
    phone.ended++;
    mem_deref(c); /* its session sends BYE */
    if (opt.call && phone.ended >= opt.calls)
        tmr_start(&phone.launch, 1500, (tmr_h *)(void (*)(void))finish_when_done, NULL);
}

static void note_security(const struct sip_msg *msg)
{
    const struct sip_hdr *hdr = sip_msg_xhdr(msg, "Call-Info");
    struct pl value;

    if (hdr && !re_regex(hdr->val.p, hdr->val.l, "security=[ ]*[a-zA-Z]+", NULL, &value))
        pl_strcpy(&value, phone.security, sizeof(phone.security));
}

static int on_offer(struct mbuf **desc, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;

    (void)msg;
    return sdp_encode(desc, c->sdp, false);
}

static int on_answer(const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    int err = sdp_decode(c->sdp, msg->mb, false);

    if (!err && strcmp(opt.suite, "none"))
        sdp_media_rattr_apply(c->audio, "crypto", crypto_handler, c);
    note_security(msg);
    return err;
}

static void on_progress(const struct sip_msg *msg, void *arg)
{
    (void)msg;
    (void)arg;
}

static void on_established(const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;

    phone.answered++;
    if (opt.call)
        phone.status = msg->scode;
    media_start(c);
}

static void on_close(int err, const struct sip_msg *msg, void *arg)
{
    struct call *c = arg;
    const struct sip_hdr *hdr;

    if (msg && !c->media_up) {
        phone.status = msg->scode;
        pl_strcpy(&msg->reason, phone.phrase, sizeof(phone.phrase));
        hdr = sip_msg_hdr(msg, SIP_HDR_WARNING);
        if (hdr)
            pl_strcpy(&hdr->val, phone.warning, sizeof(phone.warning));
    } else if (err && !c->media_up) {
        str_ncpy(phone.phrase, strerror(err), sizeof(phone.phrase));
    }
    c->sess = mem_deref(c->sess);
    call_end(c);
}

static void on_incoming(const struct sip_msg *msg, void *arg)
{
    struct call *c = call_new();
    struct mbuf *desc = NULL;
    int err;

    (void)arg;
    if (!c) {
        sip_treply(NULL, phone.sip, msg, 500, "No resources");
        return;
    }
    err = sdp_decode(c->sdp, msg->mb, true);
    if (!err && strcmp(opt.suite, "none"))
        sdp_media_rattr_apply(c->audio, "crypto", crypto_handler, c);
    if (!err && !c->rx && strcmp(opt.suite, "none")) {
        sip_treply(NULL, phone.sip, msg, 488, "No usable crypto");
        mem_deref(c);
        return;
    }
    note_security(msg);
    if (!err)
        err = sipsess_accept(&c->sess, phone.sock, msg, 180, "Ringing", opt.name, "application/sdp", NULL, NULL,
                             NULL, false, on_offer, on_answer, on_established, NULL, NULL, on_close, c, NULL);
    if (!err)
        err = sdp_encode(&desc, c->sdp, false);
    if (!err)
        err = sipsess_answer(c->sess, 200, "OK", desc, NULL);
    mem_deref(desc);
    if (err) {
        fprintf(stderr, "phone: incoming call: %s\n", strerror(err));
        mem_deref(c);
    }
}

static void place_call(void *arg)
{
    struct call *c = call_new();
    struct mbuf *desc = NULL;
    char from[128], tag[] = "1";
    struct pl name;
    int err = c ? 0 : ENOMEM;

    (void)arg;
    if (!err && strcmp(opt.suite, "none")) {
        pl_set_str(&name, opt.suite);
        c->suite = suite_by_name(&name);
        err = c->suite ? set_crypto(c, tag) : EINVAL;
    }
    if (!err)
        err = sdp_encode(&desc, c->sdp, true);
    re_snprintf(from, sizeof(from), "sip:%s@%j", opt.name, &phone.laddr);
    if (!err)
        err = sipsess_connect(&c->sess, phone.sock, opt.call, opt.name, from, opt.name, NULL, 0, "application/sdp",
                              desc, NULL, NULL, false, on_offer, on_answer, on_progress, on_established, NULL, NULL,
                              on_close, c, NULL);
    mem_deref(desc);
    if (err) {
        fprintf(stderr, "phone: call: %s\n", strerror(err));
        exit(1);
    }
    if (phone.started < opt.calls)
        tmr_start(&phone.launch, 1000 / opt.rate, place_call, NULL);
}

/* ---- trace: what this phone sent and received, keys blanked ------------------------------------------------- */

static void on_trace(bool tx, enum sip_transp tp, const struct sa *src, const struct sa *dst, const uint8_t *pkt,
                     size_t len, void *arg)
{
    size_t i = 0;

    (void)arg;
    (void)src;
    (void)dst;
    fprintf(phone.trace, "--- %llu %s %s\n", (unsigned long long)tmr_jiffies(), tx ? "sent" : "received",
            sip_transp_name(tp));
    while (i < len) {
        if (len - i >= 7 && !memcmp(pkt + i, "inline:", 7)) {
            fputs("inline:***", phone.trace);
            for (i += 7; i < len && !strchr("|\r\n ;", pkt[i]); i++)
                ;
            continue;
        }
        fputc(pkt[i++], phone.trace);
    }
    fputc('\n', phone.trace);
    fflush(phone.trace);
}

/* ---- start ---------------------------------------------------------------------------------------------------- */

static int tls_setup(void)
{
    SSL_CTX *ctx;
    int err = tls_alloc(&phone.tls, TLS_METHOD_SSLV23, opt.cert, NULL);

    if (err)
        return err;
    if (opt.ca)
        err = tls_add_ca(phone.tls, opt.ca);
    /* libre verifies nothing by itself; a phone worth testing with does, both ways. */
    ctx = tls_openssl_context(phone.tls);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    return err;
}

static int phone_setup(void)
{
    bool tls = !strcmp(opt.transport, "tls");
    int err = sa_decode(&phone.laddr, opt.local, strlen(opt.local));

    if (!err)
        err = sip_alloc(&phone.sip, NULL, 4096, 4096, 4096, "phone", NULL, NULL);
    if (!err && tls)
        err = tls_setup();
    if (!err)
        err = sip_transp_add(phone.sip, tls ? SIP_TRANSP_TLS : SIP_TRANSP_TCP, &phone.laddr, phone.tls);
    if (!err && opt.trace) {
        phone.trace = fopen(opt.trace, "w");
        if (phone.trace)
            sip_set_trace_handler(phone.sip, on_trace);
    }
    if (!err)
        err = sipsess_listen(&phone.sock, phone.sip, 4096, on_incoming, NULL);
    return err;
}

static void report(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    printf("{\"name\":\"%s\",\"role\":\"%s\",\"calls\":%u,\"answered\":%u,\"status\":%d,\"phrase\":\"%s\","
           "\"suite\":\"%s\",\"sent\":%llu,\"received\":%llu,\"plain_received\":%llu,\"auth_failed\":%llu,"
           "\"security\":\"%s\",\"cpu_ms\":%ld,\"warning\":\"",
           opt.name, opt.call ? "caller" : "answerer", phone.started, phone.answered, phone.status, phone.phrase,
           phone.suite_used, phone.sent, phone.received, phone.plain_received, phone.auth_failed, phone.security,
           (long)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
               (long)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000);
    for (const char *p = phone.warning; *p; p++) {
        if (*p == '"' || *p == '\\')
            putchar('\\');
        putchar(*p);
    }
    printf("\"}\n");
}

static void on_signal(int sig)
{
    (void)sig;
    re_cancel();
}

static void usage(void)
{
    fprintf(stderr,
            "usage: demo-phone (--answer | --call URI) [--name USER] [--transport tls|tcp] [--local ADDR:PORT]\n"
            "         [--cert PEM] [--ca PEM] [--suite NAME|none] [--profile savp|avp] [--seconds N] [--calls N]\n"
            "         [--rate CALLS_PER_SECOND] [--media-port N] [--trace FILE] [--keys FILE] [--plain-media]\n");
    exit(2);
}

static void options(int argc, char **argv)
{
    static const struct option longs[] = {
        { "answer", no_argument, NULL, 'a' }, { "call", required_argument, NULL, 'c' },
        { "name", required_argument, NULL, 'n' }, { "transport", required_argument, NULL, 't' },
        { "local", required_argument, NULL, 'l' }, { "cert", required_argument, NULL, 'C' },
        { "ca", required_argument, NULL, 'A' }, { "suite", required_argument, NULL, 's' },
        { "profile", required_argument, NULL, 'p' }, { "seconds", required_argument, NULL, 'S' },
        { "calls", required_argument, NULL, 'N' }, { "rate", required_argument, NULL, 'r' },
        { "media-port", required_argument, NULL, 'm' }, { "trace", required_argument, NULL, 'T' },
        { "keys", required_argument, NULL, 'k' }, { "plain-media", no_argument, NULL, 'P' }, { 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 'a': opt.answer = true; break;
        case 'c': opt.call = optarg; break;
        case 'n': opt.name = optarg; break;
        case 't': opt.transport = optarg; break;
        case 'l': opt.local = optarg; break;
        case 'C': opt.cert = optarg; break;
        case 'A': opt.ca = optarg; break;
        case 's': opt.suite = optarg; break;
        case 'p': opt.profile = optarg; break;
        case 'S': opt.seconds = (unsigned)atoi(optarg); break;
        case 'N': opt.calls = (unsigned)atoi(optarg); break;
        case 'r': opt.rate = (unsigned)atoi(optarg); break;
        case 'm': opt.media_port = (unsigned)atoi(optarg); break;
        case 'T': opt.trace = optarg; break;
        case 'k': opt.keys = optarg; break;
        case 'P': opt.plain_media = true; break;
        default: usage();
        }
    }
    if (opt.answer == !!opt.call || !opt.rate || !opt.calls || opt.calls > CALLS_MAX || optind != argc)
        usage();
}

int main(int argc, char **argv)
{
    int err;

    options(argc, argv);
    err = libre_init();
    if (!err)
        err = fd_setsize(16384);
    if (!err)
        err = phone_setup();
    if (err) {
        fprintf(stderr, "phone: %s\n", strerror(err));
        return 1;
    }
    printf("ready\n");
    fflush(stdout);
    tmr_init(&phone.launch);
    if (opt.call)
        place_call(NULL);
    re_main(on_signal);
    report();
    tmr_cancel(&phone.launch);
    list_flush(&phone.calls);
    sipsess_close_all(phone.sock);
    sip_close(phone.sip, true);
    mem_deref(phone.sock);
    mem_deref(phone.sip);
    mem_deref(phone.tls);
    libre_close();
    return 0;
}
