/* SPDX-License-Identifier: Apache-2.0 */
#include "media/emodel.h"

#include <math.h>

/*
 * What the default values of G.107 table 2 make of clauses 7.2 and 7.3 (send and receive loudness,
 * sidetone, room and circuit noise, one quantizing distortion unit).  The test computes them again,
 * formula by formula.
 */
#define RO 94.7688 /* basic signal-to-noise ratio */
#define IS 1.4136  /* simultaneous impairments */

/* Table 2, as far as clause 7.4 (delay) needs them. */
#define TELR 65.0  /* talker echo loudness rating, dB */
#define WEPL 110.0 /* weighted echo path loss, dB */

#define DELAY_MAX_MS 10000.0 /* beyond, nobody talks */

/*
 * G.113 appendix I: Ie of tables I.1 and I.4, Bpl of table I.4.  G.711 with the packet loss
 * concealment of its appendix I, which phones have.  The codecs that are wideband, or newer, are
 * not in its tables for this scale: they have no impairment of their own here, and the robustness
 * of G.711.
 */
static const struct impairment {
    double ie, bpl;
    bool known;
} impairments[GH_CODEC_COUNT] = {
    [GH_CODEC_UNKNOWN] = { 0, 25.1, false },
    [GH_CODEC_PCMU] = { 0, 25.1, true },
    [GH_CODEC_PCMA] = { 0, 25.1, true },
    [GH_CODEC_G722] = { 0, 25.1, false },
    [GH_CODEC_G723] = { 15, 16.1, true }, /* 6.3 kbit/s with VAD */
    [GH_CODEC_G729] = { 11, 19.0, true }, /* annex A with VAD */
    [GH_CODEC_OPUS] = { 0, 25.1, false },
    [GH_CODEC_VOICE] = { 0, 25.1, false },
    [GH_CODEC_VIDEO] = { 0, 25.1, false },
    [GH_CODEC_EVENT] = { 0, 25.1, false },
};

static double within(double value, double least, double most)
{
    if (!(value > least)) /* also what is no number */
        return least;
    return value < most ? value : most;
}

/* Clause 7.4: talker echo, with the sidetone of table 2.  @t  mean one-way delay of the echo
 * path */
static double talker_echo(double t)
{
    double terv = TELR - 40 * log10((1 + t / 10) / (1 + t / 150)) + 6 * exp(-0.3 * t * t);
    double re = 80 + 2.5 * (terv - 14);
    double half = (RO - re) / 2; /* Roe is Ro there: the noise is the same */

    return (half + sqrt(half * half + 100) - 1) * (1 - exp(-t));
}

/* @tr  round-trip delay */
static double listener_echo(double tr)
{
    double rle = 10.5 * (WEPL + 7) * pow(tr + 1, -0.25);
    double half = (RO - rle) / 2;

    return half + sqrt(half * half + 169);
}

/* Too long an absolute delay, whatever the echo. */
static double too_late(double ta)
{
    double x;

    if (ta <= 100)
        return 0;
    x = log2(ta / 100);
    return 25 * (pow(1 + pow(x, 6), 1.0 / 6) - 3 * pow(1 + pow(x / 3, 6), 1.0 / 6) + 2);
}

double gh_emodel_r(enum gh_codec codec, double loss, double delay_ms)
{
    const struct impairment *own =
        &impairments[(unsigned)codec < GH_CODEC_COUNT ? codec : GH_CODEC_UNKNOWN];
    double t = within(delay_ms, 0, DELAY_MAX_MS), ppl = 100 * within(loss, 0, 1);
    double id = talker_echo(t) + listener_echo(2 * t) + too_late(t);
    double ie_eff = own->ie + (95 - own->ie) * ppl / (ppl + own->bpl); /* clause 7.5, BurstR 1 */

    return within(RO - IS - id - ie_eff, 0, 100);
}

double gh_emodel_mos(double r)
{
    r = within(r, 0, 100);
    /* The cubic falls below 1 for R under 6.5: annex B bounds it. */
    return within(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 1, 4.5);
}

bool gh_emodel_knows(enum gh_codec codec)
{
    return (unsigned)codec < GH_CODEC_COUNT && impairments[codec].known;
}
