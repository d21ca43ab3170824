/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing and printing whole documents: loss-free, strict, within limits. */
#include "sdp/samples.h"

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
#define AUDIO "m=audio 4000 RTP/AVP 0\r\n"

static void test_samples_print_unchanged(void)
{
    for (const struct sample *s = samples; s->name; s++) {
        struct gh_sdp *doc = parse_text(s->text), *copy = NULL;

        CHECK_OR_STOP(doc);
        CHECK_PRINTS(doc, s->text);
        CHECK_INT(gh_sdp_len(doc), strlen(s->text));
        CHECK_INT(gh_sdp_media_count(doc), s->media);
        CHECK_INT(gh_sdp_clone(&copy, doc), 0);
        CHECK_OR_STOP(copy);
        CHECK_PRINTS(copy, s->text);
        CHECK_INT(gh_sdp_compare(doc, copy), GH_SDP_SAME);
        gh_sdp_free(copy);
        gh_sdp_free(doc);
    }
}

static void test_print_needs_room(void)
{
    struct gh_sdp *doc = parse_text(HEAD);
    char buf[sizeof(HEAD)];
    size_t len = 7;

    CHECK_INT(gh_sdp_print(doc, buf, sizeof(HEAD) - 2, &len), GH_EFULL);
    CHECK_INT(len, 7);
    CHECK_INT(gh_sdp_print(doc, buf, sizeof(HEAD) - 1, &len), 0);
    CHECK_SPAN(gh_span_of(buf, len), HEAD);
    gh_sdp_free(doc);
    gh_sdp_free(NULL);
}

static void test_lines(void)
{
    struct gh_sdp *doc = parse_text(HEAD AUDIO "a=sendrecv\r\na=ptime:20\r\na=x:\r\n\r\n");
    struct gh_sdp_line line;

    CHECK_INT(gh_sdp_line_count(doc), 9);
    CHECK_INT(gh_sdp_line(doc, 4, &line), 0);
    CHECK_INT(line.type, 'm');
    CHECK_INT(line.section, 0);
    CHECK_INT(line.number, 5);
    CHECK_SPAN(line.raw, AUDIO);
    CHECK_SPAN(line.value, "audio 4000 RTP/AVP 0");
    CHECK_INT(gh_sdp_line(doc, 5, &line), 0);
    CHECK_SPAN(line.name, "sendrecv");
    CHECK(line.attr.p == NULL);
    CHECK_INT(gh_sdp_line(doc, 6, &line), 0);
    CHECK_SPAN(line.name, "ptime");
    CHECK_SPAN(line.attr, "20");
    CHECK_INT(gh_sdp_line(doc, 7, &line), 0);
    CHECK_SPAN(line.attr, "");
    CHECK_INT(gh_sdp_line(doc, 8, &line), 0);
    CHECK_INT(line.type, 0);
    CHECK_INT(line.section, -2);
    CHECK_SPAN(line.value, "");
    CHECK_INT(gh_sdp_line(doc, 9, &line), GH_ENOTFOUND);
    gh_sdp_free(doc);
}

/* Texts with a NUL inside need their length. */
struct malformed {
    const char *text;
    size_t len;
    uint32_t line;
};

#define BAD(text, line) { text, sizeof(text) - 1, line }

