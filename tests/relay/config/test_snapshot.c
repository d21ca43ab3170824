/* SPDX-License-Identifier: Apache-2.0 */
/* What a good configuration becomes: defaults value by value, joins, ids, references. */
#include "relay/config/support_config.h"
#include "support/check.h"
#include "support/pki.h"

static struct loaded load_good(const char *yaml, const struct gh_load_env *env)
{
    struct loaded loaded = test_load_text(yaml, env);

    if (!CHECK_INT(loaded.err, 0))
        fputs(loaded.text, stderr);
    return loaded;
}

static void check_addr(const struct gh_addr *addr, const char *want)
{
    char text[GH_ADDR_TEXT_MAX];

    CHECK_STR(gh_addr_text(addr, text), want);
}

/* Every default. */
static void test_defaults(void)
{
    struct loaded loaded = load_good(TEST_HEAD TEST_TRUNKS TEST_ROUTES, &test_env_plain);
    const struct gh_config *c = loaded.config;
    char path[512];

    CHECK_OR_STOP(c != NULL);
    CHECK_STR(loaded.text, "");
    CHECK_INT(c->refs, 1);
    CHECK_INT(c->generation, 1);
    CHECK_STR(c->node_name, "border1.example.net");

    check_addr(&c->media.interfaces[0].address, "127.0.0.1:0");
    check_addr(&c->media.interfaces[0].advertise, "127.0.0.1:0");
    CHECK(c->media.interfaces[0].address6.family == 0 && c->media.interfaces[0].advertise6.family == 0);
    CHECK_INT(c->media.port_first, 16384);
    CHECK_INT(c->media.port_last, 32767);
    CHECK_INT(c->media.workers, 0);
    CHECK_INT(c->media.timeout_ms, 60000);
    CHECK_INT(c->media.timeout_on_hold_ms, 1800000);
    CHECK_INT(c->media.latch_window_ms, 5000);
    CHECK(!c->media.builtin_srtp);

    snprintf(path, sizeof(path), "%s/audit", gh_pki_dir());
    CHECK_STR(c->audit.directory, path);
    CHECK(!c->audit.on_error_continue);

    CHECK_INT(c->limits.handshake_timeout_ms, 10000);
    CHECK_INT(c->limits.first_message_timeout_ms, 32000);
    CHECK_INT(c->limits.idle_timeout_ms, 900000);
    CHECK_INT(c->limits.ring_timeout_ms, 180000);
    CHECK_INT(c->limits.reconnect_grace_ms, 5000);
    CHECK_INT(c->limits.max_connections, 4096);
    CHECK_INT(c->limits.max_connections_per_address, 256);
    CHECK_INT(c->limits.max_calls, 4000);
    CHECK_INT(c->limits.max_hops_same_call, 3);
    CHECK_INT(c->limits.max_queued_octets, 1048576);

    CHECK_INT(c->tls_count, 1);
    CHECK_STR(c->tls[0].name, "corp");
    snprintf(path, sizeof(path), "%s/c.pem", gh_pki_dir());
    CHECK_STR(c->tls[0].certificate, path);
    CHECK(c->tls[0].crl == NULL);
    CHECK_INT(c->tls[0].crl_unavailable, GH_WAIVE_NOT);
    CHECK_INT(c->tls[0].policy, GH_TLS_MODERN);

    CHECK_INT(c->listener_count, 2);
    CHECK_INT(c->listeners[0].transport, GH_TRANSPORT_TLS);
    CHECK(c->listeners[0].tls == &c->tls[0]);
    check_addr(&c->listeners[0].address, "127.0.0.1:5061");
    CHECK(c->listeners[1].tls == NULL);
    check_addr(&c->listeners[1].address, "127.0.0.1:5060");
    loaded_fini(&loaded);
}

static void test_profile_defaults(void)
{
    struct loaded loaded = load_good(TEST_HEAD TEST_TRUNKS TEST_ROUTES, &test_env_plain);
    const struct gh_config_profile *p = loaded.config ? &loaded.config->profiles[0] : NULL;

    CHECK_OR_STOP(p != NULL);
    CHECK_STR(p->name, "encrypted");
    CHECK_INT(p->device_mode, GH_MODE_ENCRYPTED);
    CHECK(!p->digest_authentication);
    CHECK_INT(p->nonce_validity_ms, 600 * 60000);
    CHECK(!p->accept_presence_subscription && !p->accept_out_of_dialog_refer);
    CHECK(!p->accept_unsolicited_notification && !p->accept_replaces_header);
    CHECK(!p->transmit_security_status && !p->allow_charging_header);
    CHECK_INT(p->v150_filter, GH_V150_DEFAULT);
    loaded_fini(&loaded);
}

