/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates, keys and trust: each flaw is reported at the option that names the file; a good set
 * is loaded.  The two files of conf/ are checked with certificates of our own in the places that
 * they name.
 */
#include "config/check.h"
#include "relay/config/support_config.h"
#include "crypto/cert.h"
#include "support/check.h"
#include "support/pki.h"

static struct gh_pki_cert *ca, *other_ca, *good, *server_only, *client_only, *expired, *early;
static struct gh_pki_cert *weak_key, *weak_digest, *weak_ca, *below_weak;

static void make_pki(void)
{
    ca = gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "Root", .ca = true });
    other_ca =
        gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "Other", .ca = true, .fresh_key = true });
    good = gh_pki_issue(ca, &(struct gh_pki_params){ .cn = "b",
                                                     .san = { "DNS:border1.example.net" },
                                                     .eku = GH_PKI_SERVER | GH_PKI_CLIENT });
    server_only = gh_pki_issue(ca, &(struct gh_pki_params){ .cn = "s", .eku = GH_PKI_SERVER });
    client_only = gh_pki_issue(
        ca, &(struct gh_pki_params){ .cn = "c", .eku = GH_PKI_CLIENT, .fresh_key = true });
    expired =
        gh_pki_issue(ca, &(struct gh_pki_params){ .cn = "old", .from_s = -7200, .until_s = -3600 });
    early =
        gh_pki_issue(ca, &(struct gh_pki_params){ .cn = "new", .from_s = 3600, .until_s = 7200 });
    gh_pki_write_certs("ca.pem", ca, NULL);
    gh_pki_write_certs("other.pem", other_ca, NULL);
    gh_pki_write_certs("good.pem", good, NULL);
    gh_pki_write_key("good.key", good);
    gh_pki_write_certs("server.pem", server_only, NULL);
    gh_pki_write_key("server.key", server_only);
    gh_pki_write_certs("client.pem", client_only, NULL);
    gh_pki_write_key("client.key", client_only);
    gh_pki_write_certs("expired.pem", expired, NULL);
    gh_pki_write_key("expired.key", expired);
    weak_key = gh_pki_issue(ca, &(struct gh_pki_params){ .cn = "weak", .key = GH_PKI_RSA_1024 });
    weak_digest = gh_pki_issue(ca, &(struct gh_pki_params){ .cn = "sha1", .digest = "SHA1" });
    weak_ca = gh_pki_issue(
        ca, &(struct gh_pki_params){ .cn = "Weak", .ca = true, .key = GH_PKI_RSA_1024 });
    below_weak = gh_pki_issue(weak_ca, &(struct gh_pki_params){ .cn = "below" });
    gh_pki_write_certs("weak_key.pem", weak_key, NULL);
    gh_pki_write_key("weak_key.key", weak_key);
    gh_pki_write_certs("weak_digest.pem", weak_digest, NULL);
    gh_pki_write_key("weak_digest.key", weak_digest);
    gh_pki_write_certs("below_weak.pem", below_weak, weak_ca, NULL);
    gh_pki_write_key("below_weak.key", below_weak);
    gh_pki_write_certs("early.pem", early, NULL);
    gh_pki_write_key("early.key", early);
    gh_pki_write_crl("ca.crl", ca, -60, 86400, NULL);
    gh_pki_write_text("rubbish.pem", "rubbish\n", 0644);
    gh_pki_write_text("open.key", "-----BEGIN PRIVATE KEY-----\n", 0644);
}

/* @tls  the options of the entry; @out  whether a trunk of it connects out */
static struct loaded load_tls(const char *tls, const char *trunk, const char *destinations)
{
    struct gh_load_env env = test_env_plain;
    char yaml[2048];

    env.files = true;
    snprintf(yaml, sizeof(yaml),
             "version: 1\nnode: {name: n}\nmedia: {address: 127.0.0.1}\n"
             "listeners: {core: {transport: tls, address: 127.0.0.1, tls: corp}}\n"
             "security_profiles: {p: {}}\n"
             "tls:\n  corp: {%s}\n"
             "trunks:\n  T: {security_profile: p, listener: core, peer_names: [t]%s%s}\n"
             "  U: {security_profile: p, listener: core, peer_names: [u]}\n"
             "routes: []\n",
             tls, destinations, trunk);
    return test_load_text(yaml, &env);
}

#define GOOD "certificate: good.pem, private_key: good.key, trust: ca.pem"
#define OUT ", destinations: [192.0.2.1]"

