/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a conversation sounds, from loss and delay: the E-model of ITU-T G.107 (06/2015) with its
 * default values, the codec impairments of G.113 appendix I (11/2007).  A computed opinion, not a
 * measured one.
 *
 *   R = Ro - Is - Id(delay) - Ie,eff(codec, loss)        MOS from R: annex B
 *
 * The scale is that of narrowband telephony, which ends at 4.5: a wideband codec that loses nothing
 * stands where G.711 stands, although it sounds better.
 * Pure.  Thread: any.
 */
#ifndef GH_EMODEL_H
#define GH_EMODEL_H

#include "media/media.h"

/**
 * The rating factor R of clause 7.1, 0 to 93.2; not above 100 and not below 0.
 *
 * @loss      0 to 1, random
 * @delay_ms  one way, mouth to ear
 * What is out of range, or no number, counts as the nearest end of it.
 */
double gh_emodel_r(enum gh_codec codec, double loss, double delay_ms);

/** Annex B: MOS of a conversation, 1 to 4.5. */
double gh_emodel_mos(double r);

/** The codec is in the table, not only taken for G.711. */
bool gh_emodel_knows(enum gh_codec codec);

#endif