static void check_rules(const struct gh_trunk_rules *r)
{
    static const enum gh_suite suites[] = { GH_AEAD_AES_256_GCM, GH_AEAD_AES_128_GCM,
                                            GH_AES_256_CM_HMAC_SHA1_80,
                                            GH_AES_CM_128_HMAC_SHA1_80 };

    CHECK_INT(r->name_in, GH_NAME_IN_SAN);
    CHECK(!r->allow_wildcard && !r->match_host && !r->suite_order_local && !r->strict_tags);
    CHECK(!r->trust_claims && !r->transmit_security_status);
    CHECK_INT(r->tls_policy, GH_TLS_MODERN);
    CHECK_INT(r->client_auth_eku, GH_WAIVE_NOT);
    CHECK_INT(r->crl_unavailable, GH_WAIVE_NOT);
    CHECK_INT(r->best_effort, GH_BEST_EFFORT_AVP);
    CHECK_INT(r->unproven_fingerprint, GH_UNPROVEN_REFUSE);
    CHECK_INT(r->unproven_keys, GH_UNPROVEN_KEYS_REFUSE);
    CHECK_INT(r->consider_traffic_secure, GH_SECURE_SRTP_AND_TLS);
    CHECK_INT(r->suite_count, 4);
    for (size_t i = 0; i < 4; i++)
        CHECK_INT(r->suites[i], suites[i]);
}

static void test_trunk_defaults(void)
{
    struct loaded loaded = load_good(TEST_HEAD TEST_TRUNKS TEST_ROUTES, &test_env_plain);
    const struct gh_config *c = loaded.config;
    const struct gh_config_trunk *a, *b;

    CHECK_OR_STOP(c != NULL && c->trunk_count == 2);
    a = &c->trunks[0];
    b = &c->trunks[1];
    check_rules(&a->rules);
    check_rules(&b->rules);
    CHECK_INT(a->rules.transport, GH_TRANSPORT_TLS);
    CHECK_INT(b->rules.transport, GH_TRANSPORT_TCP);
    CHECK_INT(a->rules.listener, 0);
    CHECK_INT(b->rules.listener, 1);
    CHECK_INT(a->rules.device_mode, GH_MODE_ENCRYPTED);
    CHECK_INT(b->rules.device_mode, GH_MODE_NON_SECURE);
    /* The strict choice on each kind of path. */
    CHECK_INT(a->rules.srtp, GH_SRTP_REQUIRED);
    CHECK_INT(b->rules.srtp, GH_SRTP_OFF);
    CHECK_INT(a->rules.on_downgrade, GH_DOWNGRADE_REJECT);
    CHECK_INT(b->rules.on_downgrade, GH_DOWNGRADE_MARK);
    CHECK_INT(a->rules.peer_name_count, 1);
    CHECK_STR(a->rules.peer_names[0], "a");
    CHECK_INT(a->rules.peer_address_count, 0);
    CHECK_INT(b->rules.peer_address_count, 1);
    check_addr(&b->rules.peer_addresses[0], "192.0.2.2:0");
    CHECK(a->profile == &c->profiles[0] && b->profile == &c->profiles[1]);
    CHECK(a->listener == &c->listeners[0] && b->listener == &c->listeners[1]);
    CHECK(a->tls == &c->tls[0] && b->tls == NULL);
    CHECK_INT(a->destination_count, 1);
    check_addr(&a->destinations[0].addr, "192.0.2.1:5061");
    CHECK_INT(a->destinations[0].port, 5061);
    CHECK_STR(a->destinations[0].host, "192.0.2.1");
    CHECK_INT(b->destinations[0].port, 5060);
    CHECK(!a->srv && !a->contact && !a->source.family);
    CHECK(!a->srtp_path_bridge && !a->roc_keep && !a->status_update_only);
    CHECK_INT(a->key_reuse, GH_KEY_REUSE_MARK);
    CHECK_INT(a->media_source, GH_SOURCE_SDP);
    CHECK_INT(a->rtcp_mux, GH_MUX_ACCEPT);
    CHECK_INT(a->dscp.audio, 46);
    CHECK_INT(a->dscp.video, 34);
    CHECK_INT(a->dscp.other, 0);
    CHECK_INT(c->listeners[0].dscp, 24);
    CHECK_INT(a->refer, GH_REFER_LOCAL);
    CHECK_INT(a->redirect, GH_REDIRECT_REFUSE);
    CHECK_INT(a->max_calls, 0);
    CHECK_INT(a->max_cps, 0);
    CHECK_INT(a->body_count, 8);
    CHECK_STR(a->bodies[0], "application/sdp");
    CHECK_STR(a->bodies[7], "application/media_control+xml");
    loaded_fini(&loaded);
}

