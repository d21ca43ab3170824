/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of the node: born here, freed here, and joined here to trunks, transactions and media.
 * What a call does in between is state.c's table.
 */
#include "call/call.h"

#include <stdlib.h>

#include "base/descriptors.h"
#include "base/log.h"
#include "call/call_int.h"
#include "crypto/hash.h"

#define STOP_WAIT_MS 5000 /* for BYEs and records when the daemon stops */
#define PORT_DELAY_MS                                                                              \
    1000 /* a released port rests: late packets of an old call must not reach a new one */

/* ---- one call -------------------------------------------------------------------------------- */

/* ULID: 48 bits of milliseconds, 80 random ones, in Crockford's base 32; sorts by time. */
static int draw_id(char out[27], int64_t wall_us)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint8_t octets[16];
    uint64_t ms = (uint64_t)(wall_us / 1000);
    int err = gh_random(octets + 6, 10);

    for (int i = 0; i < 6; i++)
        octets[i] = (uint8_t)(ms >> (40 - 8 * i));
    for (int i = 0; i < 26; i++) {
        unsigned value = 0;

        for (int bit = i * 5 - 2; bit < i * 5 + 3; bit++)
            value = value << 1 | (bit < 0 ? 0u : (unsigned)octets[bit / 8] >> (7 - bit % 8) & 1u);
        out[i] = digits[value];
    }
    out[26] = 0;
    return err;
}

static void keep_text(char *to, size_t size, struct gh_span from)
{
    size_t len = from.len < size ? from.len : size - 1;

    if (len)
        memcpy(to, from.p, len);
    to[len] = 0;
}

/* What names the call across neighbours; odd values are not kept. */
static void keep_identity(struct gh_call *call, const struct gh_sip_msg *msg)
{
    struct gh_sip_session_id id;
    uint32_t words[4];
    struct gh_span session = gh_sip_msg_value(msg, GH_SIP_HDR_SESSION_ID);
    struct gh_span guid = gh_sip_msg_value(msg, GH_SIP_HDR_CISCO_GUID);

    /* RFC 7989 section 5: the nil UUID names no session. */
    if (session.len && !gh_sip_session_id_parse(session, &id) &&
        !gh_span_eq(id.local, GH_SPAN("00000000000000000000000000000000")))
        keep_text(call->session_id, sizeof(call->session_id), id.local);
    if (guid.len < sizeof(call->cisco_guid) && !gh_sip_guid_parse(guid, words))
        keep_text(call->cisco_guid, sizeof(call->cisco_guid), guid);
}

/* The same for an INVITE that is retried or forked before it reaches us: what the caller made and
 * keeps. */
static uint64_t name_invite(const struct gh_sip_msg *msg)
{
    uint8_t hash[32] = { 0 };
    struct gh_buf text = { 0 };
    uint64_t name = 0;

    gh_buf_add(&text, msg->call_id);
    gh_buf_str(&text, "\n");
    gh_buf_add(&text, msg->from.tag);
    if (!text.err && !gh_sha256(text.p, text.len, hash))
        memcpy(&name, hash, sizeof(name));
    gh_buf_fini(&text);
    return name;
}

static size_t first_trunk(struct gh_calls *calls, const struct gh_config_route *route)
{
    return route->circular ? calls->circular[route - calls->config->routes]++ : 0;
}

