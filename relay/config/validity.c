/* SPDX-License-Identifier: Apache-2.0 */
/* What has ended, and what ends soon. */
#include "config/validity.h"

#include "crypto/cert.h"

#define DAY_US (24 * 3600 * INT64_C(1000000))
#define LEFT_TEXT_MAX 32

enum state { GOOD, ENDED, NOT_BEGUN };

static enum state state_of(const struct gh_dates *dates, int64_t wall_us)
{
    if (wall_us > dates->until_us)
        return ENDED;
    return wall_us < dates->from_us ? NOT_BEGUN : GOOD;
}

static bool ends_soon(int64_t until_us, int64_t wall_us)
{
    return until_us != INT64_MAX && until_us - wall_us < GH_ENDS_SOON_DAYS * DAY_US;
}

/* "in 12 days" */
static const char *left_text(int64_t until_us, int64_t wall_us, char buf[LEFT_TEXT_MAX])
{
    int64_t days = (until_us - wall_us) / DAY_US;

    if (days < 1)
        snprintf(buf, LEFT_TEXT_MAX, "in less than a day");
    else
        snprintf(buf, LEFT_TEXT_MAX, "in %lld day%s", (long long)days, days == 1 ? "" : "s");
    return buf;
}

void gh_check_own_end(struct gh_loader *load, const struct gh_draft *draft, const char *option,
                      const char *file, int64_t until_us, int64_t wall_us)
{
    char date[GH_CERT_DATE_MAX], left[LEFT_TEXT_MAX];

    if (ends_soon(until_us, wall_us))
        gh_draft_warning(load, draft, option, "%s: ends at %s, %s; put a new one there, restart",
                         file, gh_cert_date_text(until_us, date),
                         left_text(until_us, wall_us, left));
}

/* ---- anchors --------------------------------------------------------------------------------- */

/* A directory made by openssl rehash holds each certificate under two names. */
static bool told_before(const struct gh_dates *all, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (all[i].of_crl == all[index].of_crl && all[i].from_us == all[index].from_us &&
            all[i].until_us == all[index].until_us && strcmp(all[i].name, all[index].name) == 0)
            return true;
    }
    return false;
}

static void report_anchor(struct gh_loader *load, const struct gh_draft *draft,
                          const struct gh_dates *anchor, bool others, int64_t wall_us)
{
    char date[GH_CERT_DATE_MAX], left[LEFT_TEXT_MAX];
    enum state state = state_of(anchor, wall_us);

    if (state != GOOD && others)
        gh_draft_warning(load, draft, "trust", "%s: %s %s %s, and verifies nobody; remove it",
                         anchor->file, anchor->name,
                         state == ENDED ? "expired at" : "is not valid before",
                         gh_cert_date_text(state == ENDED ? anchor->until_us : anchor->from_us,
                                           date));
    else if (state != GOOD)
        gh_draft_error(load, draft, "trust",
                       "%s: %s %s %s, so no peer can be verified; put the CA's valid one "
                       "there",
                       anchor->file, anchor->name,
                       state == ENDED ? "expired at" : "is not valid before",
                       gh_cert_date_text(state == ENDED ? anchor->until_us : anchor->from_us,
                                         date));
    else if (ends_soon(anchor->until_us, wall_us))
        gh_draft_warning(load, draft, "trust",
                         "%s: %s ends at %s, %s, and with it whoever it signed; add the CA's next "
                         "certificate",
                         anchor->file, anchor->name, gh_cert_date_text(anchor->until_us, date),
                         left_text(anchor->until_us, wall_us, left));
}

void gh_check_anchor_dates(struct gh_loader *load, const struct gh_draft *draft,
                           const struct gh_trust *trust, int64_t wall_us)
{
    size_t count;
    const struct gh_dates *all = gh_trust_dates(trust, &count);
    bool good = false;

    for (size_t i = 0; i < count && !good; i++)
        good = !all[i].of_crl && state_of(&all[i], wall_us) == GOOD;
    for (size_t i = 0; i < count; i++) {
        if (!all[i].of_crl && !told_before(all, i))
            report_anchor(load, draft, &all[i], good, wall_us);
    }
}

/* ---- revocation lists ------------------------------------------------------------------------ */

/* Is @a of more use than @b, of the same issuer? */
static bool better(const struct gh_dates *a, const struct gh_dates *b, int64_t wall_us)
{
    bool good_a = state_of(a, wall_us) == GOOD, good_b = state_of(b, wall_us) == GOOD;

    return good_a != good_b ? good_a : a->until_us > b->until_us;
}

/* Is all[index] the best list of its issuer, and the first of equals? */
static bool is_best(const struct gh_dates *all, size_t count, size_t index, int64_t wall_us)
{
    for (size_t i = 0; i < count; i++) {
        if (i == index || !all[i].of_crl || strcmp(all[i].name, all[index].name) != 0)
            continue;
        if (better(&all[i], &all[index], wall_us) ||
            (i < index && !better(&all[index], &all[i], wall_us)))
            return false;
    }
    return true;
}

static void report_crl(struct gh_loader *load, const struct gh_draft *draft,
                       const struct gh_dates *crl, enum gh_waiver waiver, int64_t wall_us)
{
    char date[GH_CERT_DATE_MAX], left[LEFT_TEXT_MAX];
    enum state state = state_of(crl, wall_us);
    const char *what = state == ENDED ? "is outdated since" : "is not valid before";

    gh_cert_date_text(state == NOT_BEGUN ? crl->from_us : crl->until_us, date);
    if (state != GOOD && waiver == GH_WAIVE_NOT)
        gh_draft_error(load, draft, "crl",
                       "%s: the list of %s %s %s, so each peer below it is refused; fetch a fresh "
                       "one, or set crl_unavailable: warn",
                       crl->file, crl->name, what, date);
    else if (state != GOOD)
        gh_draft_warning(load, draft, "crl",
                         "%s: the list of %s %s %s, so nobody sees what is revoked; fetch a fresh "
                         "one",
                         crl->file, crl->name, what, date);
    else if (ends_soon(crl->until_us, wall_us))
        gh_draft_warning(load, draft, "crl",
                         "%s: the list of %s ends at %s, %s; put a fresh one there, restart",
                         crl->file, crl->name, date, left_text(crl->until_us, wall_us, left));
}

void gh_check_crl_dates(struct gh_loader *load, const struct gh_draft *draft,
                        const struct gh_trust *trust, enum gh_waiver crl_unavailable,
                        int64_t wall_us)
{
    size_t count;
    const struct gh_dates *all = gh_trust_dates(trust, &count);

    for (size_t i = 0; i < count; i++) {
        if (all[i].of_crl && is_best(all, count, i, wall_us))
            report_crl(load, draft, &all[i], crl_unavailable, wall_us);
    }
}