/* Every value that this version has, other than its default. */
static void test_values(void)
{
    struct loaded loaded = load_good(
        "version: 1\n"
        "node: {name: n}\n"
        "tls: {t: {certificate: /c, private_key: /k, trust: /t, client_certificate: x/cc, "
        "client_private_key: ck, "
        "crl: r, crl_unavailable: warn}}\n"
        "listeners: {l: {transport: tls, address: '::1', port: 5071, tls: t, dscp: CS5}}\n"
        "media: {address: 0.0.0.0, advertise: 192.0.2.9, ports: 20000-20999, workers: 3, timeout: "
        "1500ms, "
        "timeout_on_hold: 2h, latch_window: 900ms, address6: '::', advertise6: '2001:db8::9', "
        "builtin_srtp: true}\n"
        "security_profiles: {p: {transmit_security_status: true, v150_offer_filter: none, "
        "suites: [AES_CM_128_HMAC_SHA1_32, AEAD_AES_128_GCM]}}\n"
        "trunks:\n  T: {security_profile: p, listener: l, peer_names: [n1, N2], name_in: any, "
        "allow_wildcard: true, "
        "trust_claims: true, roc_on_rekey: keep, key_reuse: refuse, media_source: symmetric, "
        "client_auth_eku: warn, destinations: [pbx.example.net, '[2001:db8::1]:5080', "
        "'[2001:db8::2]'], "
        "contact: c.example.net, source: 192.0.2.7, srtp: allowed, consider_traffic_secure: "
        "srtp_only, "
        "srtp_path: bridge, status_updates: update, best_effort_profile: savp, suite_order: local, strict_tags: true, "
        "on_downgrade: end, "
        "rtcp_mux: offer, dscp: {audio: 45, video: default, other: af11}, bodies: [Application/SDP, text/plain], max_calls: 7, max_cps: 9}\n"
        "routes: [{pattern: '1X', trunks: [T], distribution: circular, on_downgrade: end, "
        "require: {grade: mixed, refuse_marks: [weak_tls, crl_waived]}}, {pattern: '2X', trunks: "
        "[T], "
        "require: hop_by_hop}, {pattern: '3X', trunks: [T]}]\n"
        "audit: {directory: /a, on_error: continue}\n"
        "limits: {max_calls: 5, max_hops_same_call: 9, idle_timeout: 1h}\n",
        &test_env_plain);
    const struct gh_config *c = loaded.config;
    const struct gh_config_trunk *t;

    CHECK_OR_STOP(c != NULL);
    CHECK_STR(c->tls[0].certificate, "/c");
    CHECK(strstr(c->tls[0].client_certificate, "/x/cc") && c->tls[0].crl);
    CHECK_INT(c->tls[0].crl_unavailable, GH_WAIVE_WARN);
    check_addr(&c->listeners[0].address, "[::1]:5071");
    check_addr(&c->media.interfaces[0].address, "0.0.0.0:0");
    check_addr(&c->media.interfaces[0].advertise, "192.0.2.9:0");
    check_addr(&c->media.interfaces[0].address6, "[::]:0");
    check_addr(&c->media.interfaces[0].advertise6, "[2001:db8::9]:0");
    CHECK_INT(c->media.port_first, 20000);
    CHECK_INT(c->media.port_last, 20999);
    CHECK_INT(c->media.workers, 3);
    CHECK_INT(c->media.timeout_ms, 1500);
    CHECK_INT(c->media.timeout_on_hold_ms, 7200000);
    CHECK_INT(c->media.latch_window_ms, 900);
    CHECK(c->media.builtin_srtp);
    CHECK(c->profiles[0].transmit_security_status);
    CHECK_INT(c->profiles[0].v150_filter, GH_V150_NONE);
    CHECK_STR(c->audit.directory, "/a");
    CHECK(c->audit.on_error_continue);
    CHECK_INT(c->limits.max_calls, 5);
    CHECK_INT(c->limits.max_hops_same_call, 9);
    CHECK_INT(c->limits.idle_timeout_ms, 3600000);

    t = &c->trunks[0];
    CHECK_INT(t->rules.peer_name_count, 2);
    CHECK_STR(t->rules.peer_names[1], "N2");
    CHECK_INT(t->rules.name_in, GH_NAME_IN_ANY);
    CHECK(t->rules.allow_wildcard && t->rules.suite_order_local && t->rules.strict_tags);
    CHECK(t->rules.transmit_security_status && t->srtp_path_bridge && t->roc_keep);
    CHECK(t->status_update_only);
    CHECK(t->rules.trust_claims);
    CHECK_INT(t->key_reuse, GH_KEY_REUSE_REFUSE);
    CHECK_INT(t->media_source, GH_SOURCE_SYMMETRIC);
    CHECK_INT(t->rules.client_auth_eku, GH_WAIVE_WARN);
    CHECK_INT(t->rules.crl_unavailable, GH_WAIVE_WARN);
    CHECK_INT(t->rules.srtp, GH_SRTP_ALLOWED);
    CHECK_INT(t->rules.consider_traffic_secure, GH_SECURE_SRTP_ONLY);
    CHECK_INT(t->rules.best_effort, GH_BEST_EFFORT_SAVP);
    CHECK_INT(t->rules.on_downgrade, GH_DOWNGRADE_END);
    CHECK_INT(t->rules.suite_count, 2);
    CHECK_INT(t->rules.suites[0], GH_AES_CM_128_HMAC_SHA1_32);
    CHECK_INT(t->rules.suites[1], GH_AEAD_AES_128_GCM);
    CHECK_INT(t->destination_count, 3);
    CHECK_STR(t->destinations[0].host, "pbx.example.net");
    CHECK_INT(t->destinations[0].addr.family, 0);
    CHECK_INT(t->destinations[0].port, 5061);
    check_addr(&t->destinations[1].addr, "[2001:db8::1]:5080");
    check_addr(&t->destinations[2].addr, "[2001:db8::2]:5061");
    CHECK_STR(t->contact, "c.example.net");
    check_addr(&t->source, "192.0.2.7:0");
    CHECK_INT(t->rtcp_mux, GH_MUX_OFFER);
    CHECK_INT(t->dscp.audio, 45);
    CHECK_INT(t->dscp.video, 34);
    CHECK_INT(t->dscp.other, 10);
    CHECK_INT(c->listeners[0].dscp, 40);
    CHECK_INT(t->body_count, 2);
    CHECK_STR(t->bodies[0], "application/sdp");
    CHECK_INT(t->max_calls, 7);
    CHECK_INT(t->max_cps, 9);

    CHECK_INT(c->route_count, 3);
    CHECK_STR(c->route_patterns[0], "1X");
    CHECK(c->routes[0].circular && c->routes[0].trunk_count == 1 && c->routes[0].trunks[0] == t);
    CHECK_INT(c->routes[0].require.grade, GH_GRADE_MIXED);
    CHECK_INT(c->routes[0].require.refuse_mark_count, 2);
    CHECK_INT(c->routes[0].require.refuse_marks[1], GH_REASON_CRL_WAIVED);
    CHECK_INT(c->routes[0].on_downgrade, GH_DOWNGRADE_END);
    CHECK_INT(c->routes[1].require.grade, GH_GRADE_HOP_BY_HOP);
    CHECK_INT(c->routes[1].on_downgrade, GH_DOWNGRADE_REJECT); /* the default with require */
    CHECK_INT(c->routes[2].require.grade, GH_GRADE_NONE);
    CHECK_INT(c->routes[2].on_downgrade, GH_DOWNGRADE_MARK);
    CHECK(!c->routes[2].circular);
    loaded_fini(&loaded);
}