static const struct {
    const char *tls, *trunk, *destinations;
    const char *want; /* NULL: taken */
} rows[] = {
    { GOOD, "", OUT, NULL },
    { GOOD ", crl: ca.crl", "", OUT, NULL },
    { GOOD, ", trust: other.pem", OUT, NULL },
    { "certificate: none.pem, private_key: good.key, trust: ca.pem", "", OUT,
      "tls.corp.certificate: " },
    { "certificate: rubbish.pem, private_key: good.key, trust: ca.pem", "", OUT,
      "tls.corp.certificate: " },
    { "certificate: good.pem, private_key: none.key, trust: ca.pem", "", OUT,
      "tls.corp.private_key: " },
    { "certificate: good.pem, private_key: open.key, trust: ca.pem", "", OUT,
      "tls.corp.private_key: " },
    { "certificate: good.pem, private_key: ca.pem, trust: ca.pem", "", OUT,
      "tls.corp.private_key: " },
    { "certificate: good.pem, private_key: client.key, trust: ca.pem", "", OUT,
      "tls.corp.private_key: " },
    { "certificate: expired.pem, private_key: expired.key, trust: ca.pem", "", OUT,
      "tls.corp.certificate: " },
    { "certificate: early.pem, private_key: early.key, trust: ca.pem", "", OUT,
      "tls.corp.certificate: " },
    /* strength: of the key, of the signature, of what stands above; legacy-cucm takes them */
    { "certificate: weak_key.pem, private_key: weak_key.key, trust: ca.pem", "", OUT,
      "/weak_key.pem: its key, RSA of 1024 bits, is too weak; use RSA of 2048 bits or EC P-256 at "
      "least\n" },
    { "certificate: weak_digest.pem, private_key: weak_digest.key, trust: ca.pem", "", OUT,
      "/weak_digest.pem: its signature, ecdsa-with-SHA1, is too weak; have it signed with SHA-256 "
      "at least\n" },
    { "certificate: below_weak.pem, private_key: below_weak.key, trust: ca.pem", "", OUT,
      "/below_weak.pem: the key of an intermediate in it, RSA of 1024 bits, is too weak; use" },
    { "certificate: weak_key.pem, private_key: weak_key.key, trust: ca.pem, policy: legacy-cucm",
      "", OUT, NULL },
    /* usage: a listener needs serverAuth, connecting out needs clientAuth, and only connecting out
       does */
    { "certificate: client.pem, private_key: client.key, trust: ca.pem", "", OUT,
      "lacks serverAuth; a listener shows it" },
    { "certificate: server.pem, private_key: server.key, trust: ca.pem", "", OUT,
      "lacks clientAuth; we show it when we connect to a destination" },
    { "certificate: server.pem, private_key: server.key, trust: ca.pem", "", "", NULL },
    { "certificate: server.pem, private_key: server.key, client_certificate: client.pem, "
      "client_private_key: client.key, trust: ca.pem",
      "", OUT, NULL },
    { GOOD ", client_certificate: server.pem, client_private_key: server.key", "", "",
      "tls.corp.client_certificate: " },
    { GOOD ", client_certificate: client.pem, client_private_key: good.key", "", OUT,
      "tls.corp.client_private_key: " },
    { GOOD ", client_certificate: client.pem", "", OUT,
      "tls.corp.client_certificate: client_certificate and client_private_key belong together" },
    { GOOD ", client_private_key: client.key", "", OUT,
      "tls.corp.client_private_key: client_certificate and client_private_key belong together" },
    /* trust */
    { "certificate: good.pem, private_key: good.key, trust: none.pem", "", OUT,
      "tls.corp.trust: " },
    { "certificate: good.pem, private_key: good.key, trust: rubbish.pem", "", OUT,
      "tls.corp.trust: " },
    { GOOD ", crl: none.crl", "", OUT, "tls.corp.crl: " },
    { GOOD ", crl: rubbish.pem", "", OUT, "tls.corp.crl: " },
    { "certificate: good.pem, private_key: good.key, trust: none.pem, crl: none.crl", "", OUT,
      "tls.corp.crl: " },
    { GOOD, ", trust: none.pem", OUT, "trunks.T.trust: " },
};