static const struct malformed malformed[] = {
    BAD("", 0),
    BAD("\r\n", 1),
    BAD("hello", 1),
    BAD("o=- 1 1 IN IP4 192.0.2.1\r\n", 1),
    BAD(" v=0\r\n", 1),
    BAD("\xef\xbb\xbfv=0\r\n", 1),
    BAD("v=1\r\n", 1),
    BAD("v=00\r\n", 1),
    BAD("v=0 \r\n", 1),
    BAD("v=\r\n", 1),
    BAD("v=0\r\nv=0\r\n", 2),
    BAD("v=0\r\ns=-\r\nt=0 0\r\n", 0),                      /* no o= */
    BAD("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nt=0 0\r\n", 0), /* no s= */
    BAD("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n", 0),   /* no t= */
    BAD("v=0\r\no=- 1 1 IN IP4\r\n", 2),                    /* five fields */
    BAD("v=0\r\no=- 1 1 IN IP4 192.0.2.1 x\r\n", 2),        /* seven */
    BAD("v=0\r\no= 1 1 IN IP4 192.0.2.1\r\n", 2),           /* empty user */
    BAD("v=0\r\no=-  1 1 IN IP4 192.0.2.1\r\n", 2),
    BAD("v=0\r\no=- x 1 IN IP4 192.0.2.1\r\n", 2),
    BAD("v=0\r\no=- 1 -1 IN IP4 192.0.2.1\r\n", 2),
    BAD("v=0\r\no=inline:QUJD 1 1 IN IP4 192.0.2.1\r\n", 2), /* keying where none can go away */
    BAD("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\no=- 1 1 IN IP4 192.0.2.1\r\n", 3),
    BAD("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\ns=-\r\n", 4),
    BAD("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0\r\n", 4),
    BAD("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0 0\r\n", 4),
    BAD("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=now 0\r\n", 4),
    BAD(HEAD "c=IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\n", 6),
    BAD(HEAD "c=IN IP4\r\n", 5),
    BAD(HEAD "c=IN IP4 \r\n", 5),
    BAD(HEAD "c=IN IP4 2001:db8::1\r\n", 5),
    BAD(HEAD "c=IN IP6 192.0.2.1\r\n", 5),
    BAD(HEAD "c=IN IP6 [2001:db8::1]\r\n", 5),
    BAD(HEAD "c=IN IP4 192.0.2.256\r\n", 5),
    BAD(HEAD "c=IN IP4 192.0.2\r\n", 5),
    BAD(HEAD "c=IN IP4 192.0.2.1:4000\r\n", 5),
    BAD(HEAD "c=IN IP4 224.2.1.1/\r\n", 5),
    BAD(HEAD "c=IN IP4 224.2.1.1/x\r\n", 5),
    BAD(HEAD "c=IN IP4 224.2.1.1/127/\r\n", 5),
    BAD(HEAD "c=IN IP4 a b\r\n", 5),
    BAD(HEAD "c=IN IP5 192.0.2.1 x\r\n", 5),
    BAD(HEAD "m=audio\r\n", 5),
    BAD(HEAD "m=audio 4000\r\n", 5),
    BAD(HEAD "m=audio 4000 RTP/AVP\r\n", 5),
    BAD(HEAD "m=audio 65536 RTP/AVP 0\r\n", 5),
    BAD(HEAD "m=audio 70000 RTP/AVP 0\r\n", 5), /* libre: 4464 */
    BAD(HEAD "m=audio abc RTP/AVP 0\r\n", 5),   /* libre: 0 */
    BAD(HEAD "m=audio -1 RTP/AVP 0\r\n", 5),
    BAD(HEAD "m=audio +1 RTP/AVP 0\r\n", 5),
    BAD(HEAD "m=audio 4000/0 RTP/AVP 0\r\n", 5),
    BAD(HEAD "m=audio 4000/ RTP/AVP 0\r\n", 5),
    BAD(HEAD "m=audio /2 RTP/AVP 0\r\n", 5),
    BAD(HEAD "m=audio 4000/2/2 RTP/AVP 0\r\n", 5),
    BAD(HEAD "m= junk audio 1 RTP/AVP 0\r\n", 5), /* libre: taken */
    BAD(HEAD "m=audio  4000 RTP/AVP 0\r\n", 5),
    BAD(HEAD "m=audio 4000 RTP//AVP 0\r\n", 5),
    BAD(HEAD "m=audio 4000 RTP/AVP/ 0\r\n", 5),
    BAD(HEAD "m=audio 4000 RTP/AVP 0 in:line\r\n", 5),
    BAD(HEAD "m=audio 4000 RTP/AVP 0 inline%3AQUJD\r\n", 5),
    BAD(HEAD "M=audio 4000 RTP/AVP 0\r\n", 5),
    BAD(HEAD "A=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:QUJD\r\n", 5), /* an unknown type letter */
    BAD(HEAD "y=0100000001\r\n", 5),
    BAD(HEAD AUDIO "t=0 0\r\n", 6),
    BAD(HEAD AUDIO "s=-\r\n", 6),
    BAD(HEAD AUDIO "o=- 1 1 IN IP4 192.0.2.1\r\n", 6),
    BAD(HEAD AUDIO "v=0\r\n", 6),
    BAD(HEAD AUDIO " a=sendrecv\r\n", 6), /* folded */
    BAD(HEAD AUDIO "a\r\n", 6),
    BAD(HEAD AUDIO "a:sendrecv\r\n", 6),
    BAD(HEAD AUDIO "a =sendrecv\r\n", 6),
    BAD(HEAD "\r\n" AUDIO, 6), /* an empty line in between */
    BAD(HEAD AUDIO "a=x\ry\r\n", 6),
    BAD(HEAD AUDIO "a=x\r\r\n", 6),
    BAD(HEAD AUDIO "a=x\r", 6),
    BAD(HEAD AUDIO "a=x\0y\r\n", 6),
    BAD(HEAD AUDIO "a=sendrecv\r\n\0", 7),
};

