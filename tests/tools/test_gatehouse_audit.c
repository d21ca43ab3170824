/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gatehouse-audit as people run it: output, exit codes, hostile ledgers.  The ledgers are written here by
 * hand, with OpenSSL's hash, so that reader and writer do not share a mistake.
 */
#include "support/check.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>

static char dir[256], path[512];

/* ---- a ledger by hand ---- */

static char text[65536], prev[65];
static size_t len;
static unsigned seq;

static void set_up(void)
{
    snprintf(dir, sizeof(dir), "/tmp/gh-audit-tool-XXXXXX");
    if (!mkdtemp(dir))
        exit(EXIT_FAILURE);
    snprintf(path, sizeof(path), "%s/ledger-00000000000000000001.jsonl", dir);
    memset(prev, '0', 64);
    len = seq = 0;
}

static void save(void)
{
    FILE *file = fopen(path, "wb");

    if (!file || fwrite(text, 1, len, file) != len || fclose(file))
        exit(EXIT_FAILURE);
}

static void tear_down(void)
{
    unlink(path);
    rmdir(dir);
}

/* Append the line {"v":1,...,"ts":<09:MM:SS>,<rest>}. */
static void add(const char *minute_second, const char *rest)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    size_t begin = len;
    unsigned hash_len;

    len += (size_t)snprintf(text + len, sizeof(text) - len,
                            "{\"v\":1,\"seq\":%u,\"prev\":\"%s\",\"ts\":\"2026-11-23T09:%s.114Z\",%s}", ++seq,
                            prev, minute_second, rest);
    EVP_Digest(text + begin, len - begin, hash, &hash_len, EVP_sha256(), NULL);
    for (unsigned i = 0; i < hash_len; i++)
        snprintf(prev + 2 * i, 3, "%02x", hash[i]);
    text[len++] = '\n';
}

/* The line that design and manual show. */
#define CALL_END                                                                        \
    "\"type\":\"call.end\",\"call\":\"01JD\",\"from\":\"1018\",\"to\":\"9898\","        \
    "\"status\":\"Encrypted\",\"grade\":\"hop_by_hop\",\"reasons\":[],\"marks\":[\"weak_tls\"]," \
    "\"intervals\":[[0.0,48.2,\"hop_by_hop\"]],\"key_holders\":[\"CUCMA\",\"border1\",\"CUCM10\"]," \
    "\"legs\":[{\"side\":\"a\",\"trunk\":\"CUCMA\",\"claim\":\"Encrypted\",\"sig\":{\"transport\":\"tls\"}," \
    "\"streams\":[{\"index\":0,\"media\":\"audio\",\"keying\":\"sdes\",\"suite\":\"AES_CM_128_HMAC_SHA1_80\"," \
    "\"path\":\"pass\",\"rx\":{\"authenticated\":2411,\"auth_failed\":0},\"tx\":2409," \
    "\"quality\":{\"expected\":2411,\"mos\":4.394}}]}," \
    "{\"side\":\"b\",\"trunk\":\"CUCM10\",\"streams\":[{\"index\":0,\"media\":\"audio\",\"keying\":\"none\"," \
    "\"path\":\"pass\",\"rx\":{\"authenticated\":2398}}]}],\"a_field_of_tomorrow\":{\"x\":[1,null]}"

static void add_story(void)
{
    add("13:00", "\"type\":\"daemon.start\"");
    add("13:18", "\"type\":\"call.start\",\"call\":\"01JD\",\"from\":\"1018\",\"to\":\"9898\"");
    add("13:19", "\"type\":\"a.type.of.tomorrow\",\"x\":1");
    add("14:06", CALL_END);
    add("15:00", "\"type\":\"call.start\",\"call\":\"02\",\"from\":\"1\",\"to\":\"2\"");
    add("15:01", "\"type\":\"call.start\",\"call\":\"03\",\"from\":\"3\",\"to\":\"4\"");
    add("16:00", "\"type\":\"call.media\",\"call\":\"03\",\"grade\":\"mixed\"");
    add("17:00", "\"type\":\"call.lost\",\"call\":\"02\",\"from\":\"1\",\"to\":\"2\",\"grade\":\"clear\","
                 "\"unknown_since\":\"2026-11-23T09:15:00.114Z\"");
}

/* ---- running the tool ---- */

static char out[65536], err_out[65536];