/* Flow and block style, quotes and folding say the same. */
static void test_styles(void)
{
    struct loaded loaded =
        load_good("{\"version\": '1', node: {name: \"border\\x31\"},\n"
                  " listeners: {lab: {transport: tcp,\n   address: 127.0.0.1}},\n"
                  " media: {address: 127.0.0.1},\n"
                  " security_profiles: {open: {device_security_mode: 'non_secure'}},\n"
                  " trunks: {B: {security_profile: open, listener: lab,\n"
                  "   peer_addresses: ['192.0.2.2']}}} # all in one\n",
                  &test_env_plain);
    struct loaded block =
        load_good("version: 1\n"
                  "node:\n  name: >-\n    border1\n"
                  "listeners:\n  lab:\n    transport: tcp\n    address:\n      127.0.0.1\n"
                  "media:\n  address: |-\n    127.0.0.1\n"
                  "security_profiles:\n  open:\n    device_security_mode: non_secure\n"
                  "trunks:\n  B:\n    security_profile: open\n    listener: lab\n"
                  "    peer_addresses:\n    - 192.0.2.2\n",
                  &test_env_plain);

    CHECK_OR_STOP(loaded.config && block.config);
    CHECK_STR(loaded.config->node_name, "border1");
    CHECK_STR(block.config->node_name, "border1");
    check_addr(&loaded.config->trunks[0].rules.peer_addresses[0], "192.0.2.2:0");
    check_addr(&block.config->trunks[0].rules.peer_addresses[0], "192.0.2.2:0");
    loaded_fini(&loaded);
    loaded_fini(&block);
}

