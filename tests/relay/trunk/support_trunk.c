/* SPDX-License-Identifier: Apache-2.0 */
#include "support_trunk.h"

#include <gatehouse/record.h>
#include <stdarg.h>
#include <unistd.h>

#include "sip/out.h"

#define NODES_MAX     4
#define HANGS_AFTER_S 120

struct gh_loop *test_loop;
const char *node_limits = "";
const struct gh_pki_cert *test_intermediate;
static struct node *nodes[NODES_MAX];
static size_t node_count;
static int serial; /* ledgers and files of one process do not meet */

static void die(const char *what)
{
    fprintf(stderr, "support_trunk: %s\n", what);
    exit(1);
}

const char *host(int n)
{
    static char text[16][16];
    unsigned pid = (unsigned)getpid();

    snprintf(text[n], sizeof(text[n]), "127.%u.%u.%d", 16 + pid % 200, pid / 200 % 250 + 1, n);
    return text[n];
}

const struct gh_pki_cert *test_ca(void)
{
    static struct gh_pki_cert *ca;

    if (!ca) {
        ca = gh_pki_issue(NULL, &(struct gh_pki_params){ .cn = "Test CA", .ca = true });
        gh_pki_write_certs("ca.pem", ca, NULL);
    }
    return ca;
}

const struct gh_pki_cert *leaf(const char *name, long until_s)
{
    char dns[64];
    struct gh_pki_params params = { .cn = name, .eku = GH_PKI_SERVER | GH_PKI_CLIENT };

    snprintf(dns, sizeof(dns), "DNS:%s.example.net", name);
    params.san[0] = dns;
    if (until_s) {
        params.from_s = -3600;
        params.until_s = until_s;
    }
    return gh_pki_issue(test_ca(), &params);
}

void world_begin(void)
{
    alarm(HANGS_AFTER_S);
    test_ca();
    if (gh_loop_new(&test_loop))
        die("no loop");
}