struct gh_call *gh_call_new(struct gh_calls *calls, struct gh_txn *txn, struct gh_sip_msg *request,
                            struct gh_papers *papers, const struct gh_config_trunk *trunk,
                            const struct gh_config_route *route)
{
    struct gh_call *call = calloc(1, sizeof(*call));
    struct gh_leg *a;

    if (!call)
        return NULL;
    a = &call->leg[GH_SIDE_A];
    call->calls = calls;
    TAILQ_INIT(&call->forks);
    TAILQ_INIT(&call->relays);
    TAILQ_INIT(&call->kept);
    TAILQ_INIT(&call->open);
    TAILQ_INIT(&call->silences);
    call->number = ++calls->counters.calls;
    call->start_us = gh_wall_us();
    call->end.by = -1;
    call->destination = GH_DESTINATION_NONE;
    for (int side = 0; side < 2; side++) {
        call->leg[side].call = call;
        call->leg[side].side = side;
    }
    /* Side a's trunk, and each of the route's. */
    call->key_holders = calloc(route->trunk_count + 1, sizeof(*call->key_holders));
    if (!call->key_holders || draw_id(call->id, call->start_us) || gh_sip_draw_tag(a->tag) ||
        gh_random(&a->session_id, sizeof(a->session_id))) {
        free(call->key_holders);
        free(call);
        return NULL;
    }
    gh_timeline_init(&call->line);
    a->session_id >>= 2; /* RFC 8866 section 5.2: a number; peers keep it in signed 64 bits */
    a->trunk = trunk;
    a->papers = gh_papers_ref(papers);
    a->conn = papers->conn;
    a->invite = txn;
    a->invite_cseq = request->cseq;
    gh_call_take_said(a, request);
    call->request = gh_sip_msg_ref(request);
    call->sips = request->uri.scheme == GH_SIP_SCHEME_SIPS;
    call->reliable_a = gh_call_reliable(request);
    call->invite = name_invite(request);
    call->route = route;
    call->trunk_first = first_trunk(calls, route);
    keep_text(call->from, sizeof(call->from), request->from.uri.user);
    keep_identity(call, request);
    gh_txn_set_user(txn, a);
    TAILQ_INSERT_TAIL(&calls->list, call, link);
    calls->count++;
    return call;
}

static void check_drained(struct gh_calls *calls);

static void call_free(struct gh_call *call)
{
    struct gh_calls *calls = call->calls;
    uint64_t now_ms = gh_loop_now_ms(calls->loop);

    gh_timer_stop(gh_loop_timers(calls->loop), &call->timer);
    gh_trunk_unwant(calls->trunks, call->want);
    gh_call_relays_end(call, NULL, now_ms);
    gh_call_own_end(call, now_ms);
    gh_call_forks_free(call, NULL);
    gh_call_media_forget(call);
    gh_rel_in_fini(&call->reliable);
    gh_key_memory_call_ended(calls->keys, call->number);
    for (int side = 0; side < 2; side++) {
        struct gh_leg *leg = &call->leg[side];

        gh_trunk_unwant(calls->trunks, leg->bye_want);
        if (leg->telling)
            gh_txn_detach(leg->telling, now_ms);
        if (leg->bye)
            gh_txn_detach(leg->bye, now_ms);
        if (leg->invite)
            gh_txn_detach(leg->invite, now_ms);
        gh_papers_unref(leg->papers);
    }
    if (calls->arrival.claims == &call->leg[GH_SIDE_A] ||
        calls->arrival.claims == &call->leg[GH_SIDE_B])
        calls->arrival.claims = NULL; /* of the message that is being handled */
    if (call->receipt)
        call->receipt->call = NULL;
    if (call->reserved)
        gh_audit_unreserve(calls->audit);
    gh_sip_msg_unref(call->request);
    gh_neg_free(call->offer);
    TAILQ_REMOVE(&calls->list, call, link);
    calls->count--;
    for (size_t i = 0; i < GH_NEG_STREAMS_MAX; i++)
        free(call->shown[i]);
    gh_call_silences_free(call);
    gh_timeline_fini(&call->line);
    free(call->key_holders);
    free(call);
    check_drained(calls);
}

static void on_gone(void *arg, uint64_t now_ms)
{
    (void)now_ms;
    call_free(arg);
}

void gh_call_gone(struct gh_call *call)
{
    struct gh_loop *loop = call->calls->loop;

    if (gh_timer_start(gh_loop_timers(loop), &call->timer, gh_loop_now_ms(loop), on_gone, call))
        gh_log(GH_LOG_ERROR, "call", "leak", "call=%s", call->id);
}

