/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record while it is being built: finished JSON text in the making.  Values go in, in the order
 * in which they shall be read; nothing that a peer sent can break the JSON (json_text.h).
 *
 * Errors stick: after the first one (allocation, a limit, wrong nesting) every call is a no-op and
 * gh_audit_put() returns that error, so a caller checks once.  A NULL event counts as GH_ENOMEM.
 *
 *     struct gh_event *e = gh_event_new("call.end", wall_us);
 *     gh_event_str(e, "call", call->id);
 *     gh_event_array(e, "intervals");
 *     gh_event_array(e, NULL);                    // inside an array values have no name
 *     gh_event_seconds(e, NULL, 0.0);
 *     gh_event_seconds(e, NULL, 48.2);
 *     gh_event_text(e, NULL, "hop_by_hop");
 *     gh_event_end(e);
 *     gh_event_end(e);
 *     err = gh_audit_put(audit, e, NULL, NULL);   // takes e
 *
 * Field names are words of ours: lower case letters, digits, '_', '.', '-'.  A name twice in one
 * object is an error (GH_EINVAL), also "v", "seq", "prev", "ts" and "type" in the record itself.
 * Objects and arrays that are still open when the record is put are one, too (GH_ESTATE).
 * Thread: an event belongs to the thread that builds it.
 */
#ifndef GH_AUDIT_EVENT_H
#define GH_AUDIT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gatehouse/err.h>
#include <gatehouse/span.h>

#define GH_EVENT_DEPTH_MAX 8 /* objects and arrays open at once, the record itself not counted */
#define GH_EVENT_LEN_MAX (256u * 1024) /* octets of one record without the ledger's own fields */
#define GH_EVENT_TYPE_MAX 32           /* octets of a type: "call.end" */
#define GH_EVENT_TIME_LEN 24           /* "2026-11-23T09:14:07.114Z" */

struct gh_event;

/**
 * @type     "call.end": words of ours, with a dot
 * @wall_us  microseconds since 1970, UTC; becomes "ts" in milliseconds
 * @return   the event, owned by the caller; NULL without memory, which every function here accepts
 */
struct gh_event *gh_event_new(const char *type, int64_t wall_us);

/** For an event that is not put after all.  NULL is fine. */
void gh_event_free(struct gh_event *event);

/** 0, or the first error: GH_ENOMEM, GH_ELIMIT (length, depth, number of names),
 *  GH_EINVAL (name), GH_ESTATE (nesting). */
int gh_event_error(const struct gh_event *event);

/* ---- values: @name is NULL inside an array, and only there ---- */

/** Text of any origin; escaped, cut at GH_TEXT_JSON_MAX octets with a mark. */
void gh_event_str(struct gh_event *event, const char *name, struct gh_span text);

/** The same for a C string; NULL becomes JSON null. */
void gh_event_text(struct gh_event *event, const char *name, const char *text);

/** Text that was read out of a record: escaped already (gh_text_json_again).  At most
 * GH_TEXT_JSON_MAX octets, else GH_ELIMIT. */
void gh_event_str_again(struct gh_event *event, const char *name, struct gh_span text);

void gh_event_int(struct gh_event *event, const char *name, int64_t value);

/** Above INT64_MAX, which strict readers refuse as a number, it is a string of digits. */
void gh_event_u64(struct gh_event *event, const char *name, uint64_t value);

void gh_event_bool(struct gh_event *event, const char *name, bool value);

/** One to three decimals, never an exponent: 48.2; the locale plays no part.  Not finite, or beyond
 *  +-9e15: null. */
void gh_event_seconds(struct gh_event *event, const char *name, double value);

/** A moment: "2026-11-23T09:14:07.114Z".  0 becomes null. */
void gh_event_time(struct gh_event *event, const char *name, int64_t wall_us);

/** Lower case hexadecimal.  Never for keys. */
void gh_event_hex(struct gh_event *event, const char *name, const void *octets, size_t len);

/** "sha256:9f...", the form in which certificates are named. */
void gh_event_sha256(struct gh_event *event, const char *name, const uint8_t hash[32]);

/* ---- nesting ---- */

void gh_event_object(struct gh_event *event, const char *name);
void gh_event_array(struct gh_event *event, const char *name);

/** Close what was opened last. */
void gh_event_end(struct gh_event *event);

/* ---- for the writer ---- */

/**
 * Close the record.  The text lacks its opening brace and begins with "ts": the ledger writes
 * {"v":1,"seq":N,"prev":"...", before it.
 * @text  written on success only; belongs to the event
 * @return 0 or gh_event_error(); GH_ESTATE when something is still open.  Calling it again is fine.
 */
int gh_event_finish(struct gh_event *event, struct gh_span *text);

/** "2026-11-23T09:14:07.114Z" and a NUL into @out.  Years outside 1970 to 9999 are clamped.  Any
 * thread. */
void gh_event_time_text(int64_t wall_us, char out[GH_EVENT_TIME_LEN + 1]);

#endif
