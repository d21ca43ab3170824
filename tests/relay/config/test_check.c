/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks whose options come with later steps, with every option made available; and the check of
 * the kernel's local ports, on texts of our own.
 */
#include "config/check.h"
#include "relay/config/support_config.h"
#include "support/check.h"
#include "support/pki.h"

#define OPEN_TRUNK(more)                                                                \
    TEST_HEAD "trunks:\n"                                                               \
              "  A: {security_profile: encrypted, listener: core, peer_names: [a]}\n"   \
              "  B: {security_profile: open, listener: lab, destinations: [192.0.2.2]" more "}\n"

/* A load with everything available: @want stands in what it says, and it is refused or not. */
static void check_says(const char *yaml, bool refused, const char *want)
{
    struct loaded loaded = test_load_text(yaml, &test_env_everything);

    if (!CHECK_INT(loaded.err, refused ? GH_ESYNTAX : 0) ||
        !CHECK(strstr(loaded.text, want) != NULL))
        fprintf(stderr, "wanted: %s\ngot: %s", want, loaded.text);
    loaded_fini(&loaded);
}

/* On an unproven trunk nobody raises his own standing. */
static void test_unproven(void)
{
    check_says(OPEN_TRUNK(", trust_claims: true"), true,
               "trunks.B.trust_claims: a trunk without tls cannot be believed");
    check_says(
        OPEN_TRUNK(", trust_identity: true"), true,
        "trunks.B.trust_identity: on a trunk without tls this needs digest_authentication: true");
    check_says(OPEN_TRUNK(", srtp: required"), true, "trunks.B.srtp: required can never hold");
    check_says(
        OPEN_TRUNK(", srtp: required, unproven_fingerprint: mark"), false,
        "warning: trunks.B.srtp: a call over a trunk without tls is never graded above mixed");
    check_says(OPEN_TRUNK(", srtp: allowed"), false, "");
}

#define WITH_PROFILE(profile)                                                                      \
    TEST_HEAD "  third: {" profile "}\n"                                                           \
              "trunks:\n"                                                                          \
              "  A: {security_profile: encrypted, listener: core, peer_names: [a]}\n"              \
              "  C: {security_profile: open, listener: lab, destinations: [192.0.2.3]}\n"          \
              "  B: {security_profile: third, listener: lab, destinations: [192.0.2.2], "          \
              "trust_identity: true}\n"

static void test_digest(void)
{
    check_says(WITH_PROFILE("device_security_mode: non_secure, accept_replaces_header: true"), true,
               "trunks.B.security_profile: third has accept_replaces_header");
    check_says(WITH_PROFILE("device_security_mode: non_secure, accept_out_of_dialog_refer: true"),
               true, "trunks.B.security_profile: third has accept_out_of_dialog_refer");
    check_says(WITH_PROFILE("device_security_mode: non_secure, digest_authentication: true, "
                            "accept_replaces_header: true, accept_out_of_dialog_refer: true"),
               false, "");
}

/* Names that are equal need a match_host each; then the request's host decides. */
static void test_match_host(void)
{
    static const char yaml[] =
        TEST_HEAD "trunks:\n"
                  "  B: {security_profile: open, listener: lab, destinations: [192.0.2.2]}\n"
                  "  C: {security_profile: encrypted, listener: core, peer_names: [x], match_host: "
                  "c.example.net}\n"
                  "  D: {security_profile: encrypted, listener: core, peer_names: [X]%s}\n";
    char text[2048];

    snprintf(text, sizeof(text), yaml, "");
    check_says(text, true, "trunks.D.peer_names: X on listener core is C already");
    snprintf(text, sizeof(text), yaml, ", match_host: d.example.net");
    check_says(text, false, "");
}

static void test_mixed_listener(void)
{
    check_says(
        TEST_HEAD "trunks:\n"
                  "  B: {security_profile: open, listener: lab, destinations: [192.0.2.2]}\n"
                  "  C: {security_profile: encrypted, listener: core, peer_names: [c]}\n"
                  "  D: {security_profile: encrypted, listener: core, peer_names: [d], "
                  "tls_policy: legacy-cucm}\n",
        false,
        "warning: trunks.D.listener: weaker TLS than C on the same listener; give it a port");
}

static void test_srv(void)
{
    check_says(OPEN_TRUNK(", srv: _sip._tcp.example.net"), true,
               "trunks.B.srv: a trunk has srv or destinations, not both");
    check_says(TEST_HEAD
               "trunks:\n  A: {security_profile: encrypted, listener: core, peer_names: [a], "
               "srv: _sips._tcp.example.net}\n"
               "  B: {security_profile: open, listener: lab, destinations: [192.0.2.2]}\n"
               "routes: [{pattern: 1X, trunks: [A]}]\n",
               false, "");
}