void gh_call_drop(struct gh_call *call)
{
    gh_txn_set_user(call->leg[GH_SIDE_A].invite, NULL);
    call->leg[GH_SIDE_A].invite = NULL;
    call_free(call);
}

void gh_call_check_released(struct gh_call *call, uint64_t now_ms)
{
    if (call->state != GH_CALL_ENDING)
        return;
    for (int side = 0; side < 2; side++) {
        if (call->leg[side].bye || call->leg[side].bye_want)
            return;
    }
    gh_call_event(call, GH_ON_RELEASED, now_ms);
}

struct gh_addr gh_call_media_address(const struct gh_config_trunk *trunk, uint8_t family)
{
    if (trunk->media->advertise.family == family)
        return trunk->media->advertise;
    return trunk->media->advertise6.family == family ? trunk->media->advertise6
                                                     : (struct gh_addr){ 0 };
}

struct gh_neg_leg gh_call_neg_leg(const struct gh_leg *leg)
{
    const struct gh_config_trunk *far = leg->call->leg[!leg->side].trunk;

    /* With different rules for the ROC after a new key, one side's packets would not authenticate
     * at the other. */
    return (struct gh_neg_leg){ .rules = &leg->trunk->rules,
                                .signalling = leg->papers->standing.signalling,
                                .bridge = leg->trunk->srtp_path_bridge ||
                                          leg->trunk->mki == GH_MKI_OFFER ||
                                          (far && far->roc_keep != leg->trunk->roc_keep),
                                .mki = leg->trunk->mki,
                                .mux = leg->trunk->rtcp_mux,
                                .media4 = gh_call_media_address(leg->trunk, 4),
                                .media6 = gh_call_media_address(leg->trunk, 6) };
}

static size_t calls_of_trunk(const struct gh_calls *calls, const struct gh_config_trunk *trunk)
{
    const struct gh_call *call;
    size_t count = 0;

    TAILQ_FOREACH (call, &calls->list, link)
        count += call->leg[GH_SIDE_A].trunk == trunk || call->leg[GH_SIDE_B].trunk == trunk;
    return count;
}

enum gh_reason gh_call_admit(struct gh_calls *calls, const struct gh_config_trunk *trunk)
{
    struct gh_call_rate *rate = &calls->rates[trunk - calls->config->trunks];
    uint64_t second = gh_loop_now_ms(calls->loop) / 1000;

    if (trunk->max_calls && calls_of_trunk(calls, trunk) >= trunk->max_calls)
        return GH_REASON_TOO_MANY_CALLS;
    if (rate->second != second)
        *rate = (struct gh_call_rate){ .second = second };
    if (trunk->max_cps && rate->count >= trunk->max_cps)
        return GH_REASON_TOO_MANY_CALLS;
    rate->count++;
    return GH_REASON_NONE;
}

