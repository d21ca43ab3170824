/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every pair of suites against SRTP that is not libsrtp's: peer.py plays both phones over real sockets, draws the
 * keys, seals what it sends and opens what it gets, through three ROCs.  What crosses must be what was sent.
 */
#include "support/check.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/srtp_ciphers.h"
#include "support_media.h"

#define PYTHON "/usr/bin/python3" /* Debian's own: python3-cryptography belongs to it */
#define SCRIPT GH_TEST_DIR "/relay/media/peer.py"
#define LINE 1024
#define PEER_MS 60000 /* a peer that is silent for longer has failed */

static struct {
    pid_t pid;
    FILE *to;
    int from;
} peer;

static pid_t spawn(const char *argument, int in, int out)
{
    pid_t pid = fork();

    if (pid == 0) {
        if ((in < 0 || dup2(in, STDIN_FILENO) >= 0) && (out < 0 || dup2(out, STDOUT_FILENO) >= 0))
            execl(PYTHON, PYTHON, SCRIPT, argument, NULL);
        _exit(127);
    }
    return pid;
}

static int status_of(pid_t pid)
{
    int status = -1;

    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The judge is judged first, by the vectors of the RFCs. */
static void the_peer_keeps_to_the_rfcs(void)
{
    CHECK_INT(status_of(spawn("vectors", -1, -1)), 0);
}

static bool peer_start(void)
{
    int to[2], from[2];

    if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
        return false;
    peer.pid = spawn(NULL, to[0], from[1]);
    close(to[0]);
    close(from[1]);
    peer.to = fdopen(to[1], "w");
    peer.from = from[0];
    return peer.pid > 0 && peer.to;
}

static void the_peer_ends_well(void)
{
    fclose(peer.to);
    CHECK_INT(status_of(peer.pid), 0);
    close(peer.from);
}

/* One line of the peer's, without its end.  @return success */
static bool peer_says(char line[LINE])
{
    size_t len = 0;

    fflush(peer.to);
    while (len < LINE - 1) {
        struct pollfd fd = { .fd = peer.from, .events = POLLIN };

        if (poll(&fd, 1, PEER_MS) != 1 || read(peer.from, &line[len], 1) != 1)
            break;
        if (line[len] == '\n') {
            line[len] = 0;
            return true;
        }
        len++;
    }
    line[len] = 0;
    return check_that(0, "the peer said a line", __FILE__, __LINE__);
}

static struct gh_secret key_of(enum gh_suite suite, const char *hex)
{
    struct gh_secret key = { .len = (uint8_t)gh_suite_key_salt_len(suite) };

    CHECK_INT(strlen(hex), 2 * key.len);
    for (size_t i = 0; i < key.len; i++) {
        unsigned octet = 0;

        CHECK_INT(sscanf(hex + 2 * i, "%2x", &octet), 1);
        key.octets[i] = (uint8_t)octet;
    }
    return key;
}

/* The peer's keys and addresses into the stream. */
static bool set_up(struct lab *lab, enum gh_path path, const enum gh_suite suite[2])
{
    char line[LINE], keys[4][2 * GH_SUITE_KEY_MAX + 1];
    unsigned ports[2];
    struct gh_media_set sets[2];

    fprintf(peer.to, "keys %s %s %s %s\n", path == GH_PATH_PASS ? "pass" : "bridge", gh_suite_info(suite[0])->name,
            gh_suite_info(suite[1])->name, own_ip());
    if (!peer_says(line) || !CHECK_INT(sscanf(line, "keys %92s %92s %92s %92s %u %u", keys[0], keys[1], keys[2], keys[3],
                                              &ports[0], &ports[1]), 6))
        return false;
    for (int s = 0; s < 2; s++) {
        struct gh_secret rx = key_of(suite[s], keys[2 * s]), tx = key_of(suite[s], keys[2 * s + 1]);

        sets[s] = lab_side(lab, s, path, suite[s], &rx, &tx);
        sets[s].remote_rtp.port = (uint16_t)ports[s];
        sets[s].remote_rtcp.port = (uint16_t)(ports[s] + 1);
    }
    CHECK_INT(gh_media_set_both(lab->media, sets), 0);
    lab_barrier(lab);
    return true;
}

static void crosses(enum gh_path path, enum gh_suite a, enum gh_suite b)
{
    const enum gh_suite suite[2] = { a, b };
    struct lab lab;
    char line[LINE];
    unsigned packets = 0, forged = 0;
    uint64_t authenticated = 0, refused = 0;

    if (!lab_start(&lab, 4, 0))
        return;
    if (set_up(&lab, path, suite)) {
        fprintf(peer.to, "run %u %u\n", lab.port[0][0].port, lab.port[1][0].port);
        if (peer_says(line) && !CHECK(sscanf(line, "ok %u %u", &packets, &forged) == 2))
            fprintf(stderr, "  %s %s: %s\n", gh_suite_info(a)->name, gh_suite_info(b)->name, line);
    }
    lab_barrier(&lab);
    for (int s = 0; s < 2; s++) {
        struct gh_media_counters counters = counters_of(&lab, s);

        authenticated += counters.authenticated;
        refused += counters.drops[GH_DROP_AUTH_FAILED];
    }
    CHECK(packets > 80);
    CHECK_INT(authenticated, packets);
    CHECK_INT(refused, forged);
    LAB_END(&lab);
}

static void passes_every_suite(void)
{
    for (int s = GH_SUITE_NONE + 1; s < GH_SUITE_COUNT; s++)
        crosses(GH_PATH_PASS, (enum gh_suite)s, (enum gh_suite)s);
}

static void bridges_every_pair(void)
{
    for (int a = GH_SUITE_NONE + 1; a < GH_SUITE_COUNT; a++) {
        for (int b = GH_SUITE_NONE + 1; b < GH_SUITE_COUNT; b++)
            crosses(GH_PATH_BRIDGE, (enum gh_suite)a, (enum gh_suite)b);
    }
}

int main(void)
{
    const char *names;

    if (gh_srtp_ciphers_start(false, &names))
        return 1;
    RUN(the_peer_keeps_to_the_rfcs);
    if (!peer_start())
        return 1;
    RUN(passes_every_suite);
    RUN(bridges_every_pair);
    RUN(the_peer_ends_well);
    return CHECK_REPORT();
}