/* In this version, not only with everything available. */
static void test_srv_names(void)
{
    static const struct {
        const char *srv, *want;
        bool refused;
    } rows[] = {
        { "_sips._tcp.example.net", "", false },
        { "_SIPS._TCP.example.net", "", false },
        { "_sip._tls.example.net",
          "warning: trunks.A.srv: neighbours with tls publish _sips._tcp....", false },
        { "pbx.example.net",
          "trunks.A.srv: is no SRV name; such a name is _sips._tcp.example.net, a host goes into",
          true },
        { "_sips.example.net", "trunks.A.srv: is no SRV name", true },
        { "192.0.2.1", "trunks.A.srv: is no SRV name", true },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[2048];
        struct loaded loaded;

        snprintf(text, sizeof(text),
                 TEST_HEAD
                 "trunks:\n  A: {security_profile: encrypted, listener: core, "
                 "peer_names: [a], srv: %s}\n"
                 "  B: {security_profile: open, listener: lab, destinations: [192.0.2.2]}\n"
                 "routes: [{pattern: 1X, trunks: [A]}]\n",
                 rows[i].srv);
        loaded = test_load_text(text, &test_env_plain);
        CHECK_INT(loaded.err, rows[i].refused ? GH_ESYNTAX : 0);
        if (!CHECK(rows[i].want[0] ? strstr(loaded.text, rows[i].want) != NULL : !loaded.text[0]))
            fprintf(stderr, "%s: %s", rows[i].srv, loaded.text);
        if (loaded.config)
            CHECK_STR(loaded.config->trunks[0].srv, rows[i].srv);
        loaded_fini(&loaded);
    }
    /* DNS decides nobody's name: without tls the addresses must be written out. */
    check_says(TEST_HEAD
               "trunks:\n"
               "  A: {security_profile: encrypted, listener: core, peer_names: [a]}\n"
               "  B: {security_profile: open, listener: lab, srv: _sip._tcp.example.net}\n",
               true, "trunks.B.peer_addresses: is missing");
    check_says(TEST_HEAD "trunks:\n"
                         "  A: {security_profile: encrypted, listener: core, peer_names: [a]}\n"
                         "  B: {security_profile: open, listener: lab, srv: _sip._tcp.example.net, "
                         "peer_addresses: [192.0.2.2]}\n",
               false, "");
}

/* UDP ports are not TCP ports. */
static void test_udp_beside_tcp(void)
{
    check_says("version: 1\nnode: {name: n}\nmedia: {address: 127.0.0.1}\n"
               "listeners: {t: {transport: tcp, address: 127.0.0.1}, u: {transport: udp, address: "
               "127.0.0.1}}\n"
               "security_profiles: {open: {device_security_mode: non_secure}}\n"
               "trunks: {T: {security_profile: open, listener: t, destinations: [192.0.2.1]},\n"
               "  U: {security_profile: open, listener: u, destinations: [192.0.2.1]}}\n",
               false, "");
}

/* media.ports of the base is 16384-32767. */
static void check_overlap(const char *range, const char *reserved, const char *want)
{
    struct gh_load_env env = test_env_plain;
    struct loaded loaded;

    env.port_range = gh_pki_write_text("range", range, 0644);
    env.reserved_ports = gh_pki_write_text("reserved", reserved, 0644);
    loaded = test_load_text(TEST_HEAD TEST_TRUNKS TEST_ROUTES, &env);
    CHECK_INT(loaded.err, 0);
    if (!CHECK(want ? strstr(loaded.text, want) != NULL : loaded.text[0] == 0))
        fprintf(stderr, "%s and %s: %s", range, reserved, loaded.text);
    /* For the log of the daemon too. */
    CHECK(loaded.config && !loaded.config->media.ports_advice == !want);
    CHECK(!want || (loaded.config && strstr(loaded.text, loaded.config->media.ports_advice)));
    loaded_fini(&loaded);
}

static void test_port_overlap(void)
{
    char long_list[300] = "";

    check_overlap("32768\t60999\n", "\n", NULL);
    check_overlap(
        "32000\t60999\n", "\n",
        "warning: media.ports: the kernel may give ports 32000-32767 to other programs "
        "(net.ipv4.ip_local_port_range); write "
        "net.ipv4.ip_local_reserved_ports=16384-32767 into /etc/sysctl.d/gatehouse.conf");
    check_overlap("1024 65535\n", "\n", "may give ports 16384-32767 to other programs");
    check_overlap("32000\t60999\n", "16384-32767\n", NULL);
    check_overlap("32000\t60999\n", "8080,32000-32400,32401-32767\n", NULL);
    check_overlap("32000\t60999\n", "8080,32000-32400,32402-32767\n", "may give ports 32000-32767");
    /* What is reserved already is kept. */
    check_overlap("32000\t60999\n", "8080,9000-9010\n",
                  "write net.ipv4.ip_local_reserved_ports=8080,9000-9010,16384-32767 into");
    memset(long_list, '1', sizeof(long_list) - 1);
    check_overlap("32000\t60999\n", long_list,
                  "add 16384-32767 to net.ipv4.ip_local_reserved_ports in /etc");
    check_overlap("10000\t16383\n", "", NULL);
    /* A kernel that says something else is not argued with. */
    check_overlap("", "", NULL);
    check_overlap("here there\n", "", NULL);
    check_overlap("32000\n", "", NULL);
}

