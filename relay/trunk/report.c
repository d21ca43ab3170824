/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What trunk/ writes down: tls.accept, tls.refuse and policy.refuse records with their one log line
 * each, and the message trace with keys blanked.
 */
#include "trunk/trunk_int.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gatehouse/sdp.h>
#include "base/log.h"
#include "sip/body.h"

static const char *transport_name(enum gh_transport transport)
{
    return transport == GH_TRANSPORT_TLS ? "tls" : transport == GH_TRANSPORT_TCP ? "tcp" : "udp";
}

/* Who the connection is with, as far as it is known. */
static void event_who(struct gh_event *event, struct gh_trunks *trunks, const struct gh_peer *peer,
                      const struct gh_conn_facts *facts)
{
    char text[GH_ADDR_TEXT_MAX];

    gh_event_text(event, "role", facts->role == GH_ROLE_SERVER ? "server" : "client");
    if (peer->trunk)
        gh_event_text(event, "trunk", peer->trunk->rules.name);
    if (facts->role == GH_ROLE_SERVER)
        gh_event_text(event, "listener",
                      trunks->config->listeners[gh_conn_listener(peer->conn)].name);
    gh_event_text(event, "transport", transport_name(facts->transport));
    gh_event_text(event, "peer", gh_addr_text(&facts->peer, text));
    gh_event_text(event, "local", gh_addr_text(&facts->local, text));
}

static void event_tls(struct gh_event *event, const struct gh_conn_facts *facts)
{
    if (facts->version == GH_TLS_NONE)
        return;
    gh_event_text(event, "version", facts->version_name);
    gh_event_text(event, "cipher", facts->cipher);
    gh_event_text(event, "group", facts->group);
    gh_event_bool(event, "forward_secret", facts->forward_secret);
}

static void event_cert(struct gh_event *event, const struct gh_conn_facts *facts)
{
    const struct gh_cert_facts *cert = &facts->cert;

    if (!facts->peer_cert)
        return;
    gh_event_array(event, "presented");
    for (size_t i = 0; i < cert->name_count; i++)
        gh_event_text(event, NULL, cert->names[i].text);
    gh_event_end(event);
    gh_event_sha256(event, "cert", cert->sha256);
    gh_event_text(event, "subject", cert->subject);
    gh_event_text(event, "issuer", cert->issuer);
    gh_event_text(event, "serial", cert->serial);
    gh_event_time(event, "not_before", cert->not_before_us);
    gh_event_time(event, "not_after", cert->not_after_us);
}

/* The names that would have been right: the trunk's, or those of every trunk of the listener. */
static void expected_names(struct gh_trunks *trunks, const struct gh_peer *peer,
                           struct gh_event *event, struct gh_buf *text)
{
    gh_event_array(event, "expected");
    for (size_t i = 0; i < trunks->config->trunk_count; i++) {
        const struct gh_trunk_rules *rules = &trunks->config->trunks[i].rules;

        if (peer->trunk ? rules != &peer->trunk->rules
                        : rules->listener != gh_conn_listener(peer->conn))
            continue;
        for (size_t n = 0; n < rules->peer_name_count; n++) {
            gh_event_text(event, NULL, rules->peer_names[n]);
            gh_buf_fmt(text, "%s%s", text->len ? "," : "", rules->peer_names[n]);
        }
    }
    gh_event_end(event);
}

static void presented_names(const struct gh_conn_facts *facts, struct gh_buf *text)
{
    for (size_t i = 0; facts->peer_cert && i < facts->cert.name_count; i++)
        gh_buf_fmt(text, "%s%s", text->len ? "," : "", facts->cert.names[i].text);
    if (!facts->peer_cert)
        gh_buf_str(text, "no certificate seen");
    else if (!text->len)
        gh_buf_str(text, "none");
}