static void test_malformed(void)
{
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        const struct malformed *m = &malformed[i];
        struct gh_sdp_error error = { 999, NULL };
        struct gh_sdp *doc = NULL;
        int err = gh_sdp_parse(&doc, gh_span_of(m->text, m->len), &error);

        if (!CHECK_INT(err, GH_ESYNTAX) || !CHECK_INT(error.line, m->line) || !CHECK(error.text))
            fprintf(stderr, "  in: %s\n", m->text);
        CHECK(doc == NULL);
        CHECK_INT(gh_sdp_parse(&doc, gh_span_of(m->text, m->len), NULL), GH_ESYNTAX);
    }
}

/* What is let in against the letter; document.c says why. */
static void test_lenient(void)
{
    static const char *const texts[] = {
        "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n",     /* LF */
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0", /* no end */
        HEAD "\r\n\r\n",
        "v=0\r\nt=0 0\r\ns=-\r\nc=IN IP4 192.0.2.1\r\no=- 1 1 IN IP4 192.0.2.1\r\n",
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1 \r\ns=\r\nt=0 0 \r\n",
        HEAD "c=IN IP4 192.0.2.1 \r\n" AUDIO,
        HEAD "m=audio 4000 RTP/AVP 0 8 \r\n",
        HEAD "m=audio 4000 RTP/AVP 0  8\r\n",
        HEAD "m=video 0 RTP/AVP\r\n",
        HEAD "m=video 0 RTP/AVP \r\n",
        HEAD AUDIO "b=AS:-1\r\nb=X-YZ:what\r\n",                   /* libre refuses it all */
        HEAD AUDIO "a=rtpmap:broken\r\na=fmtp\r\na=\r\na=: :\r\n", /* libre refuses it all */
        HEAD AUDIO "a=ptime:20\r\nc=IN IP4 192.0.2.1\r\nb=AS:64\r\nc=IN IP4 192.0.2.2\r\n",
        HEAD "z=0 0\r\nr=1 1 1\r\nk=prompt\r\nu=x\r\ne=y\r\np=z\r\ni=\xff\xfe\r\n",
        HEAD "c=ATM NSAP 47.0091\r\n" AUDIO, /* RFC 3108: kept, not understood */
        "v=0\r\no=- 99999999999999999999999 1 TN RFC2543 +358\r\ns=-\r\nt=0 0\r\n",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct gh_sdp *doc = parse_text(texts[i]);

        if (doc)
            CHECK_PRINTS(doc, texts[i]);
        gh_sdp_free(doc);
    }
}

/* Each prefix in a block of exactly its size, so that a sanitizer sees a read past it. */
static void test_truncated_at_every_octet(void)
{
    for (const struct sample *s = samples; s->name; s++) {
        size_t len = strlen(s->text), accepted = 0;

        for (size_t cut = 0; cut <= len; cut++) {
            char *text = malloc(cut ? cut : 1);
            struct gh_sdp *doc = NULL;

            memcpy(text, s->text, cut);
            if (gh_sdp_parse(&doc, gh_span_of(text, cut), NULL) == 0) {
                char *printed = malloc(cut);
                size_t printed_len = 0;

                accepted++;
                /* Views of a cut document must not read past it either. */
                for (size_t m = 0; m < gh_sdp_media_count(doc); m++) {
                    struct gh_sdp_media_facts facts;

                    CHECK_INT(gh_sdp_media_facts(doc, (int)m, &facts), 0);
                }
                gh_sdp_carriers(doc);
                CHECK_INT(gh_sdp_print(doc, printed, cut, &printed_len), 0);
                CHECK(printed_len == cut && memcmp(printed, text, cut) == 0);
                free(printed);
            }
            gh_sdp_text_has_carrier(gh_span_of(text, cut));
            gh_sdp_redact(gh_span_of(text, cut), text);
            gh_sdp_free(doc);
            free(text);
        }
        CHECK(accepted > 0 && accepted < len);
    }
}

/* A document of HEAD and then @count times @line. */
static int parse_repeated(const char *head, const char *line, size_t count,
                          struct gh_sdp_error *error)
{
    size_t head_len = strlen(head), line_len = strlen(line);
    char *text = malloc(head_len + count * line_len);
    struct gh_sdp *doc = NULL;
    int err;

