/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with an m-line, in words for people: of its address, and of each a=crypto line that
 * is not used.  Words hold numbers of the peer's at most, never its octets.
 */
#include "call/neg_int.h"

#define SAY_HEAD_MAX 24 /* "m-line 2147483647: " */

void gh_neg_say(struct gh_neg *neg, int index, const char *words)
{
    snprintf(neg->fault, sizeof(neg->fault), "m-line %d: %s", index + 1, words);
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* Why media can never be at @addr; NULL: it can. */
static const char *never(const struct gh_addr *addr, const struct gh_addr *ours)
{
    if (gh_media_address(addr, ours) != GH_MEDIA_ADDRESS_NEVER)
        return NULL;
    if (addr->family != ours->family)
        return "is of another IP version";
    /* What depends on ours is loopback. */
    if (gh_media_address(addr, NULL) != GH_MEDIA_ADDRESS_NEVER)
        return "is a loopback address, and the one that we say is not";
    return "is an address that no host has";
}

bool gh_neg_address_relayed(struct gh_neg *neg, int side, int index,
                            const struct gh_sdp_media_facts *facts, const struct gh_neg_leg *leg)
{
    bool six = facts->rtp.family == 6;
    const struct gh_addr *ours = six ? &leg->media6 : &leg->media4;
    const char *what = "c=", *why = NULL;

    if (facts->host_is_name)
        why = "is the name of a host, not its address";
    else if (facts->multicast)
        why = "is a multicast address";
    else if (facts->rtp.family == 0)
        why = "has no address";
    /* 0.0.0.0 holds a call over IPv6 as well: it is nobody's address. */
    else if (facts->connection_any && neg->family[side])
        return true;
    else if (facts->rtp.family != ours->family)
        why = six ? "is IPv6, and we have no IPv6 address for media here"
                  : "is IPv4, and we have no IPv4 address for media here";
    /* The ports of a side are bound once, for all its m-lines. */
    else if (neg->family[side] && neg->family[side] != facts->rtp.family)
        why = "is of another IP version than the call's media";
    else
        why = never(&facts->rtp, ours);
    /* RFC 3605 lets RTCP go elsewhere, but not to another family: the pair of ports is of one. */
    if (!why && facts->rtcp.family) {
        what = "a=rtcp";
        why = never(&facts->rtcp, ours);
    }
    if (why)
        snprintf(neg->fault, sizeof(neg->fault), "m-line %d: %s %s", index + 1, what, why);
    return !why;
}

/* ---- a=crypto lines -------------------------------------------------------------------------- */

/* Why the line is not used; NULL: it could be. */
static const char *line_fault(const struct gh_neg_line *line, const struct gh_neg_leg *from)
{
    const struct gh_crypto_facts *facts = &line->facts;

    if (!facts->parsed)
        return line->fault;
    if (facts->suite == GH_SUITE_NONE)
        return "names a suite that is not known here";
    if (line->key_twice)
        return "has one key twice, under two MKIs";
    if (!facts->key_ok)
        return "has a key of the wrong length, or of one octet only";
    if (facts->mki && from->mki == GH_MKI_REFUSE)
        return facts->key_count > 1 ? "has several keys, and the trunk says mki: refuse"
                                    : "has an MKI, and the trunk says mki: refuse";
    if (facts->mki && !facts->mki_ok)
        return "has an MKI that cannot be used";
    if (!facts->lifetime_ok)
        return "has a lifetime beyond the limit of SRTP";
    if (facts->params_required)
        return "has a session parameter that must be understood";
    return gh_policy_crypto_usable(facts, from->rules) == GH_CRYPTO_USABLE
               ? NULL
               : "has a suite that the security profile does not list";
}

static bool said_before(const struct gh_neg_line *lines, size_t index, const char *fault,
                        const struct gh_neg_leg *from)
{
    for (size_t i = 0; i < index; i++) {
        if (line_fault(&lines[i], from) == fault)
            return true;
    }
    return false;
}

/* "1, 3": the lines, from @first on, that are not used for @fault. */
static void list_lines(const struct gh_neg_line *lines, size_t first, size_t count,
                       const char *fault, const struct gh_neg_leg *from, char *out, size_t size)
{
    size_t used = 0;

    for (size_t i = first; i < count && used < size; i++) {
        if (line_fault(&lines[i], from) == fault)
            used +=
                (size_t)snprintf(out + used, size - used, "%s%zu", i > first ? ", " : "", i + 1);
    }
}

void gh_neg_say_lines(struct gh_neg *neg, int index, const struct gh_neg_leg *from,
                      const struct gh_neg_line *lines, size_t count, bool tag_twice)
{
    char words[GH_NEG_FAULT_MAX - SAY_HEAD_MAX] = "";
    size_t used = 0;

    if (count == 0 || tag_twice) {
        gh_neg_say(neg, index, count ? "two crypto lines have one tag" : "no crypto line");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const char *fault = line_fault(&lines[i], from);
        char list[4 * GH_NEG_LINES_MAX];
        size_t more;

        if (!fault || said_before(lines, i, fault, from))
            continue;
        list_lines(lines, i, count, fault, from, list, sizeof(list));
        more = (size_t)snprintf(words + used, sizeof(words) - used, "%scrypto line %s: %s",
                                used ? "; " : "", list, fault);
        if (more >= sizeof(words) - used) { /* what has no room is left out whole */
            words[used] = 0;
            break;
        }
        used += more;
    }
    if (used)
        gh_neg_say(neg, index, words);
}