void gh_report_accept(struct gh_peer *peer)
{
    struct gh_trunks *trunks = peer->trunks;
    const struct gh_conn_facts *facts = gh_conn_facts(peer->conn);
    const char *role = facts->role == GH_ROLE_SERVER ? "server" : "client";
    char text[GH_ADDR_TEXT_MAX];
    struct gh_event *event;

    if (facts->transport != GH_TRANSPORT_TLS) {
        gh_log(GH_LOG_INFO, "trunk", "accept", "trunk=%s conn=%llu role=%s transport=%s peer=%s",
               peer->trunk->rules.name, (unsigned long long)gh_conn_id(peer->conn), role,
               transport_name(facts->transport), gh_addr_text(&facts->peer, text));
        return;
    }
    gh_log(GH_LOG_INFO, "trunk", "tls.accept",
           "trunk=%s conn=%llu role=%s peer=%s version=%s cipher=%s group=%s name=%s",
           peer->trunk->rules.name, (unsigned long long)gh_conn_id(peer->conn), role,
           gh_addr_text(&facts->peer, text), facts->version_name, facts->cipher, facts->group,
           peer->papers->name);
    event = gh_event_new("tls.accept", gh_wall_us());
    event_who(event, trunks, peer, facts);
    event_tls(event, facts);
    event_cert(event, facts);
    gh_event_text(event, "name", peer->papers->name);
    gh_event_array(event, "marks");
    for (size_t i = 0; i < peer->papers->standing.mark_count; i++)
        gh_event_text(event, NULL, gh_reason_name(peer->papers->standing.marks[i]));
    gh_event_end(event);
    gh_audit_put(trunks->audit, event, NULL, NULL);
}

void gh_report_refuse(struct gh_trunks *trunks, const struct gh_peer *peer,
                      const struct gh_conn_facts *facts, enum gh_reason reason, const char *text)
{
    const struct gh_reason_info *info = gh_reason_info(reason);
    struct gh_buf presented = { .limit = 4096 }, expected = { .limit = 4096 };
    char addr[GH_ADDR_TEXT_MAX], ip[GH_ADDR_TEXT_MAX];
    bool tls = facts->transport == GH_TRANSPORT_TLS;
    struct gh_event *event = gh_event_new(tls ? "tls.refuse" : "policy.refuse", gh_wall_us());

    event_who(event, trunks, peer, facts);
    gh_event_text(event, "reason", info->name);
    gh_event_text(event, "text", text ? text : info->text);
    gh_event_text(event, "advice", info->advice);
    event_tls(event, facts);
    event_cert(event, facts);
    expected_names(trunks, peer, event, &expected);
    presented_names(facts, &presented);
    gh_log(GH_LOG_WARN, "trunk", tls ? "tls.refuse" : "refuse",
           "%s=%s peer=%s role=%s reason=%s presented=%s expected=%s text=%s change=\"%s\"",
           peer->trunk ? "trunk" : "listener",
           peer->trunk ? peer->trunk->rules.name
                       : trunks->config->listeners[gh_conn_listener(peer->conn)].name,
           gh_addr_text(&facts->peer, addr), facts->role == GH_ROLE_SERVER ? "server" : "client",
           info->name, gh_log_quote(gh_buf_span(&presented)).text,
           gh_log_quote(gh_buf_span(&expected)).text,
           gh_log_quote(gh_span_str(text ? text : info->text)).text, info->advice);
    gh_audit_put_folded(trunks->audit, event, info->name,
                        gh_span_str(gh_addr_ip_text(&facts->peer, ip)),
                        gh_loop_now_ms(trunks->loop));
    gh_buf_fini(&presented);
    gh_buf_fini(&expected);
}

/* What the sender wrote of itself.  When a header holds a key it could be any: none is told. */
static void event_message(struct gh_event *event, const struct gh_sip_msg *msg)
{
    if (!msg || gh_sip_text_carries(msg->head))
        return;
    gh_event_str(event, "method", msg->method_text);
    if (!msg->request)
        gh_event_int(event, "response", msg->status);
    gh_event_str(event, "from", msg->from.uri.user);
    gh_event_str(event, "to", msg->to.uri.user);
    gh_event_str(event, "call_id", msg->call_id);
}