static void test_flaws(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct loaded loaded = load_tls(rows[i].tls, rows[i].trunk, rows[i].destinations);

        CHECK_INT(loaded.err, rows[i].want ? GH_ESYNTAX : 0);
        if (!CHECK(rows[i].want ? strstr(loaded.text, rows[i].want) != NULL
                                : !strstr(loaded.text, "error")))
            fprintf(stderr, "%s%s wants %s, says\n%s", rows[i].tls, rows[i].trunk,
                    rows[i].want ? rows[i].want : "nothing", loaded.text);
        CHECK(!strstr(loaded.text, "BEGIN"));
        if (rows[i].want) /* once */
            CHECK(!strstr(strstr(loaded.text, rows[i].want) + 1, rows[i].want));
        loaded_fini(&loaded);
    }
}

/* ---- dates ----------------------------------------------------------------------------------- */

#define DAY 86400L
#define WITH_TRUST(file) "certificate: good.pem, private_key: good.key, trust: " file

static void make_dated(void)
{
    struct gh_pki_cert *ended = gh_pki_issue(
        NULL, &(struct gh_pki_params){
                  .cn = "Old", .ca = true, .from = "20200101000000Z", .until = "20210203040506Z" });
    struct gh_pki_cert *unborn = gh_pki_issue(
        NULL, &(struct gh_pki_params){ .cn = "Next",
                                       .ca = true,
                                       .from = "21000101000000Z",
                                       .until = "21010101000000Z" });
    struct gh_pki_cert *ending = gh_pki_issue(
        NULL, &(struct gh_pki_params){ .cn = "Ending", .ca = true, .until_s = 12 * DAY + 60 });
    struct gh_pki_cert *later = gh_pki_issue(
        NULL, &(struct gh_pki_params){ .cn = "Later", .ca = true, .until_s = 30 * DAY + 60 });
    struct gh_pki_cert *soon =
        gh_pki_issue(ca, &(struct gh_pki_params){ .cn = "soon", .until_s = DAY + 60 });

    gh_pki_write_certs("ended.pem", ended, NULL);
    gh_pki_write_certs("unborn.pem", unborn, NULL);
    gh_pki_write_certs("both_bad.pem", ended, unborn, NULL);
    gh_pki_write_certs("two.pem", ended, ca, NULL);
    gh_pki_write_certs("twice.pem", ended, ca, ended, NULL);
    gh_pki_write_certs("ending.pem", ending, NULL);
    gh_pki_write_certs("later.pem", later, NULL);
    gh_pki_write_certs("soon.pem", soon, NULL);
    gh_pki_write_key("soon.key", soon);
    gh_pki_write_certs("soon_chain.pem", good, soon, NULL);
    gh_pki_write_crl("fresh.crl", ca, -60, 90 * DAY, NULL);
    gh_pki_write_crl("old.crl", ca, -2 * DAY, -DAY, NULL);
    gh_pki_write_crl("early.crl", ca, DAY, 90 * DAY, NULL);
    gh_pki_write_crl("weekly.crl", ca, -60, 7 * DAY + 60, NULL);
    gh_pki_write_crl("minute.crl", ca, -60, 60, NULL);
    gh_pki_join("renewed.crl", gh_pki_path("old.crl"), gh_pki_path("weekly.crl"),
                gh_pki_path("fresh.crl"), gh_pki_path("early.crl"), NULL);
    gh_pki_write_crl("other.crl", other_ca, -60, 90 * DAY, NULL);
    gh_pki_join("one_of_two.crl", gh_pki_path("old.crl"), gh_pki_path("other.crl"), NULL);
}

