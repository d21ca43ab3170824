/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, keys and trust of a configuration. */
#include "config/identity.h"

#include <errno.h>
#include <unistd.h>

#include "config/validity.h"
#include "crypto/cert.h"
#include "crypto/tls.h"

#define FLAW_TEXT_MAX 400

/* Is the key file to blame, not the certificate?  The words are crypto's. */
static bool is_of_key(enum gh_identity_flaw flaw)
{
    return flaw == GH_IDENTITY_KEY_UNREADABLE || flaw == GH_IDENTITY_KEY_EXPOSED ||
           flaw == GH_IDENTITY_KEY_BAD || flaw == GH_IDENTITY_MISMATCH;
}

/* Names of the options that hold one identity. */
struct identity {
    const char *certificate, *private_key; /* paths */
    const char *certificate_option, *key_option;
    enum gh_role role;
    bool told; /* of its dates was spoken already */
};

static const char *eku_advice(enum gh_identity_flaw flaw, enum gh_role role)
{
    if (flaw != GH_IDENTITY_EKU)
        return "";
    return role == GH_ROLE_SERVER ? "; a listener shows it"
                                  : "; we show it when we connect to a destination";
}

/* @return whether it may be used */
static bool check_identity(struct gh_loader *load, const struct gh_tls_draft *tls,
                           const struct identity *identity, int64_t wall_us)
{
    char text[FLAW_TEXT_MAX] = "";
    int64_t until_us = INT64_MAX;
    enum gh_identity_flaw flaw =
        gh_identity_check(identity->certificate, identity->private_key, identity->role, wall_us,
                          &until_us, text, sizeof(text));

    if (flaw == GH_IDENTITY_OK) {
        if (!identity->told)
            gh_check_own_end(load, &tls->draft, identity->certificate_option,
                             identity->certificate, until_us, wall_us);
        return true;
    }
    gh_draft_error(load, &tls->draft,
                   is_of_key(flaw) ? identity->key_option : identity->certificate_option, "%s%s",
                   text[0] ? text : "cannot be used", eku_advice(flaw, identity->role));
    /* Loading stopped at the certificate: a key that is plainly missing beside it is told in the
     * same run. */
    if (!is_of_key(flaw) && access(identity->private_key, R_OK) != 0)
        gh_draft_error(load, &tls->draft, identity->key_option, "%s: %s", identity->private_key,
                       gh_err_text(-errno));
    return false;
}

/* Does a trunk of @tls connect out?  Then our certificate is a client's too. */
static bool connects(const struct gh_drafts *drafts, const struct gh_config *config, size_t tls)
{
    for (size_t i = 0; i < drafts->trunk_count; i++) {
        const struct gh_config_trunk *trunk = &config->trunks[i];

        if (trunk->tls == &config->tls[tls] && (trunk->destination_count || trunk->srv))
            return true;
    }
    return false;
}

static bool check_identities(struct gh_loader *load, const struct gh_drafts *drafts,
                             const struct gh_config *config, size_t index, int64_t wall_us)
{
    const struct gh_tls_draft *draft = &drafts->tls[index];
    const struct gh_config_tls *tls = &config->tls[index];
    bool own_client = gh_draft_has(&draft->draft, "client_certificate");
    const struct identity server = { tls->certificate, tls->private_key, "certificate",
                                     "private_key", GH_ROLE_SERVER, false };
    struct identity client = { tls->client_certificate, tls->client_private_key,
                               "client_certificate", "client_private_key", GH_ROLE_CLIENT,
                               !own_client };
    bool good = check_identity(load, draft, &server, wall_us);

    if (own_client)
        return check_identity(load, draft, &client, wall_us) && good;
    /* The server's identity passed all that is common: only the usage can still differ. */
    client.certificate_option = "certificate";
    client.key_option = "private_key";
    if (good && connects(drafts, config, index))
        good = check_identity(load, draft, &client, wall_us);
    return good;
}

/* Of trust and crl the one whose file is to blame.  Only a tls entry has an option for the
 * lists. */
static void report_trust(struct gh_loader *load, const struct gh_draft *draft, bool tls_entry,
                         const char *crl, const char *text)
{
    bool of_crl = tls_entry && crl && strstr(text, crl);

    gh_draft_error(load, draft, of_crl ? "crl" : "trust", "%s", text);
    /* Loading stopped at the roots: what is plainly missing beside them is told in the same run. */
    if (tls_entry && crl && !of_crl && access(crl, R_OK) != 0)
        gh_draft_error(load, draft, "crl", "%s: %s", crl, gh_err_text(-errno));
}

/* @tls  whose lists go with it.  @return 0, or GH_ENOMEM; anything else is reported */
static int load_trust(struct gh_loader *load, const struct gh_draft *draft, bool tls_entry,
                      const char *path, const struct gh_config_tls *tls, int64_t wall_us,
                      struct gh_trust **out)
{
    char text[FLAW_TEXT_MAX] = "";
    int err = gh_trust_load(out, path, tls->crl, text, sizeof(text));

    if (err == GH_ENOMEM)
        return err;
    if (err) {
        report_trust(load, draft, tls_entry, tls->crl, text[0] ? text : gh_err_text(err));
        return 0;
    }
    gh_check_anchor_dates(load, draft, *out, wall_us);
    if (tls_entry)
        gh_check_crl_dates(load, draft, *out, tls->crl_unavailable, wall_us);
    return 0;
}

/* ---- TLS contexts ---------------------------------------------------------------------------- */

static void add_trust(struct gh_trust **all, size_t *count, struct gh_trust *trust)
{
    for (size_t i = 0; i < *count; i++) {
        if (all[i] == trust)
            return;
    }
    all[(*count)++] = trust;
}