/* @want  NULL: nothing is said */
static void check_descriptors(const char *yaml, uint64_t hard, const char *want)
{
    struct gh_load_env env = test_env_plain;
    struct loaded loaded;

    env.descriptors = hard;
    loaded = test_load_text(yaml, &env);
    CHECK_INT(loaded.err, 0);
    if (!CHECK(want ? strstr(loaded.text, want) != NULL : loaded.text[0] == 0))
        fprintf(stderr, "%llu: %s", (unsigned long long)hard, loaded.text);
    loaded_fini(&loaded);
}

/* 16384 ports are 4096 streams of 8 descriptors, with 4096 connections and 64 others 36928. */
static void test_descriptors(void)
{
    static const char base[] = TEST_HEAD TEST_TRUNKS TEST_ROUTES;
    static const char few[] = TEST_HEAD TEST_TRUNKS TEST_ROUTES "limits: {max_connections: 1000}\n";

    check_descriptors(base, 0, NULL);
    check_descriptors(base, UINT64_MAX, NULL); /* RLIM_INFINITY */
    check_descriptors(base, 36928, NULL);
    check_descriptors(base, 36927,
                      "warning: media.ports: room for 4096 streams needs 36928 descriptors, "
                      "connections included; the hard limit is 36927, enough for 4095; raise it "
                      "(LimitNOFILE, ulimit -Hn)");
    check_descriptors(base, 1024, "the hard limit is 1024, enough for 0;");
    check_descriptors(
        TEST_HEAD_OF("media: {address: 127.0.0.1, ports: 20000-20099, address6: '::1', "
                     "interfaces: {i: {address: 127.0.0.2}}}\n") TEST_TRUNKS TEST_ROUTES,
        4000, "room for 75 streams needs 4760 descriptors");
    check_descriptors(few, 33832, NULL);
    check_descriptors(few, 33831, "needs 33832 descriptors");
}

/* @want  NULL: nothing is said */
static void check_room(const char *media, const char *limits, bool refused, const char *want)
{
    char text[2048];
    struct loaded loaded;

    snprintf(text, sizeof(text), TEST_HEAD_OF("media: {%s}\n") TEST_TRUNKS TEST_ROUTES "%s", media,
             limits);
    loaded = test_load_text(text, &test_env_plain);
    CHECK_INT(loaded.err, refused ? GH_ESYNTAX : 0);
    if (!CHECK(want ? strstr(loaded.text, want) != NULL : loaded.text[0] == 0))
        fprintf(stderr, "%s: %s", media, loaded.text);
    loaded_fini(&loaded);
}

static void test_port_room(void)
{
    check_room("address: 127.0.0.1, ports: 20000-20001", "", true,
               "error: media.ports: 20000-20001 is one pair of ports, and no call fits: each takes "
               "two pairs, four ports, one pair a side\n");
    check_room("address: 127.0.0.1, ports: 20000-20002", "", true, "no call fits");
    check_room("address: 127.0.0.1, ports: 20000-20003", "", false, NULL);
    /* What was written twice, differently. */
    check_room("address: 127.0.0.1, ports: 20000-20099", "limits: {max_calls: 25}\n", false, NULL);
    check_room("address: 127.0.0.1, ports: 20000-20099", "limits: {max_calls: 26}\n", false,
               "warning: media.ports: room for 25 calls of one stream, four ports each; "
               "limits.max_calls is 26\n");
    check_room("address: 127.0.0.1, address6: '::1', ports: 20000-20099",
               "limits: {max_calls: 26}\n", false, NULL);
    check_room("address: 127.0.0.1", "", false, NULL);
}

/* Who wrote a wrong range is told of that, not of what stands in its place. */
static void test_wrong_ports(void)
{
    struct gh_load_env env = test_env_plain;
    struct loaded loaded;
    int lines = 0;

    env.descriptors = 1024;
    env.port_range = gh_pki_write_text("range", "1024 65535\n", 0644);
    loaded = test_load_text(TEST_HEAD_OF("media: {address: 127.0.0.1, ports: 1-0}\n")
                                TEST_TRUNKS TEST_ROUTES,
                            &env);
    CHECK_INT(loaded.err, GH_ESYNTAX);
    CHECK(strstr(loaded.text, "error: media.ports: \"1-0\" is ") != NULL);
    for (const char *c = loaded.text; *c; c++)
        lines += *c == '\n';
    if (!CHECK_INT(lines, 3)) /* the error, its line, its caret */
        fputs(loaded.text, stderr);
    loaded_fini(&loaded);
}

int main(void)
{
    RUN(test_unproven);
    RUN(test_digest);
    RUN(test_match_host);
    RUN(test_mixed_listener);
    RUN(test_srv);
    RUN(test_srv_names);
    RUN(test_udp_beside_tcp);
    RUN(test_port_overlap);
    RUN(test_descriptors);
    RUN(test_port_room);
    RUN(test_wrong_ports);
    return CHECK_REPORT();
}
