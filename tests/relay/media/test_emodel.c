/* SPDX-License-Identifier: Apache-2.0 */
/* The E-model against what ITU-T G.107, G.109 and G.113 print, and against its own formulas. */
#include "support/check.h"

#include <math.h>

#include "media/emodel.h"

#define CHECK_NEAR(got, want, by) check_near((got), (want), (by), #got, __LINE__)

static void check_near(double got, double want, double by, const char *text, int line)
{
    check_count++;
    if (fabs(got - want) <= by)
        return;
    check_failed_total++;
    fprintf(stderr, "%s:%d: failed: %s is %.4f, expected %.4f\n", __FILE__, line, text, got, want);
}

/* G.107 clause 7.7: all parameters at their default values give R = 93.2; annex B: MOS 4.41. */
static void defaults_of_the_standard(void)
{
    CHECK_NEAR(gh_emodel_r(GH_CODEC_PCMU, 0, 0), 93.2, 0.05);
    CHECK_NEAR(gh_emodel_mos(gh_emodel_r(GH_CODEC_PCMU, 0, 0)), 4.41, 0.005);
}

/* G.107 table B.1, also G.109 table 1: R and MOS at the borders of the classes. */
static void opinion_of_each_class(void)
{
    static const struct {
        double r, mos;
    } rows[] = {
        { 90, 4.34 }, { 80, 4.03 }, { 70, 3.60 }, { 60, 3.10 },
        { 50, 2.58 }, { 0, 1 },     { 100, 4.5 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_NEAR(gh_emodel_mos(rows[i].r), rows[i].mos, 0.01); /* 80: 4.03, by formula 4.024 */
    for (double r = 0; r < 100; r += 0.25)
        CHECK(gh_emodel_mos(r) >= 1 && gh_emodel_mos(r) <= 4.5);
}

/* Clauses 7.2 and 7.3 with the values of table 2: the two constants of emodel.c, by what is left at
 * delay 0. */
static void constants_follow_from_table_2(void)
{
    double nos = 35 - 8 - 3 - 100 + 0.004 * pow(35 - 10 - 3 - 14, 2);
    double pre = 35 + 10 * log10(1 + pow(10, (10 - 18) / 10.0));
    double nor = 2 - 121 + pre + 0.008 * pow(pre - 35, 2);
    double no =
        10 * log10(pow(10, -7) + pow(10, nos / 10) + pow(10, nor / 10) + pow(10, (-64 + 2) / 10.0));
    double ro = 15 - 1.5 * (8 + no), x = 10 + 0.2 * (64 + no - 2);
    double iolr = 20 * (pow(1 + pow(x / 8, 8), 1 / 8.0) - x / 8);
    double stmro = -10 * log10(pow(10, -1.5) + pow(10, -6.5));
    double ist = 12 * pow(1 + pow((stmro - 13) / 6, 8), 1 / 8.0) -
                 28 * pow(1 + pow((stmro + 1) / 19.4, 35), 1 / 35.0) -
                 13 * pow(1 + pow((stmro - 3) / 33, 13), 1 / 13.0) + 29;
    double g = 1.07 + 0.258 * 37 + 0.0602 * 37 * 37;
    double y = (ro - 100) / 15 + 46 / 8.4 - g / 9, z = 46 / 30.0 - g / 40;
    double iq = 15 * log10(1 + pow(10, y) + pow(10, z));
    double rle = 10.5 * 117, idle = (ro - rle) / 2 + sqrt(pow((ro - rle) / 2, 2) + 169);

    CHECK_NEAR(ro, 94.77, 0.005); /* as G.107 clause 7.2 is wont to be quoted */
    CHECK_NEAR(iolr + ist + iq, 1.41, 0.005);
    CHECK_NEAR(gh_emodel_r(GH_CODEC_PCMU, 0, 0), ro - (iolr + ist + iq) - idle, 0.001);
}

/* Clause 7.4 at one point, worked by hand: T = Ta = 150 ms, Tr = 300 ms.  TERV 28.88, Idte 2.82;
 * Rle 294.9, Idle 0.84; Idd 0.16. */
static void delay_by_hand(void)
{
    CHECK_NEAR(gh_emodel_r(GH_CODEC_PCMU, 0, 150), 94.77 - 1.41 - 2.82 - 0.84 - 0.16, 0.03);
    for (double ms = 0; ms < 2000; ms += 10)
        CHECK(gh_emodel_r(GH_CODEC_PCMU, 0, ms + 10) < gh_emodel_r(GH_CODEC_PCMU, 0, ms));
    CHECK(gh_emodel_r(GH_CODEC_PCMU, 0, 400) < 70); /* G.114: 400 ms is the limit of planning */
    CHECK(gh_emodel_r(GH_CODEC_PCMU, 0, 150) > 85);
}

/* Clause 7.5 with G.113 appendix I: Ie,eff = Ie + (95 - Ie) Ppl / (Ppl + Bpl). */
static void loss_by_codec(void)
{
    double g711 = gh_emodel_r(GH_CODEC_PCMA, 0, 20);

    CHECK_NEAR(g711 - gh_emodel_r(GH_CODEC_PCMA, 0.01, 20), 3.64, 0.005);
    CHECK_NEAR(g711 - gh_emodel_r(GH_CODEC_PCMA, 0.05, 20), 15.78, 0.005);
    CHECK_NEAR(g711 - gh_emodel_r(GH_CODEC_G729, 0, 20), 11, 0.001);
    CHECK_NEAR(g711 - gh_emodel_r(GH_CODEC_G729, 0.02, 20), 19, 0.001); /* 11 + 84 * 2 / 21 */
    CHECK_NEAR(g711 - gh_emodel_r(GH_CODEC_G723, 0, 20), 15, 0.001);
    CHECK_NEAR(gh_emodel_r(GH_CODEC_OPUS, 0.01, 20), gh_emodel_r(GH_CODEC_G722, 0.01, 20), 1e-9);
    CHECK(gh_emodel_knows(GH_CODEC_G729) && !gh_emodel_knows(GH_CODEC_OPUS) &&
          !gh_emodel_knows(GH_CODEC_COUNT));
    for (int codec = 0; codec < GH_CODEC_COUNT; codec++) {
        for (double loss = 0; loss < 1; loss += 0.05)
            CHECK(gh_emodel_r((enum gh_codec)codec, loss + 0.05, 0) <=
                  gh_emodel_r((enum gh_codec)codec, loss, 0));
    }
}

static void nonsense_is_bounded(void)
{
    const double odd[] = { -1, 2, 1e300, -1e300, NAN, INFINITY, -INFINITY };

    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        for (size_t k = 0; k < sizeof(odd) / sizeof(odd[0]); k++) {
            double r = gh_emodel_r((enum gh_codec)99, odd[i], odd[k]);

            CHECK(r >= 0 && r <= 100);
        }
        CHECK(gh_emodel_mos(odd[i]) >= 1 && gh_emodel_mos(odd[i]) <= 4.5);
    }
}

int main(void)
{
    RUN(defaults_of_the_standard);
    RUN(opinion_of_each_class);
    RUN(constants_follow_from_table_2);
    RUN(delay_by_hand);
    RUN(loss_by_codec);
    RUN(nonsense_is_bounded);
    return CHECK_REPORT();
}