void gh_report_message(struct gh_peer *peer, const struct gh_refused_message *refused)
{
    const struct gh_reason_info *info = gh_reason_info(refused->reason);
    const struct gh_conn_facts *facts = gh_conn_facts(peer->conn);
    const char *mark = refused->exposed == GH_REASON_NONE ? "" : gh_reason_name(refused->exposed);
    struct gh_event *event = gh_event_new("policy.refuse", gh_wall_us());
    char addr[GH_ADDR_TEXT_MAX], about[128], detail[256];

    snprintf(detail, sizeof(detail), "%s: %s", refused->header, refused->text);
    snprintf(about, sizeof(about), "%s%s%s", mark, *mark ? " " : "", info->name);
    gh_log(GH_LOG_WARN, "trunk", "message.refuse",
           "trunk=%s conn=%llu peer=%s reason=%s marks=%s detail=\"%s\"",
           peer->trunk ? peer->trunk->rules.name : "-", (unsigned long long)peer->papers->conn,
           gh_addr_text(&facts->peer, addr), info->name, *mark ? mark : "-", detail);
    event_who(event, peer->trunks, peer, facts);
    event_message(event, refused->msg);
    gh_event_text(event, "reason", info->name);
    gh_event_text(event, "text", info->text);
    gh_event_text(event, "detail", detail);
    gh_event_text(event, "advice", info->advice);
    gh_event_int(event, "sip", info->sip_code);
    gh_event_array(event, "marks");
    if (*mark)
        gh_event_text(event, NULL, mark);
    gh_event_end(event);
    gh_audit_put_folded(peer->trunks->audit, event, about,
                        gh_span_str(gh_addr_ip_text(&facts->peer, addr)),
                        gh_loop_now_ms(peer->trunks->loop));
}

static bool has_escape(struct gh_span text)
{
    return gh_span_find(text, '%') < text.len || gh_span_find(text, '\\') < text.len;
}

/* Escapes hide words from gh_sdp_redact.  Where undoing them shows keying, every line that holds
 * one goes, with its folds. */
static void blank_escaped(struct gh_span octets, char *blanked)
{
    bool hide = false;

    if (!has_escape(octets) || !gh_sip_text_carries(octets))
        return;
    for (size_t at = 0, len; at < octets.len; at += len) {
        struct gh_span rest = gh_span_from(octets, at);
        bool fold = rest.p[0] == ' ' || rest.p[0] == '\t';

        len = gh_span_find(rest, '\n');
        hide = (fold && hide) || has_escape(gh_span_head(rest, len));
        if (hide)
            memset(blanked + at, '*', len && rest.p[len - 1] == '\r' ? len - 1 : len);
        len += len < rest.len;
    }
}

void gh_trunk_trace(struct gh_trunks *trunks, const struct gh_papers *papers, bool to_us,
                    struct gh_span octets)
{
    const struct gh_config_trunk *trunk =
        gh_config_trunk_by_id(trunks->config, papers->standing.trunk);
    char addr[GH_ADDR_TEXT_MAX], when[GH_EVENT_TIME_LEN + 1];
    char *blanked;

    if (!trunks->trace)
        return;
    blanked = malloc(octets.len ? octets.len : 1);
    if (!blanked)
        return;
    gh_sdp_redact(octets, blanked);
    blank_escaped(octets, blanked);
    gh_event_time_text(gh_wall_us(), when);
    fprintf(trunks->trace, "--- %s %s %s %s %s %zu\n", when, to_us ? "from" : "to",
            trunk ? trunk->rules.name : "-", transport_name(papers->facts.transport),
            gh_addr_text(&papers->facts.peer, addr), octets.len);
    fwrite(blanked, 1, octets.len, trunks->trace);
    fputc('\n', trunks->trace);
    fflush(trunks->trace);
    explicit_bzero(blanked, octets.len);
    free(blanked);
}