static const struct {
    const char *tls, *trunk;
    unsigned errors, warnings;
    const char *want;
} dated[] = {
    /* An anchor that is not valid verifies nobody; beside one that is, it is only of no use. */
    { WITH_TRUST("ended.pem"), "", 1, 0,
      "error: tls.corp.trust: @/ended.pem: CN=Old,O=gatehouse test expired at "
      "2021-02-03T04:05:06Z, so no peer can be verified; put the CA's valid one there" },
    { WITH_TRUST("unborn.pem"), "", 1, 0, "is not valid before 2100-01-01T00:00:00Z, so no peer" },
    { WITH_TRUST("both_bad.pem"), "", 2, 0, "is not valid before 2100-01-01T00:00:00Z, so no" },
    { WITH_TRUST("two.pem"), "", 0, 1,
      "warning: tls.corp.trust: @/two.pem: CN=Old,O=gatehouse test expired at "
      "2021-02-03T04:05:06Z, and verifies nobody; remove it" },
    { WITH_TRUST("twice.pem"), "", 0, 1, "and verifies nobody" },
    { GOOD, ", trust: ended.pem", 1, 0, "error: trunks.T.trust: @/ended.pem: CN=Old" },
    { WITH_TRUST("ending.pem"), "", 0, 1, "Z, in 12 days, and with it whoever it signed; add the" },
    { WITH_TRUST("later.pem"), "", 0, 0, "" },
    /* Ours: the leaf, and what stands behind it. */
    { "certificate: soon.pem, private_key: soon.key, trust: ca.pem", "", 0, 1,
      "warning: tls.corp.certificate: @/soon.pem: ends at " },
    { "certificate: soon.pem, private_key: soon.key, trust: ca.pem", "", 0, 1,
      "Z, in 1 day; put a new one there, restart" },
    { "certificate: soon_chain.pem, private_key: good.key, trust: ca.pem", "", 0, 1,
      "warning: tls.corp.certificate: @/soon_chain.pem: ends at " },
    { GOOD ", client_certificate: soon.pem, client_private_key: soon.key", "", 0, 1,
      "warning: tls.corp.client_certificate: @/soon.pem: ends at " },
    /* Lists: the best of each issuer. */
    { GOOD ", crl: fresh.crl", "", 0, 0, "" },
    { GOOD ", crl: old.crl", "", 1, 0,
      "error: tls.corp.crl: @/old.crl: the list of CN=Root,O=gatehouse test is outdated since " },
    { GOOD ", crl: early.crl", "", 1, 0, " is not valid before " },
    { GOOD ", crl: old.crl, crl_unavailable: warn", "", 0, 1, "so nobody sees what is revoked" },
    { GOOD ", crl: old.crl", ", trust: other.pem", 1, 0, "so each peer below it is refused" },
    { GOOD ", crl: weekly.crl", "", 0, 1, "Z, in 7 days; put a fresh one there, restart" },
    { GOOD ", crl: minute.crl", "", 0, 1, "Z, in less than a day; put a fresh one there" },
    { GOOD ", crl: renewed.crl", "", 0, 0, "" },
    { GOOD ", crl: one_of_two.crl", "", 1, 0, "one_of_two.crl: the list of CN=Root" },
};

static unsigned count_of(const char *text, const char *word)
{
    unsigned count = 0;

    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        count++;
    return count;
}

static void test_dates(void)
{
    for (size_t i = 0; i < sizeof(dated) / sizeof(dated[0]); i++) {
        struct loaded loaded = load_tls(dated[i].tls, dated[i].trunk, OUT);
        const char *at = strchr(dated[i].want, '@');
        char want[1024];

        snprintf(want, sizeof(want), "%.*s%s%s",
                 at ? (int)(at - dated[i].want) : (int)strlen(dated[i].want), dated[i].want,
                 at ? gh_pki_dir() : "", at ? at + 1 : "");
        CHECK_INT(loaded.err, dated[i].errors ? GH_ESYNTAX : 0);
        CHECK_INT(count_of(loaded.text, ": error: "), dated[i].errors);
        CHECK_INT(count_of(loaded.text, ": warning: tls.") +
                      count_of(loaded.text, ": warning: trunks."), dated[i].warnings);
        if (!CHECK(strstr(loaded.text, want) != NULL))
            fprintf(stderr, "%s%s wants %s, says\n%s", dated[i].tls, dated[i].trunk, want,
                    loaded.text);
        loaded_fini(&loaded);
    }
}

/* All flaws of one entry in one run. */
static void test_all_in_one_run(void)
{
    struct loaded loaded = load_tls(
        "certificate: expired.pem, private_key: expired.key, trust: none.pem, crl: no.crl, "
        "client_certificate: early.pem, client_private_key: early.key",
        ", trust: gone.pem", OUT);

    CHECK_INT(loaded.err, GH_ESYNTAX);
    CHECK(strstr(loaded.text, "tls.corp.certificate: "));
    CHECK(strstr(loaded.text, "tls.corp.client_certificate: "));
    CHECK(strstr(loaded.text, "tls.corp.trust: "));
    CHECK(strstr(loaded.text, "tls.corp.crl: "));
    CHECK(strstr(loaded.text, "trunks.T.trust: "));
    loaded_fini(&loaded);

    /* Nothing is there at all. */
    loaded = load_tls("certificate: no.pem, private_key: no.key, trust: ca.pem, "
                      "client_certificate: none.pem, client_private_key: none.key",
                      "", OUT);
    CHECK_INT(loaded.err, GH_ESYNTAX);
    CHECK(strstr(loaded.text, "tls.corp.certificate: "));
    CHECK(strstr(loaded.text, "tls.corp.private_key: "));
    CHECK(strstr(loaded.text, "tls.corp.client_certificate: "));
    CHECK(strstr(loaded.text, "tls.corp.client_private_key: "));
    loaded_fini(&loaded);
}