/* ---- ids ------------------------------------------------------------------------------------- */

static int load_ids(struct gh_config_names *names, const char *trunks, uint64_t generation,
                    struct gh_config **out)
{
    static char yaml[4096];
    const char *path;
    char *text = NULL;
    size_t size;
    FILE *errors = open_memstream(&text, &size);
    int err;

    snprintf(yaml, sizeof(yaml), "%s  third: {}\ntrunks:\n%s", TEST_HEAD, trunks);
    path = gh_pki_write_text("ids.yaml", yaml, 0644);
    err = gh_config_load_env(out, path, names, generation, test_wall_us(), errors, &test_env_plain);
    fclose(errors);
    free(text);
    return err;
}

#define TRUNK(name)                                                                                \
    "  " name ": {security_profile: encrypted, listener: core, peer_names: [" name "]}\n"

/* A name keeps its id over reloads, also when it was away; a failed load gives none. */
static void test_ids(void)
{
    struct gh_config_names *names = NULL;
    struct gh_config *first = NULL, *second = NULL, *third = NULL, *failed = NULL;

    CHECK_OR_STOP(gh_config_names_new(&names) == 0);
    CHECK_INT(load_ids(names, TRUNK("A") TRUNK("B"), 1, &first), 0);
    CHECK_INT(load_ids(names, TRUNK("X") TRUNK("A") "  B: {}\n", 2, &failed), GH_ESYNTAX);
    CHECK(failed == NULL);
    CHECK_INT(load_ids(names, TRUNK("C") TRUNK("B"), 2, &second), 0);
    CHECK_INT(load_ids(names, TRUNK("A") TRUNK("X"), 3, &third), 0);
    CHECK_OR_STOP(first && second && third);
    CHECK_INT(first->trunks[0].rules.id, 1);
    CHECK_INT(first->trunks[1].rules.id, 2);
    CHECK_INT(second->trunks[0].rules.id, 3);
    CHECK_INT(second->trunks[1].rules.id, 2);
    CHECK_INT(third->trunks[0].rules.id, 1);
    CHECK_INT(third->trunks[1].rules.id, 4);
    CHECK_INT(third->generation, 3);
    CHECK(gh_config_trunk_by_id(second, 3) == &second->trunks[0]);
    CHECK(gh_config_trunk_by_id(second, 1) == NULL);
    CHECK(gh_config_trunk_by_id(second, 0) == NULL);
    CHECK(gh_config_trunk_by_name(second, "B") == &second->trunks[1]);
    CHECK(gh_config_trunk_by_name(second, "b") == NULL);
    /* What policy looks at is the same, in the same order. */
    for (size_t i = 0; i < 2; i++) {
        CHECK_INT(second->rules[i].id, second->trunks[i].rules.id);
        CHECK_STR(second->rules[i].name, second->trunks[i].rules.name);
    }
    gh_config_unref(first);
    gh_config_unref(second);
    gh_config_unref(third);
    gh_config_names_free(names);
    gh_config_names_free(NULL);
    gh_config_unref(NULL);
}

static void test_refs(void)
{
    struct loaded loaded = load_good(TEST_HEAD TEST_TRUNKS TEST_ROUTES, &test_env_plain);
    struct gh_config *other;

    CHECK_OR_STOP(loaded.config != NULL);
    other = gh_config_ref(loaded.config);
    CHECK(other == loaded.config);
    CHECK_INT(other->refs, 2);
    gh_config_unref(other);
    CHECK_INT(loaded.config->refs, 1);
    CHECK_STR(loaded.config->trunks[1].rules.name, "B");
    loaded_fini(&loaded);
}

int main(void)
{
    RUN(test_defaults);
    RUN(test_profile_defaults);
    RUN(test_trunk_defaults);
    RUN(test_values);
    RUN(test_styles);
    RUN(test_ids);
    RUN(test_refs);
    return CHECK_REPORT();
}
