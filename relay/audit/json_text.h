/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way by which text of a peer becomes JSON.  Whatever a peer sends, the record keeps it,
 * can be read by a strict parser, and does nothing to a terminal.  Source: RFC 8259 section 7
 *
 *   valid UTF-8                    kept; controls, DEL, C1 and text-direction marks as \u00XX
 *   any other octet, and NUL       the four characters \xNN
 *   a backslash before an x or c   \x5C, so that the text can be turned back into the exact octets
 *   what is past the limit         \cut(N): N octets more were there
 */
#ifndef GH_AUDIT_JSON_TEXT_H
#define GH_AUDIT_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <gatehouse/span.h>

#define GH_TEXT_JSON_MAX 1024 /* octets of peer text kept in one value */

/* Room that @octets of any text need at most: \u00XX is six octets for one, and the cut mark. */
#define GH_TEXT_JSON_ROOM(octets) (6 * (octets) + 32)

/**
 * Write @text as the inside of a JSON string, without the quotes.
 *
 * @text   any octets; borrowed
 * @limit  octets of @text kept at most; a character is never split
 * @out    at least GH_TEXT_JSON_ROOM(limit or text.len, whichever is less) octets; no NUL is added
 * @return octets written.  Never fails, never allocates.  Any thread.
 */
size_t gh_text_json(struct gh_span text, size_t limit, char *out);

/**
 * The same for text that was read out of a record: it went through gh_text_json() before, so its
 * \xNN and \cut(N) are left as they are.
 * @out  at least GH_TEXT_JSON_ROOM(text.len) octets
 */
size_t gh_text_json_again(struct gh_span text, char *out);

/** A character that acts on a terminal or turns the direction of text: controls, DEL, C1, line and
 * paragraph separator, direction marks, byte order mark.  Any thread. */
bool gh_utf8_acts_on_display(unsigned code);

/**
 * Octets of the valid UTF-8 sequence at the start of @text: 1 to 4, or 0 when there is none (empty,
 * overlong, surrogate, above U+10FFFF, cut short).           Source: RFC 3629 section 4.  Any
 * thread.
 *
 * @code  the code point; written when the result is not 0; may be NULL
 */
size_t gh_utf8_len(struct gh_span text, unsigned *code);

#endif