static void slurp(const char *name, char *into)
{
    FILE *file = fopen(name, "rb");
    size_t n = file ? fread(into, 1, 65535, file) : 0;

    into[n] = 0;
    if (file)
        fclose(file);
    unlink(name);
}

/* @return exit code; what it printed is in out and err_out */
static int tool(const char *a, const char *b, const char *c, const char *d)
{
    char out_name[300], err_name[300];
    int status;
    pid_t child;

    snprintf(out_name, sizeof(out_name), "%s.out", dir);
    snprintf(err_name, sizeof(err_name), "%s.err", dir);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        if (!freopen(out_name, "wb", stdout) || !freopen(err_name, "wb", stderr))
            _exit(99);
        execl(GH_BUILD_DIR "/gatehouse-audit", "gatehouse-audit", a, b, c, d, NULL);
        _exit(98);
    }
    waitpid(child, &status, 0);
    slurp(out_name, out);
    slurp(err_name, err_out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int count(const char *haystack, const char *needle)
{
    int found = 0;

    for (const char *p = haystack; (p = strstr(p, needle)); p++)
        found++;
    return found;
}

/* ---- verify ---- */

static void a_sound_ledger(void)
{
    char head[128];

    set_up();
    add_story();
    save();
    CHECK_INT(tool("verify", dir, NULL, NULL), 0);
    CHECK(strstr(out, "records: 8 in 1 file, 2026-11-23T09:13:00.114Z to 2026-11-23T09:17:00.114Z\n") != NULL);
    snprintf(head, sizeof(head), "head: 8:%s\n", prev);
    CHECK(strstr(out, head) != NULL);
    CHECK(strstr(out, "result: consistent; not anchored to a head kept elsewhere: a change of the last line "
                      "(seq 8), or lines cut off behind it, would not show\n") != NULL);
    CHECK(strstr(out, "proven") == NULL);
    snprintf(head, sizeof(head), "8:%s", prev);
    CHECK_INT(tool("verify", dir, "--head", head), 0);
    CHECK(strstr(out, "result: consistent; anchored to 2026-11-23T09:17:00.114Z; not anchored since "
                      "2026-11-23T09:17:00.114Z\n") != NULL);
    CHECK_STR(err_out, "");
    head[2] = head[2] == '0' ? '1' : '0';
    CHECK_INT(tool("verify", "--head", head, dir), 1);
    CHECK(strstr(out, "broken not_reproduced ledger-00000000000000000001.jsonl:8: ") != NULL);
    tear_down();
}

static void a_broken_ledger(void)
{
    set_up();
    add_story();
    *strstr(text, "\"to\":\"9898\"") = '*';
    save();
    CHECK_INT(tool("verify", dir, NULL, NULL), 1);
    CHECK(strstr(out, "broken bad_json ledger-00000000000000000001.jsonl:2: ") != NULL);
    CHECK(strstr(out, "result: NOT consistent, 2 findings; first at ledger-00000000000000000001.jsonl:2\n") != NULL);
    CHECK(strstr(out, "result: consistent") == NULL);
    len -= 20;
    save();
    CHECK_INT(tool("verify", dir, NULL, NULL), 1);
    CHECK_INT(count(out, "broken torn_tail ledger-00000000000000000001.jsonl:8: "), 1);
    tear_down();
}

static void a_changed_line_says_expected_and_found(void)
{
    set_up();
    add_story();
    memcpy(strstr(text, "9898"), "9899", 4);
    save();
    CHECK_INT(tool("verify", dir, NULL, NULL), 1);
    CHECK(strstr(out, "broken prev_mismatch ledger-00000000000000000001.jsonl:2: ") != NULL);
    CHECK(strstr(out, "(expected sha256 ") != NULL && strstr(out, ", the prev of line 3, found ") != NULL);
    CHECK(strstr(out, "; changed: this line, or line 3 and all after it)\n") != NULL);
    CHECK(strstr(out, "1 finding; first at ledger-00000000000000000001.jsonl:2\n") != NULL);
    CHECK_INT(count(out, "\nbroken") + (strncmp(out, "broken", 6) == 0), 1);
    /* Nor is a table of calls made of it as if nothing were. */
    CHECK_INT(tool("calls", dir, NULL, NULL), 1);
    CHECK(strstr(err_out, "was changed or is damaged") != NULL);
    CHECK_INT(tool("calls", dir, "--json", NULL), 1);
    tear_down();
}

/* A ledger that is broken all over does not flood who looks at it. */
static void many_findings_are_counted(void)
{
    set_up();
    for (len = 0; len < 300; len += 2)
        memcpy(text + len, "x\n", 2);
    save();
    CHECK_INT(tool("verify", dir, NULL, NULL), 1);
    CHECK_INT(count(out, "broken bad_json"), 100);
    CHECK(strstr(out, "and 50 more\n") != NULL);
    CHECK(strstr(out, "NOT consistent, 150 findings") != NULL);
    CHECK_INT(tool("calls", dir, NULL, NULL), 1);
    CHECK_INT(count(err_out, "jsonl:"), 100);
    CHECK(strstr(err_out, "and 50 more damaged lines") != NULL);
    tear_down();
}

static void no_ledger(void)
{
    set_up();
    CHECK_INT(tool("verify", dir, NULL, NULL), 1);
    CHECK(strstr(err_out, "no ledger here") != NULL);
    CHECK_INT(tool("calls", dir, NULL, NULL), 1);
    CHECK_INT(tool("verify", "/nonexistent", NULL, NULL), 1);
    CHECK(strstr(err_out, "/nonexistent: ") != NULL);
    tear_down();
}

/* : > ledger-....jsonl */
static void an_emptied_ledger(void)
{
    set_up();
    save();
    CHECK_INT(tool("verify", dir, NULL, NULL), 1);
    CHECK(strstr(out, "broken empty there is no record") != NULL);
    CHECK(strstr(out, "\nresult: NOT consistent, nothing is recorded\n") != NULL);
    tear_down();
}

/* ---- calls ---- */

static void calls_for_people(void)
{
    set_up();
    add_story();
    save();
    CHECK_INT(tool("calls", dir, NULL, NULL), 0);
    CHECK_INT(strncmp(out, "START (UTC)", 11), 0);
    CHECK(strstr(out, "  REASONS         MARKS       MEDIA (") != NULL);
    CHECK(strstr(out, "2026-11-23 09:13:18  0:48      1018          9898          CUCMA > CUCM10      Encrypted"
                      "         hop_by_hop    -               weak_tls    audio AES_CM_128_HMAC_SHA1_80/clear pass a:2411 "
                      "(MOS 4.4) b:2398\n") != NULL);
    CHECK(strstr(out, "2026-11-23 09:15:00  -         1             2             -                   lost"
                      "              clear         unknown since 2026-11-23T09:15:00.114Z  -           -\n") != NULL);
    CHECK(strstr(out, "2026-11-23 09:15:01  -         3             4             -                   unknown"
                      "           mixed         no end recorded; unknown since 2026-11-23T09:16:00.114Z  -           -\n") !=
          NULL);
    CHECK_INT(count(out, "\n"), 4);
    CHECK_STR(err_out, "");
    tear_down();
}

/* A call.end that tells start and length itself, without its call.start; over an hour; one leg only. */
static void a_call_whose_start_is_missing(void)
{
    set_up();
    add("13:00", "\"type\":\"call.end\",\"call\":\"x\",\"from\":\"1\",\"to\":\"2\",\"start\":"
                 "\"2026-11-23T08:00:00.000Z\",\"seconds\":3725.6,\"status\":\"Unknown\",\"grade\":\"none\","
                 "\"reasons\":[\"no_answer\"],\"legs\":[{\"side\":\"a\",\"trunk\":\"CUCMA\"}]");
    save();
    CHECK_INT(tool("calls", dir, NULL, NULL), 0);
    CHECK(strstr(out, "2026-11-23 08:00:00  1:02:06   1             2             CUCMA > -           Unknown"
                      "           none          no_answer       -           -\n") != NULL);
    tear_down();
}

static void a_long_text_is_cut_visibly(void)
{
    char rest[4096];

    set_up();
    snprintf(rest, sizeof(rest), "\"type\":\"call.end\",\"call\":\"x\",\"from\":\"%01000d\",\"to\":\"%0508d\"", 7, 8);
    add("13:00", rest);
    save();
    CHECK_INT(tool("calls", dir, NULL, NULL), 0);
    CHECK_INT(count(out, "0..."), 1);
    CHECK(strstr(out, "008  ") != NULL);
    tear_down();
}

/* What never became a call: an INVITE, once and counted; no other method, no response. */
static void refused_attempts_are_listed(void)
{
    set_up();
    add("13:00", "\"type\":\"policy.refuse\",\"trunk\":\"LAB\",\"method\":\"INVITE\",\"from\":\"1018\","
                 "\"to\":\"9898\",\"reason\":\"key_over_clear_signalling\",\"sip\":488");
    add("13:01", "\"type\":\"policy.refuse\",\"method\":\"INVITE\",\"from\":\"1\",\"to\":\"2\","
                 "\"reason\":\"no_trunk_for_certificate\",\"marks\":[\"key_over_unverified_tls\"],\"count\":12");
    add("13:02", "\"type\":\"policy.refuse\",\"method\":\"MESSAGE\",\"reason\":\"key_in_odd_body\"");
    add("13:03", "\"type\":\"policy.refuse\",\"method\":\"INVITE\",\"response\":200,\"reason\":\"key_echoed\"");
    add("13:04", "\"type\":\"policy.refuse\",\"reason\":\"no_trunk_for_address\"");
    add("13:05", "\"type\":\"policy.refuse\",\"method\":\"INVITE\",\"from\":3,\"marks\":{},\"count\":\"many\"");
    save();
    CHECK_INT(tool("calls", dir, NULL, NULL), 0);
    CHECK(strstr(out, "2026-11-23 09:13:00  -         1018          9898          LAB                 refused"
                      "           -             key_over_clear_signalling  -           -\n") != NULL);
    CHECK(strstr(out, "2026-11-23 09:13:01  -         1             2             -                   refused"
                      "           -             no_trunk_for_certificate (12 times)  key_over_unverified_tls  -\n") !=
          NULL);
    CHECK_INT(count(out, "\n"), 4);
    CHECK_INT(tool("calls", dir, "--json", NULL), 0);
    CHECK_STR(out, "");
    tear_down();
}

/* Exactly the octets of the ledger. */
static void calls_for_programs(void)
{
    char want[8192], *end, *lost;

    set_up();
    add_story();
    save();
    end = strstr(text, "{\"v\":1,\"seq\":4,");
    lost = strstr(text, "{\"v\":1,\"seq\":8,");
    snprintf(want, sizeof(want), "%.*s%.*s", (int)(strchr(end, '\n') + 1 - end), end,
             (int)(strchr(lost, '\n') + 1 - lost), lost);
    CHECK_INT(tool("calls", dir, "--json", NULL), 0);
    CHECK_STR(out, want);
    CHECK_INT(tool("calls", "--json", dir, NULL), 0);
    CHECK_STR(out, want);
    tear_down();
}

static void a_damaged_line_is_told_and_the_rest_listed(void)
{
    set_up();
    add_story();
    *strstr(text, "\"type\":\"a.type.of") = 'x';
    save();
    CHECK_INT(tool("calls", dir, "--json", NULL), 1);
    CHECK_INT(count(out, "\"type\":\"call."), 2);
    CHECK(strstr(err_out, "ledger-00000000000000000001.jsonl:3: ") != NULL);
    len -= 3;
    save();
    CHECK_INT(tool("calls", dir, NULL, NULL), 1);
    CHECK(strstr(err_out, "jsonl:8: the file ends in the middle of a line") != NULL);
    CHECK_INT(count(out, "lost"), 0);
    tear_down();
}

/* A forged ledger: valid JSON, odd types, and texts that attack a terminal. */
static void hostile_records_do_no_harm(void)
{
    set_up();
    add("13:00", "\"type\":\"call.start\",\"call\":\"x\",\"from\":\"\\u001b[2J\\u009b1m\\u202e\\r\",\"to\":\"\xc2\x9b\x7f\"");
    add("13:01", "\"type\":\"call.end\",\"call\":\"x\",\"from\":\"\\u001b]0;owned\\u0007\",\"to\":5,\"status\":null,"
                 "\"reasons\":\"text\",\"marks\":[1,null,\"a\\nb\"],\"legs\":[1,{\"side\":3},{\"side\":\"a\",\"trunk\":{},"
                 "\"streams\":{\"x\":1}},{\"side\":\"b\",\"streams\":[null,7,{\"rx\":[],\"suite\":\"\\u001bc\"}]}]");
    add("13:01", "\"type\":\"call.source\",\"call\":\"z\",\"side\":[],\"index\":\"\",\"rtcp\":0,\"what\":\"\\u001b[2J\",\"old\":null,"
                 "\"new\":\"\\u009b1m\",\"proven\":{}");
    add("13:01", "\"type\":\"call.source\",\"call\":{\"x\":1},\"side\":\"a\"");
    add("13:01", "\"type\":\"call.source\"");
    add("13:02", "\"type\":\"call.end\",\"call\":[],\"legs\":\"none\"");
    add("13:02", "\"type\":\"call.end\",\"legs\":[{\"side\":\"\\u001b[2J\",\"streams\":[7,{\"silent_seconds\":1e300,"
                 "\"silent\":[\"x\",[],[1e300,\"\\u001b[2J\"],[null]],\"index\":{}}]}]");
    add("13:02", "\"type\":\"call.end\"");
    add("13:03", "\"type\":\"call.lost\",\"call\":\"y\",\"unknown_since\":\"\\u001b[31m\"");
    add("13:04", "\"type\":\"call.start\",\"call\":\"z\",\"from\":\"\\u001b[2J\\ufeff\"");
    save();
    CHECK_INT(tool("calls", dir, NULL, NULL), 0);
    CHECK_INT(count(out, "\n"), 9);
    CHECK(strstr(out, "\n  silent \\u001b[2J 0 for 1000000") != NULL);
    CHECK(strstr(out, "\n  source - -1 \\u001b[2J - > \\u009b1m at 2026-11-23T09:13:01.114Z\n") != NULL);
    for (const char *p = out; *p; p++)
        CHECK(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
    CHECK(strstr(out, "\\u001b]0;owned\\u0007") != NULL);
    tear_down();
}

/* ---- one-way audio ---- */

static void who_was_not_heard_is_listed(void)
{
    set_up();
    add("13:30", "\"type\":\"call.end\",\"call\":\"x\",\"legs\":[{\"side\":\"a\",\"streams\":[{\"index\":0}]},"
                 "{\"side\":\"b\",\"streams\":[{\"index\":0,\"silent_seconds\":26.0,\"silent\":[[12.5,32.5],[50.0,56]]},"
                 "{\"index\":1,\"silent_seconds\":300,\"silent\":[]}]}]");
    save();
    CHECK_INT(tool("calls", dir, NULL, NULL), 0);
    CHECK(strstr(out, "\n  silent b 0 for 26.0 s: 12.5-32.5 50.0-56.0\n  silent b 1 for 300.0 s:\n") != NULL);
    CHECK_INT(count(out, "  silent "), 2);
    tear_down();
}

/* ---- changes of source ---- */

/* @more  further fields, with a comma before them */
static void add_source(const char *when, const char *call, const char *what, const char *more)
{
    char line[512];

    snprintf(line, sizeof(line),
             "\"type\":\"call.source\",\"call\":\"%s\",\"side\":\"b\",\"index\":0,\"what\":\"%s\","
             "\"old\":\"192.0.2.1:4000\",\"new\":\"192.0.2.9:5000\"%s", call, what, more);
    add(when, line);
}

/* Under the row of their call, whether it has ended or not. */
static void changes_of_source_are_listed(void)
{
    const char *row, *under = "\n"
        "  source b 0 RTP signalled 192.0.2.1:4000 > 192.0.2.9:5000 at 2026-11-23T09:13:30.114Z, over verified signalling\n"
        "  source b 0 RTCP signalled 192.0.2.1:4000 > 192.0.2.9:5000 at 2026-11-23T09:13:31.114Z, over signalling that is not "
        "verified\n"
        "  source b 0 RTP moved 192.0.2.1:4000 > 192.0.2.9:5000 at 2026-11-23T09:13:32.114Z, proven by a packet\n"
        "  source b 0 RTP latched 192.0.2.1:4000 > 192.0.2.9:5000 at 2026-11-23T09:13:33.114Z, not proven\n";

    set_up();
    add("13:18", "\"type\":\"call.start\",\"call\":\"01JD\",\"from\":\"1018\",\"to\":\"9898\"");
    add("13:19", "\"type\":\"call.start\",\"call\":\"02\",\"from\":\"1\",\"to\":\"2\"");
    add_source("13:30", "01JD", "signalled", ",\"rtcp\":false,\"verified\":true,\"conn\":7");
    add_source("13:31", "01JD", "signalled", ",\"rtcp\":true,\"verified\":false,\"conn\":7");
    add_source("13:32", "01JD", "moved", ",\"rtcp\":false,\"proven\":true");
    add_source("13:33", "01JD", "latched", ",\"rtcp\":false,\"proven\":false");
    add_source("13:34", "02", "latched", ",\"rtcp\":false,\"proven\":true");
    add("14:06", CALL_END);
    save();
    CHECK_INT(tool("calls", dir, NULL, NULL), 0);
    row = strstr(out, "1018");
    CHECK(row && strstr(row, under) == strchr(row, '\n'));
    row = strstr(out, "at 2026-11-23T09:13:34.114Z, proven by a packet\n");
    CHECK(row && !row[strlen("at 2026-11-23T09:13:34.114Z, proven by a packet\n")]); /* the open one is last */
    CHECK_INT(count(out, "  source "), 5);
    CHECK_INT(tool("calls", dir, "--json", NULL), 0);
    CHECK_INT(count(out, "\n"), 1);
    tear_down();
}

static void many_changes_of_source_are_counted(void)
{
    set_up();
    for (int i = 0; i < 20; i++)
        add_source("13:30", "01JD", "moved", ",\"rtcp\":false,\"proven\":true");
    add("14:06", CALL_END);
    add("14:07", CALL_END); /* forged: what was printed is gone */
    save();
    CHECK_INT(tool("calls", dir, NULL, NULL), 0);
    CHECK_INT(count(out, "  source b 0 RTP moved "), 16);
    CHECK_INT(count(out, "  and 4 more changes of source\n"), 1);
    tear_down();
}

/* ---- arguments ---- */

/* One line that names what is wrong and where help is, and nothing on stdout. */
static void expect_wrong(const char *says, const char *a, const char *b, const char *c, const char *d)
{
    CHECK_INT(tool(a, b, c, d), 2);
    CHECK_STR(out, "");
    CHECK_INT(count(err_out, "\n"), 1);
    CHECK(strstr(err_out, "--help\n") != NULL);
    if (!CHECK(strstr(err_out, says) != NULL))
        fprintf(stderr, "%s", err_out);
}

static void wrong_use(void)
{
    set_up();
    expect_wrong("a verb is missing", NULL, NULL, NULL, NULL);
    expect_wrong("unknown verb: repair", "repair", dir, NULL, NULL);
    expect_wrong("unknown option: --json", "--json", dir, NULL, NULL);
    expect_wrong("DIR is missing", "verify", NULL, NULL, NULL);
    expect_wrong("one argument too many", "verify", dir, dir, NULL);
    expect_wrong("unknown option: --json", "verify", dir, "--json", NULL);
    expect_wrong("unknown option: --head", "calls", dir, "--head", "1:00");
    expect_wrong("not a head", "verify", dir, "--head", "1:00");
    expect_wrong("a value is missing behind: --head", "verify", dir, "--head", NULL);
    expect_wrong("unknown option: --nonsense\\u001b", "verify", dir, "--nonsense\033", NULL);
    tear_down();
}

static void help_of_everything(void)
{
    set_up();
    CHECK_INT(tool("--help", NULL, NULL, NULL), 0);
    CHECK(strstr(out, "verify DIR") != NULL && strstr(out, "calls DIR") != NULL);
    CHECK(strstr(out, "Exit 0") != NULL);
    CHECK_INT(tool("verify", "--help", NULL, NULL), 0);
    CHECK(strstr(out, "usage: gatehouse-audit verify DIR") == out && strstr(out, "--head") != NULL);
    CHECK(strstr(out, "Exit 0: consistent; 1:") != NULL && strstr(out, "Exit 2") != NULL);
    CHECK_INT(tool("calls", dir, "-h", NULL), 0);
    CHECK(strstr(out, "usage: gatehouse-audit calls DIR") == out && strstr(out, "--json") != NULL);
    CHECK_STR(err_out, "");
    CHECK_INT(tool("--version", NULL, NULL, NULL), 0);
    CHECK_STR(out, "gatehouse-audit " GH_VERSION "\n");
    tear_down();
}

int main(void)
{
    RUN(a_sound_ledger);
    RUN(a_broken_ledger);
    RUN(a_changed_line_says_expected_and_found);
    RUN(many_findings_are_counted);
    RUN(no_ledger);
    RUN(an_emptied_ledger);
    RUN(calls_for_people);
    RUN(a_call_whose_start_is_missing);
    RUN(a_long_text_is_cut_visibly);
    RUN(refused_attempts_are_listed);
    RUN(calls_for_programs);
    RUN(a_damaged_line_is_told_and_the_rest_listed);
    RUN(hostile_records_do_no_harm);
    RUN(who_was_not_heard_is_listed);
    RUN(changes_of_source_are_listed);
    RUN(many_changes_of_source_are_counted);
    RUN(wrong_use);
    RUN(help_of_everything);
    return CHECK_REPORT();
}