/* A directory is read file by file, hashed or not. */
static void test_trust_directory(void)
{
    struct loaded loaded;

    gh_pki_mkdir("roots");
    gh_pki_write_certs("roots/one.pem", ca, NULL);
    gh_pki_write_certs("roots/two.pem", other_ca, NULL);
    loaded = load_tls("certificate: good.pem, private_key: good.key, trust: roots", "", OUT);
    if (!CHECK_INT(loaded.err, 0))
        fputs(loaded.text, stderr);
    loaded_fini(&loaded);
}

/* What a good load holds: stores and contexts, the trunk's own trust apart. */
static void test_loaded(void)
{
    struct loaded loaded = load_tls(GOOD, ", trust: other.pem", OUT);
    const struct gh_config *c = loaded.config;

    CHECK_OR_STOP(c != NULL);
    CHECK(c->tls[0].trust_store && c->tls[0].server && c->tls[0].client);
    CHECK(c->trunks[0].trust_store && c->trunks[0].trust_store != c->tls[0].trust_store);
    CHECK(c->trunks[1].trust_store == c->tls[0].trust_store);
    CHECK_STR(c->tls[0].client_certificate, c->tls[0].certificate);
    loaded_fini(&loaded);
}

/* ---- the files of conf/ ---------------------------------------------------------------------- */

static char *read_conf(const char *name)
{
    static char text[65536];
    char path[512];
    FILE *file;
    size_t len;

    snprintf(path, sizeof(path), "%s/conf/%s", GH_SOURCE_DIR, name);
    file = fopen(path, "re");
    if (!file)
        return NULL;
    len = fread(text, 1, sizeof(text) - 1, file);
    text[len] = 0;
    fclose(file);
    return text;
}

static void make_conf_pki(void)
{
    gh_pki_mkdir("pki");
    gh_pki_write_certs("pki/border1.pem", good, NULL);
    gh_pki_write_key("pki/border1.key", good);
    gh_pki_write_certs("pki/client.pem", client_only, NULL);
    gh_pki_write_key("pki/client.key", client_only);
    gh_pki_write_certs("pki/ca.pem", ca, NULL);
    gh_pki_write_crl("pki/ca.crl", ca, -60, 86400, NULL);
}

static void test_sample(void)
{
    static const char *const noted[] = {
        "trunks.CUCM10.options_ping", "audit.signing_key", "audit.checkpoint",
        "audit.checkpoint_to",        "admin.socket",      "admin.http"
    };
    struct gh_load_env env = gh_load_env_default;
    const char *text = read_conf("gatehouse.yaml");
    struct loaded loaded;

    CHECK_OR_STOP(text != NULL);
    env.port_range = NULL;
    loaded = test_load_text(text, &env);
    if (!CHECK_INT(loaded.err, 0))
        fputs(loaded.text, stderr);
    for (size_t i = 0; i < sizeof(noted) / sizeof(noted[0]); i++) {
        char want[128];

        snprintf(want, sizeof(want), ": %s: accepted, not yet in effect\n", noted[i]);
        CHECK(strstr(loaded.text, want) != NULL);
    }
    CHECK(loaded.config && loaded.config->trunk_count == 3 && loaded.config->route_count == 2);
    loaded_fini(&loaded);
}

static void test_lab(void)
{
    struct gh_load_env env = gh_load_env_default;
    const char *text = read_conf("lab.yaml");
    const struct gh_config_trunk *trunk;
    struct loaded loaded;

    CHECK_OR_STOP(text != NULL);
    env.port_range = NULL;
    loaded = test_load_text(text, &env);
    CHECK_INT(loaded.err, 0);
    CHECK_STR(loaded.text, "");
    CHECK_OR_STOP(loaded.config != NULL);
    trunk = gh_config_trunk_by_name(loaded.config, "LAB");
    CHECK_OR_STOP(trunk != NULL);
    CHECK_INT(trunk->rules.transport, GH_TRANSPORT_TCP);
    CHECK_INT(trunk->rules.srtp, GH_SRTP_ALLOWED);
    CHECK_INT(trunk->rules.peer_address_count, 1);
    CHECK_INT(trunk->listener->address.port, 5060);
    trunk = gh_config_trunk_by_name(loaded.config, "CUCM10");
    CHECK(trunk && trunk->rules.srtp == GH_SRTP_REQUIRED && trunk->destinations[0].port == 5061);
    loaded_fini(&loaded);
}