void turn(void)
{
    gh_loop_turn(test_loop);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static void keep(struct node *node, struct gh_papers *papers)
{
    gh_papers_unref(node->papers);
    node->papers = gh_papers_ref(papers);
}

static void on_message(void *arg, struct gh_papers *papers, struct gh_sip_msg *msg)
{
    struct node *node = arg;
    struct gh_span warning = gh_sip_msg_value(msg, GH_SIP_HDR_WARNING);

    keep(node, papers);
    node->messages++;
    node->status = msg->status;
    node->method = msg->method;
    snprintf(node->warning, sizeof(node->warning), "%.*s", GH_SPAN_FMT(warning));
    gh_sip_msg_unref(msg);
}

static void on_exposed(void *arg, gh_trunk_id trunk, const struct gh_sip_msg *msg,
                       struct gh_span octets)
{
    struct node *node = arg;

    (void)trunk;
    (void)octets;
    node->exposed++;
    node->exposed_parsed += msg != NULL;
}

static void on_ready(void *arg, struct gh_papers *papers)
{
    struct node *node = arg;

    keep(node, papers);
    node->ready++;
}

static void on_lost(void *arg, struct gh_papers *papers)
{
    struct node *node = arg;

    keep(node, papers);
    node->lost++;
}

/* "@2" in YAML becomes host(2). */
static void hosts_in(const char *text, char *out, size_t size)
{
    size_t at = 0;

    while (*text && at + 20 < size) {
        if (*text == '@' && gh_ascii_is_digit((unsigned char)text[1])) {
            at += (size_t)snprintf(out + at, size - at, "%s", host(text[1] - '0'));
            text += 2;
        } else {
            out[at++] = *text++;
        }
    }
    out[at] = 0;
}

static const char *write_yaml(const char *name, int n, const char *trunks)
{
    static const char form[] = "version: 1\n"
                               "node: {name: %s.example.net}\n"
                               "tls:\n"
                               "  corp: {certificate: %s.pem, private_key: %s.key, trust: ca.pem}\n"
                               "listeners:\n"
                               "  core: {transport: tls, address: %s, port: 5061, tls: corp}\n"
                               "  lab: {transport: tcp, address: %s, port: 5060}\n"
                               "media: {address: 127.0.0.1, ports: 16384-17383}\n"
                               "security_profiles:\n"
                               "  encrypted: {}\n"
                               "  open: {device_security_mode: non_secure}\n"
                               "limits: {handshake_timeout: 5s%s}\n"
                               "trunks:\n%s"
                               "routes:\n"
                               "  - {pattern: \"9898\", trunks: [PEER]}\n"
                               "audit: {directory: audit}\n";
    char file[128], text[8192], expanded[4096];

    hosts_in(trunks, expanded, sizeof(expanded));
    snprintf(text, sizeof(text), form, name, name, name, host(n), host(n), node_limits, expanded);
    snprintf(file, sizeof(file), "%s.yaml", name);
    return gh_pki_write_text(file, text, 0600);
}

static void load(struct node *node, const char *path)
{
    char *text = NULL;
    size_t len = 0;
    FILE *errors = open_memstream(&text, &len);
    int err;

    if (gh_config_names_new(&node->names))
        die("no names");
    err = gh_config_load(&node->config, path, node->names, 1, gh_wall_us(), errors);
    fclose(errors);
    if (err)
        die(text);
    free(text);
}

void node_open(struct node *node, const char *name, int n, const struct gh_pki_cert *cert,
               const char *trunks, const char *servers)
{
    char own[64], file[128], why[GH_AUDIT_WHY_MAX], text[512];
    struct gh_trunks_params params = {
        .loop = test_loop,
        .handlers = { .arg = node, .message = on_message, .ready = on_ready, .lost = on_lost,
                      .exposed = on_exposed },
        .dns = { .servers = servers ? servers : "127.0.0.1:9", .timeout_ms = 500, .tries = 1 },
    };

    *node = (struct node){ 0 };
    snprintf(own, sizeof(own), "%.40s-%d", name, ++serial);
    if (!cert)
        cert = leaf(name, 0);
    snprintf(file, sizeof(file), "%s.pem", own);
    gh_pki_write_certs(file, cert, test_intermediate, NULL);
    snprintf(file, sizeof(file), "%s.key", own);
    gh_pki_write_key(file, cert);
    load(node, write_yaml(own, n, trunks));
    snprintf(file, sizeof(file), "%s-audit", own);
    node->ledger = gh_pki_path(file);
    struct gh_audit_options options = { .directory = node->ledger,
                                        .uv_loop = gh_loop_uv(test_loop),
                                        .wall_us = gh_wall_us() };
    if (gh_audit_open(&node->audit, &options, why))
        die(why);
    params.config = node->config;
    params.audit = node->audit;
    if (gh_trunks_new(&node->trunks, &params))
        die("no trunks");
    if (gh_trunks_listen(node->trunks, text, sizeof(text)))
        die(text);
    if (node_count == NODES_MAX)
        die("too many nodes");
    nodes[node_count++] = node;
}

static void on_audit_stopped(void *arg, int err)
{
    (void)arg;
    CHECK_INT(err, 0);
}

void node_close(struct node *node)
{
    if (node->closed)
        return;
    node->closed = true;
    gh_trunks_close(node->trunks);
    gh_audit_stop(node->audit, on_audit_stopped, NULL);
}

void world_end(void)
{
    for (size_t i = 0; i < node_count; i++)
        node_close(nodes[i]);
    gh_loop_stop(test_loop);
    CHECK_INT(gh_loop_run(test_loop), 0);
    for (size_t i = 0; i < node_count; i++) {
        struct node *node = nodes[i];

        CHECK(TAILQ_EMPTY(&node->trunks->peers));
        CHECK(TAILQ_EMPTY(&node->trunks->wants));
        gh_trunks_free(node->trunks);
        gh_audit_free(node->audit);
        gh_papers_unref(node->papers);
        gh_config_unref(node->config);
        gh_config_names_free(node->names);
    }
    node_count = 0;
    gh_loop_free(test_loop);
    alarm(0);
}

gh_trunk_id trunk_id(const struct node *node, const char *name)
{
    const struct gh_config_trunk *trunk = gh_config_trunk_by_name(node->config, name);

    if (!trunk)
        die("no such trunk");
    return trunk->rules.id;
}

/* ---- wishes ---------------------------------------------------------------------------------- */

void wish_answer(void *arg, struct gh_papers *papers, int destination, enum gh_reason reason)
{
    struct wish *wish = arg;

    wish->want = NULL;
    wish->calls++;
    wish->papers = papers ? gh_papers_ref(papers) : NULL;
    wish->destination = destination;
    wish->reason = reason;
    if (wish->trunks)
        snprintf(wish->fault, sizeof(wish->fault), "%s", gh_trunk_want_fault(wish->trunks));
}

void wish(struct wish *wish, struct node *node, const char *trunk, uint32_t skip)
{
    *wish = (struct wish){ .trunks = node->trunks };
    CHECK_INT(
        gh_trunk_want(node->trunks, trunk_id(node, trunk), skip, wish_answer, wish, &wish->want),
        0);
    CHECK_INT(wish->calls, 0); /* never from inside */
}

void wish_end(struct wish *wish)
{
    gh_papers_unref(wish->papers);
    wish->papers = NULL;
}

/* ---- messages and records -------------------------------------------------------------------- */

struct gh_buf options(void)
{
    struct gh_sip_out out = { 0 };
    struct gh_buf octets = { 0 };
    char branch[GH_SIP_BRANCH_SIZE];

    if (gh_sip_draw_branch(branch))
        die("no branch");
    gh_sip_out_request(&out, GH_SPAN("OPTIONS"), GH_SPAN("sip:192.0.2.9"));
    gh_sip_out_via(&out, "TLS", GH_SPAN("192.0.2.1"), 5061, gh_span_str(branch));
    gh_sip_out_hdr(&out, "From", GH_SPAN("<sip:a@192.0.2.1>;tag=1"));
    gh_sip_out_hdr(&out, "To", GH_SPAN("<sip:192.0.2.9>"));
    gh_sip_out_hdr(&out, "Call-ID", gh_span_str(branch));
    gh_sip_out_hdr(&out, "CSeq", GH_SPAN("1 OPTIONS"));
    if (gh_sip_out_finish(&out, NULL, GH_SPAN(""), &octets))
        die("no OPTIONS");
    return octets;
}

struct search {
    const char *a, *b;
    int found;
};

static int on_line(void *arg, const struct gh_record_line *line)
{
    struct search *search = arg;

    search->found += memmem(line->raw.p, line->raw.len, search->a, strlen(search->a)) &&
                     memmem(line->raw.p, line->raw.len, search->b, strlen(search->b));
    return 0;
}

struct gh_conn *conn_of(const struct node *node, const struct gh_papers *papers)
{
    return gh_net_conn(node->trunks->net, papers->conn);
}

bool at_host(const struct gh_addr *addr, int n)
{
    struct gh_addr want;

    return gh_addr_parse_ip(gh_span_str(host(n)), 0, &want) == 0 && gh_addr_same_ip(addr, &want);
}

int ledger_lines(const struct node *node, const char *a, const char *b)
{
    struct search search = { .a = a, .b = b };

    gh_record_read(node->ledger, on_line, &search);
    return search.found;
}