/*
 * The handshake accepts what any trunk of @tls accepts; admission judges by the one trunk.  A
 * preset that is wider than the others decides; between presets of equal width, each narrower than
 * modern, modern does.
 */
static void widen(struct gh_tls_params *params, const struct gh_config_trunk *trunk, bool first)
{
    enum gh_tls_policy policy = trunk->rules.tls_policy;

    if (first)
        params->policy = policy;
    else if (policy == GH_TLS_LEGACY_CUCM || params->policy == GH_TLS_LEGACY_CUCM)
        params->policy = GH_TLS_LEGACY_CUCM;
    else if (policy != params->policy)
        params->policy = GH_TLS_MODERN;
    if (trunk->rules.device_mode == GH_MODE_AUTHENTICATED)
        params->allow_null_cipher = true;
}

static int new_context(struct gh_loader *load, const struct gh_draft *draft, const char *option,
                       const struct gh_tls_params *params, struct gh_tls_context **out)
{
    char text[FLAW_TEXT_MAX] = "";
    int err = gh_tls_context_new(out, params, text, sizeof(text));

    if (err == 0 || err == GH_ENOMEM)
        return err;
    gh_draft_error(load, draft, option, "%s", text[0] ? text : gh_err_text(err));
    return 0;
}

static int load_contexts(struct gh_loader *load, const struct gh_drafts *drafts,
                         struct gh_config *config, size_t index)
{
    struct gh_config_tls *tls = &config->tls[index];
    const struct gh_draft *draft = &drafts->tls[index].draft;
    struct gh_tls_params params = { .role = GH_ROLE_SERVER,
                                    .certificate = tls->certificate,
                                    .private_key = tls->private_key,
                                    .policy = tls->policy };
    struct gh_trust **all =
        gh_config_arena_take(load->scratch, drafts->trunk_count + 1, sizeof(*all));
    bool first = true;
    int err;

    if (!all)
        return gh_config_arena_err(load->scratch);
    for (size_t i = 0; i < drafts->trunk_count; i++) {
        const struct gh_config_trunk *trunk = &config->trunks[i];

        if (trunk->tls != tls || !trunk->trust_store)
            continue;
        add_trust(all, &params.trust_count, trunk->trust_store);
        widen(&params, trunk, first);
        first = false;
    }
    if (params.trust_count == 0)
        all[params.trust_count++] = tls->trust_store;
    params.trust = all;
    err = new_context(load, draft, "certificate", &params, &tls->server);
    if (err || (!tls->server && tls->client_certificate == tls->certificate))
        return err; /* what is wrong with a certificate is told once */
    params.role = GH_ROLE_CLIENT;
    params.certificate = tls->client_certificate;
    params.private_key = tls->client_private_key;
    return new_context(load, draft,
                       gh_draft_has(draft, "client_certificate") ? "client_certificate"
                                                                 : "certificate",
                       &params, &tls->client);
}

/* ---------------------------------------------------------------------------------------------- */

/* The client's identity is the server's unless both of its files are named. */
static bool fill_client(struct gh_loader *load, const struct gh_tls_draft *draft,
                        struct gh_config_tls *tls)
{
    bool certificate = gh_draft_has(&draft->draft, "client_certificate");
    bool key = gh_draft_has(&draft->draft, "client_private_key");

    if (certificate != key) {
        gh_draft_error(
            load, &draft->draft, certificate ? "client_certificate" : "client_private_key",
            "client_certificate and client_private_key belong together; write both or none");
        return false;
    }
    if (!certificate) {
        tls->client_certificate = tls->certificate;
        tls->client_private_key = tls->private_key;
    }
    return tls->certificate && tls->private_key && tls->client_certificate &&
           tls->client_private_key;
}

static int load_trunk_trust(struct gh_loader *load, const struct gh_drafts *drafts,
                            struct gh_config *config, int64_t wall_us)
{
    for (size_t i = 0; i < drafts->trunk_count; i++) {
        const struct gh_trunk_draft *draft = &drafts->trunks[i];
        struct gh_config_trunk *trunk = &config->trunks[i];
        int err = 0;

        if (!trunk->tls)
            continue;
        if (draft->trust)
            err = load_trust(load, &draft->draft, false, draft->trust, trunk->tls, wall_us,
                             &trunk->trust_store);
        else if (trunk->tls->trust_store)
            trunk->trust_store = gh_trust_ref(trunk->tls->trust_store);
        if (err)
            return err;
    }
    return 0;
}

int gh_config_load_identities(struct gh_loader *load, const struct gh_drafts *drafts,
                              struct gh_config *config, int64_t wall_us)
{
    bool *good = gh_config_arena_take(load->scratch, drafts->tls_count, sizeof(*good));
    int err = good ? 0 : gh_config_arena_err(load->scratch);

    for (size_t i = 0; i < drafts->tls_count && !err; i++) {
        struct gh_config_tls *tls = &config->tls[i];
        const struct gh_tls_draft *draft = &drafts->tls[i];

        good[i] =
            fill_client(load, draft, tls) && check_identities(load, drafts, config, i, wall_us);
        if (tls->trust)
            err = load_trust(load, &draft->draft, true, tls->trust, tls, wall_us,
                             &tls->trust_store);
    }
    if (!err)
        err = load_trunk_trust(load, drafts, config, wall_us);
    for (size_t i = 0; i < drafts->tls_count && !err; i++) {
        if (good[i] && config->tls[i].trust_store)
            err = load_contexts(load, drafts, config, i);
    }
    return err;
}