/* An option that asks for something, here and now: not those that this version only knows the name of. */
static bool has_a_choice(const struct gh_option *option)
{
    size_t there = 0;

    for (const struct gh_choice *choice = option->choices; choice && choice->word; choice++)
        there += !choice->missing;
    return option->available == GH_AVAILABLE && (!option->choices || there > 1);
}

/* Who begins with the sample finds each key in it, as it is or as a comment. */
static void check_sample_names(const char *text, const struct gh_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct gh_option *option = &table->options[i];
        char want[128];

        snprintf(want, sizeof(want), "%s:", option->name);
        if (has_a_choice(option) && !CHECK(strstr(text, want) != NULL))
            fprintf(stderr, "%s: %s is not in the sample\n", table->what, option->name);
        if (option->table)
            check_sample_names(text, option->table);
    }
}

static void test_sample_names_every_option(void)
{
    const char *text = read_conf("gatehouse.yaml");

    CHECK_OR_STOP(text != NULL);
    check_sample_names(text, &gh_schema);
}

/*
 * The sample is the block of the design with comments: line by line.  The whole table is walked in
 * test_options.c.
 */
static void test_sample_has_design_keys(void)
{
    static const char *const lines[] = {
        "version: 1",
        "node: {name: border1.example.net}",
        "    certificate: pki/border1.pem",
        "    private_key: pki/border1.key",
        "    client_certificate: pki/client.pem",
        "    client_private_key: pki/client.key",
        "    trust: pki/ca.pem",
        "    crl: pki/ca.crl",
        "    policy: modern",
        "  core: {transport: tls, address: 127.0.0.1, port: 5061, tls: corp}",
        "  lab:  {transport: tcp, address: 127.0.0.1, port: 5060}",
        "media: {address: 127.0.0.1, ports: 16384-32767, workers: auto, timeout: 60s}",
        "    device_security_mode: encrypted",
        "    digest_authentication: false",
        "    nonce_validity: 600min",
        "    accept_presence_subscription: false",
        "    accept_out_of_dialog_refer: false",
        "    accept_unsolicited_notification: false",
        "    accept_replaces_header: false",
        "    transmit_security_status: true",
        "    allow_charging_header: false",
        "    v150_offer_filter: default",
        "    suites: [AEAD_AES_256_GCM, AES_CM_128_HMAC_SHA1_80]",
        "  open: {device_security_mode: non_secure}",
        "  cucm9: {device_security_mode: encrypted, suites: [AES_CM_128_HMAC_SHA1_32]}",
        "    peer_names: [CUCM10]",
        "    destinations: [127.0.0.2:5061]",
        "    srtp: required",
        "    consider_traffic_secure: srtp_and_tls",
        "    options_ping: {in_service: 60s, out_of_service: 120s}",
        "    security_profile: open",
        "    listener: lab",
        "    peer_addresses: [127.0.0.1]",
        "    srtp: allowed",
        "    peer_names: [CUCMA]",
        "    destinations: [127.0.0.3:5061]",
        "  - {pattern: \"9898\", trunks: [CUCM10], require: hop_by_hop}",
        "  - {pattern: \"1018\", trunks: [CUCMA]}",
        "audit: {directory: audit, signing_key: pki/audit.key, checkpoint: 60s, checkpoint_to: n",
        "admin: {socket: run/ctl.sock, http: 127.0.0.1:9441}",
    };
    const char *text = read_conf("gatehouse.yaml");

    CHECK_OR_STOP(text != NULL);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char want[256];

        snprintf(want, sizeof(want), "\n%s", lines[i]);
        if (!CHECK(strstr(text, want) != NULL))
            fprintf(stderr, "missing: %s\n", lines[i]);
    }
}

int main(void)
{
    make_pki();
    make_dated();
    make_conf_pki();
    RUN(test_flaws);
    RUN(test_dates);
    RUN(test_all_in_one_run);
    RUN(test_trust_directory);
    RUN(test_loaded);
    RUN(test_sample);
    RUN(test_lab);
    RUN(test_sample_has_design_keys);
    RUN(test_sample_names_every_option);
    return CHECK_REPORT();
}