void gh_call_holder(struct gh_call *call, const struct gh_config_trunk *trunk)
{
    for (size_t i = 0; i < call->key_holder_count; i++) {
        if (call->key_holders[i] == trunk)
            return;
    }
    call->key_holders[call->key_holder_count++] = trunk; /* see gh_call_new for the room */
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void on_tick(void *arg, uint64_t now_ms)
{
    struct gh_calls *calls = arg;
    struct gh_call *call;

    gh_audit_tick(calls->audit, now_ms);
    gh_call_is_overloaded(calls, now_ms);
    TAILQ_FOREACH (call, &calls->list, link)
        gh_call_grade_tick(call, now_ms);
    if (gh_timer_start(gh_loop_timers(calls->loop), &calls->tick, now_ms + 1000, on_tick, calls))
        gh_log(GH_LOG_ERROR, "call", "tick.fail", "error=\"%s\"", gh_err_text(GH_ENOMEM));
}

_Static_assert(GH_CONFIG_INTERFACES_MAX < GH_MEDIA_INTERFACES_MAX, "each interface has a number");

/* An address that this host does not have would fail each call, and never say why. */
static int check_media_addresses(const struct gh_config *config, char *text, size_t text_len)
{
    for (size_t i = 0; i < config->media.interface_count; i++) {
        const struct gh_addr *addresses[] = { &config->media.interfaces[i].address,
                                              &config->media.interfaces[i].address6 };

        for (int n = 0; n < 2; n++) {
            int err = addresses[n]->family ? gh_media_can_bind(addresses[n]) : 0;
            char ip[GH_ADDR_TEXT_MAX];

            if (!err)
                continue;
            snprintf(text, text_len, "media: %s: %s", gh_addr_ip_text(addresses[n], ip),
                     gh_err_text(err));
            return err;
        }
    }
    return 0;
}

static int start_media(struct gh_calls *calls, char *text, size_t text_len)
{
    const struct gh_config *config = calls->config;
    const struct gh_config_interface *own = &config->media.interfaces[0];
    struct gh_media_interface more[GH_MEDIA_INTERFACES_MAX];
    struct gh_media_config media = {
        .address = own->address,
        .address6 = own->address6,
        .advertise = own->advertise,
        .advertise6 = own->advertise6,
        .more = more,
        .more_count = (unsigned)config->media.interface_count - 1,
        .port_first = config->media.port_first,
        .port_last = config->media.port_last,
        .workers = config->media.workers,
        .port_delay_ms = PORT_DELAY_MS,
        .max_streams = (unsigned)(gh_descriptors_for_media(gh_descriptors_limit(),
                                                           config->limits.max_connections) /
                                  GH_STREAM_DESCRIPTORS),
    };
    struct gh_media_handlers handlers = { .arg = calls, .event = gh_call_on_media_event,
                                          .closed = gh_call_on_media_closed,
                                          .health = gh_call_on_media_health };
    int err = check_media_addresses(config, text, text_len);

    if (err)
        return err;
    for (unsigned i = 0; i < media.more_count && i < GH_MEDIA_INTERFACES_MAX; i++)
        more[i] = (struct gh_media_interface){ own[i + 1].address, own[i + 1].address6,
                                               own[i + 1].advertise, own[i + 1].advertise6 };
    err = gh_media_start(&calls->media, gh_loop_uv(calls->loop), &media, &handlers);

    if (err)
        snprintf(text, text_len, "media: %s", gh_err_text(err));
    return err;
}

static int start_signalling(struct gh_calls *calls, const struct gh_calls_params *params,
                            char *text, size_t text_len)
{
    struct gh_txn_limits limits = { .reconnect_grace_ms =
                                        calls->config->limits.reconnect_grace_ms };
    struct gh_txn_handlers handlers = {
        .arg = calls, .send = gh_call_send, .request = gh_call_on_request, .ack = gh_call_on_ack,
        .cancelled = gh_call_on_cancelled, .ended = gh_call_on_server_ended,
    };
    struct gh_trunks_params trunks = {
        .loop = params->loop,
        .config = params->config,
        .audit = params->audit,
        .trace = params->trace,
        .handlers = { .arg = calls,
                      .message = gh_call_on_message,
                      .ready = gh_call_on_ready,
                      .lost = gh_call_on_lost,
                      .exposed = gh_call_expose },
    };
    int err = gh_txns_new(&calls->txns, gh_loop_timers(calls->loop), &limits, &handlers);

    if (!err)
        err = gh_key_memory_new(&calls->keys, NULL);
    if (!err)
        err = gh_dialogs_new(&calls->dialogs);
    if (!err)
        err = gh_trunks_new(&calls->trunks, &trunks);
    if (err)
        snprintf(text, text_len, "signalling: %s", gh_err_text(err));
    return err;
}

int gh_calls_new(struct gh_calls **out, const struct gh_calls_params *params, char *text,
                 size_t text_len)
{
    struct gh_calls *calls = calloc(1, sizeof(*calls));
    size_t routes = params->config->route_count;
    int err = GH_ENOMEM;

    if (!calls)
        return err;
    calls->loop = params->loop;
    calls->audit = params->audit;
    calls->config = gh_config_ref(params->config);
    TAILQ_INIT(&calls->list);
    TAILQ_INIT(&calls->late);
    calls->circular = calloc(routes ? routes : 1, sizeof(*calls->circular));
    calls->rates = calloc(calls->config->trunk_count + 1, sizeof(*calls->rates));
    if (!calls->circular || !calls->rates)
        snprintf(text, text_len, "%s", gh_err_text(err));
    else
        err = start_signalling(calls, params, text, text_len);
    if (!err)
        err = gh_timer_start(gh_loop_timers(calls->loop), &calls->tick,
                             gh_loop_now_ms(calls->loop) + 1000, on_tick, calls);
    /* Last: what runs already could not be let go of without a turn of the loop. */
    if (!err)
        err = start_media(calls, text, text_len);
    if (err) {
        gh_timer_stop(gh_loop_timers(calls->loop), &calls->tick);
        if (calls->trunks)
            gh_trunks_close(calls->trunks);
        gh_calls_free(calls);
        return err;
    }
    *out = calls;
    return 0;
}

int gh_calls_listen(struct gh_calls *calls, char *text, size_t text_len)
{
    return gh_trunks_listen(calls->trunks, text, text_len);
}

static void close_all(struct gh_calls *calls)
{
    calls->closed = true;
    gh_timer_stop(gh_loop_timers(calls->loop), &calls->stop_timer);
    gh_timer_stop(gh_loop_timers(calls->loop), &calls->tick);
    gh_call_late_free(calls);
    gh_media_stop(calls->media);
    gh_trunks_close(calls->trunks);
    calls->drained(calls->drained_arg);
}

static void check_drained(struct gh_calls *calls)
{
    if (calls->stopping && !calls->closed && TAILQ_EMPTY(&calls->list))
        close_all(calls);
}

/* Peers that do not answer a BYE do not keep the daemon; the record is written in any case. */
static void on_stop_timeout(void *arg, uint64_t now_ms)
{
    struct gh_calls *calls = arg;
    struct gh_call *call;

    while ((call = TAILQ_FIRST(&calls->list))) {
        gh_log(GH_LOG_WARN, "call", "dropped", "call=%s state=%s", call->id,
               gh_call_state_name(call->state));
        if (call->reserved) {
            call->state = GH_CALL_GONE; /* nothing follows from the record any more */
            gh_call_record_end(call, now_ms);
        }
        call_free(call);
    }
}

void gh_calls_stop(struct gh_calls *calls, gh_calls_fn drained, void *arg)
{
    uint64_t now_ms = gh_loop_now_ms(calls->loop);
    struct gh_call *call, *next;

    calls->stopping = true;
    calls->drained = drained;
    calls->drained_arg = arg;
    for (call = TAILQ_FIRST(&calls->list); call; call = next) {
        next = TAILQ_NEXT(call, link);
        if (gh_call_can(call, GH_ON_END))
            gh_call_end(call, GH_REASON_SHUTTING_DOWN, -1, now_ms);
    }
    if (gh_timer_start(gh_loop_timers(calls->loop), &calls->stop_timer, now_ms + STOP_WAIT_MS,
                       on_stop_timeout, calls))
        on_stop_timeout(calls, now_ms);
    check_drained(calls);
}

void gh_calls_free(struct gh_calls *calls)
{
    if (!calls)
        return;
    gh_txns_free(calls->txns);
    gh_dialogs_free(calls->dialogs);
    gh_trunks_free(calls->trunks);
    gh_media_free(calls->media);
    gh_key_memory_free(calls->keys);
    gh_config_unref(calls->config);
    free(calls->circular);
    free(calls->rates);
    free(calls);
}

void gh_calls_counters(const struct gh_calls *calls, struct gh_calls_counters *out)
{
    *out = calls->counters;
    out->now = calls->count;
}