    memcpy(text, head, head_len);
    for (size_t i = 0; i < count; i++)
        memcpy(text + head_len + i * line_len, line, line_len);
    err = gh_sdp_parse(&doc, gh_span_of(text, head_len + count * line_len), error);
    gh_sdp_free(doc);
    free(text);
    return err;
}

static void test_limits(void)
{
    static const struct {
        const char *head, *line;
        size_t most;       /* accepted; one more is not */
        uint32_t line_no;  /* of the first one too many; 0: not told */
    } limits[] = {
        { HEAD, AUDIO, GH_SDP_MEDIA_MAX, 4 + GH_SDP_MEDIA_MAX + 1 },
        { HEAD, "a=x\r\n", GH_SDP_ATTRS_MAX, 4 + GH_SDP_ATTRS_MAX + 1 },
        { HEAD AUDIO, "a=x\r\n", GH_SDP_ATTRS_MAX, 5 + GH_SDP_ATTRS_MAX + 1 },
        { HEAD AUDIO, "a=crypto:x\r\n", GH_SDP_CRYPTO_MAX, 5 + GH_SDP_CRYPTO_MAX + 1 },
        { HEAD AUDIO, "a=Crypto :x\r\n", GH_SDP_CRYPTO_MAX, 5 + GH_SDP_CRYPTO_MAX + 1 },
        { HEAD, "b=x\r\n", GH_SDP_LINES_MAX - 4, 0 },
    };
    struct gh_sdp_error error;

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        CHECK_INT(parse_repeated(limits[i].head, limits[i].line, limits[i].most, NULL), 0);
        CHECK_INT(parse_repeated(limits[i].head, limits[i].line, limits[i].most + 1, &error),
                  GH_ELIMIT);
        if (limits[i].line_no)
            CHECK_INT(error.line, limits[i].line_no);
    }
}

static void test_length_limits(void)
{
    /* one line: "i=" and GH_SDP_LINE_MAX - 2 octets is the longest */
    CHECK_INT(parse_repeated(HEAD "i=", "x", GH_SDP_LINE_MAX - 2, NULL), 0);
    CHECK_INT(parse_repeated(HEAD "i=", "x", GH_SDP_LINE_MAX - 1, NULL), GH_ELIMIT);
    /* the whole body: lines of 64 octets, the head as long as one of them */
    char line[65];
    char head[] = HEAD "i=xxxxxxxxxxxxxxxxx\r\n";

    memset(line, 'x', 64);
    memcpy(line, "i=", 2);
    memcpy(line + 62, "\r\n", 3);
    CHECK_INT(strlen(head), 64);
    CHECK_INT(parse_repeated(head, line, GH_SDP_OCTETS_MAX / 64 - 1, NULL), 0);
    CHECK_INT(parse_repeated(head, line, GH_SDP_OCTETS_MAX / 64, NULL), GH_ELIMIT);
}

static void test_compare(void)
{
    struct gh_sdp *a = parse_text(HEAD AUDIO "a=x\r\n");
    struct gh_sdp *same = parse_text(HEAD AUDIO "a=x\r\n");
    struct gh_sdp *octet = parse_text(HEAD AUDIO "a=y\r\n");
    struct gh_sdp *eol = parse_text(HEAD AUDIO "a=x\n");
    struct gh_sdp *more = parse_text(HEAD AUDIO "a=x\r\na=x\r\n");
    struct gh_sdp *newer =
        parse_text("v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n" AUDIO "a=x\r\n");

    CHECK_INT(gh_sdp_compare(a, same), GH_SDP_SAME);
    CHECK_INT(gh_sdp_compare(a, octet), GH_SDP_SAME_ORIGIN);
    CHECK_INT(gh_sdp_compare(a, eol), GH_SDP_SAME_ORIGIN);
    CHECK_INT(gh_sdp_compare(a, more), GH_SDP_SAME_ORIGIN);
    CHECK_INT(gh_sdp_compare(more, a), GH_SDP_SAME_ORIGIN);
    CHECK_INT(gh_sdp_compare(a, newer), GH_SDP_CHANGED);
    gh_sdp_free(a);
    gh_sdp_free(same);
    gh_sdp_free(octet);
    gh_sdp_free(eol);
    gh_sdp_free(more);
    gh_sdp_free(newer);
}

int main(void)
{
    RUN(test_samples_print_unchanged);
    RUN(test_print_needs_room);
    RUN(test_lines);
    RUN(test_malformed);
    RUN(test_lenient);
    RUN(test_truncated_at_every_octet);
    RUN(test_limits);
    RUN(test_length_limits);
    RUN(test_compare);
    return CHECK_REPORT();
}
