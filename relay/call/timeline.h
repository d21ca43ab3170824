/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grade of one call over time.  What a stream was worth is known late: one authenticated packet
 * proves a key for all the time in which it was in force, and no packet until its end disproves it.
 * So this keeps what was in force when, and judges afterwards; the judging itself is policy's.
 *
 * Words.  An epoch: one side of one stream, from a key's coming into force to its replacement (of a
 * clear side: from its becoming clear to its becoming keyed).  A slice: a stretch of time in which
 * no epoch began or ended, and no claim.
 *
 *     side a  |---- key 1 ----|------ key 5 ------|
 *     side b  |-------- key 2 --------|-- key 6 --|
 *     slices  |       1       |   2   |     3     |     each is worth what both its epochs are
 *
 * The rules:
 * - One authenticated packet under its key proves an epoch.  Without one it is pending while it
 *   lasts, and unproven once it has ended.
 * - An epoch in which the side never might send inherits the proof that the same peer (dialog and
 *   trunk) has given on this side, on any stream, before the epoch's end; unless that was given
 *   with a key that anyone may hold.
 * - An epoch in which no media packet was relayed either way is not graded, and a stream is graded
 *   in the slices that both of its epochs are.
 * - The grade of a moment is that of its graded streams beside each other, raised by claims.
 * - A claim counts while it is Encrypted, from a trusted trunk, and no older than the last change
 *   of a key or of the call's status.  It comes a round trip after what it speaks of: one that
 *   follows the change within GH_TIMELINE_CLAIM_BACK_US, from a side that said nothing else in
 *   between, counts from the change on.  Any other counts from its own time on.
 * - The call's grade is the worst of its slices.
 *
 * Bounded: past GH_TIMELINE_SLICES_MAX the oldest slice is decided early, as the least that it can
 * come to: pending counts as unproven, and media as if it had come over every stream over which it
 * still may.  What comes to light of an epoch afterwards makes all that is decided mixed at best.
 * Past GH_TIMELINE_INTERVALS_MAX the two oldest intervals become one of the worse grade.  The line
 * is marked coarse when that has lowered what is said of a time.  A merge of intervals touches
 * neither the call's grade nor the seconds of each grade.
 *
 * Memory: an ordinary call fits in the struct.  A list that does not moves to the heap and doubles
 * up to its limit.  When no memory is left, its limit is what it has.  An epoch that finds no place
 * even so counts as clear and as one with media, which is the least that it can be; its marks count
 * at once.
 *
 * Ownership: the embedding struct calls gh_timeline_init and gh_timeline_fini.  The struct refers
 * to itself and owns its lists: it is never moved and never copied by assignment.
 *
 * Times are microseconds of one clock; where it runs backwards it stands still here.
 * Thread: the call's.
 */
#ifndef GH_CALL_TIMELINE_H
#define GH_CALL_TIMELINE_H

#include "audit/event.h"
#include "policy/policy.h"

#define GH_TIMELINE_STREAMS_MAX   8       /* m-lines, by index */
#define GH_TIMELINE_SLICES_MAX    16      /* not yet decided */
#define GH_TIMELINE_EPOCHS_MAX    40      /* in these slices; more than two sides of all streams */
#define GH_TIMELINE_INTERVALS_MAX 40      /* decided */
#define GH_TIMELINE_OWN           4       /* of each of these three inside the struct */
#define GH_TIMELINE_CLAIM_BACK_US 5000000 /* as long as a keyed leg has to show SRTP: status.c */

/* One side of a stream, as it is from now on. */
struct gh_timeline_side {
    enum gh_keying keying;
    uint32_t key;  /* number of the key, or of the keys together, that the side declared: the same as
                    * long as they are */
    uint64_t peer; /* names dialog and trunk of the leg: another number, another neighbour */
    enum gh_signalling signalling; /* the least of the connections that carried a key of this hop,
                                    * the side's or ours */
    bool key_exposed;              /* such a key ever crossed an unproven path */
    bool dtls_passed;              /* dtls only: see struct gh_hop_facts */
    bool may_send;                 /* RTP, by the direction agreed */
};

/* What is known of a grade.  Pending: @grade counts what is not yet proven as unproven, and may
 * still rise; or nothing is graded yet, and what will be waits for a proof. */
struct gh_timeline_view {
    enum gh_grade grade;
    bool pending;
};

struct gh_timeline_change {
    struct gh_timeline_view now;  /* this moment */
    struct gh_timeline_view call; /* the worst so far */
};

/* What a side earned in epochs that were graded.  A bit set. */
enum gh_timeline_marks {
    GH_TIMELINE_UNPROVEN = 1,  /* GH_REASON_UNPROVEN */
    GH_TIMELINE_INHERITED = 2, /* GH_REASON_INHERITED */
    GH_TIMELINE_EXPOSED = 4    /* GH_REASON_KEY_EXPOSED */
};

struct gh_timeline_interval {
    int64_t from_us, to_us; /* since the answer; early media lies before 0 */
    enum gh_grade grade;    /* NONE: nothing was graded */
};

struct gh_timeline_epoch {
    int64_t from_us, to_us; /* to_us: once it has ended */
    uint64_t peer;          /* here and below: see struct gh_timeline_side */
    uint32_t key;
    uint8_t keying, signalling;
    uint8_t stream;
    bool which : 1; /* of the two sides */
    bool key_exposed : 1;
    bool dtls_passed : 1;
    bool could_send : 1; /* at any time of it */
    bool running : 1;
    bool relayed : 1;
    bool seen : 1;
    bool inherited : 1;
    bool decided : 1; /* some of the time in which it runs is */
};

struct gh_timeline_slice {
    int64_t from_us;                           /* ends where the next begins */
    uint8_t epoch[GH_TIMELINE_STREAMS_MAX][2]; /* place in epochs, plus 1, or GH_TIMELINE_UNKEPT;
                                                * 0: no such stream */
    bool claimed[2];                           /* the side's claim counts */
    bool keep;   /* an epoch that began and ended in it had media: not to be used again */
    bool change; /* it begins with a change of a key or of the status */
};

struct gh_timeline_decided {
    int64_t to_us;
    uint8_t grade;
};

/* The members are the module's own. */
struct gh_timeline {
    /* The lists: each in its own places below, or on the heap. */
    struct gh_timeline_epoch *epochs;
    struct gh_timeline_slice *slices;
    struct gh_timeline_decided *decided; /* end to end, from @began_us on */
    uint8_t epoch_room, slice_room, decided_room;
    uint8_t slice_count; /* the last one is now */
    uint8_t decided_count;
    struct gh_timeline_epoch own_epochs[GH_TIMELINE_OWN];
    struct gh_timeline_slice own_slices[GH_TIMELINE_OWN];
    struct gh_timeline_decided own_decided[GH_TIMELINE_OWN];
    int64_t decided_us[GH_GRADE_COUNT];
    enum gh_grade worst; /* of what is decided */
    unsigned marks[2];

    bool began, answered, ended, coarse;
    int64_t began_us, answer_us, last_us;
    struct gh_timeline_counter {
        uint64_t id, pkts; /* as last told */
    } counters[GH_TIMELINE_STREAMS_MAX];
    struct gh_timeline_proven {
        bool any;
        uint64_t peer; /* that gave a proof last */
    } proven[2];
    struct gh_timeline_claim {
        enum gh_status status; /* UNKNOWN: none */
        bool trusted;
        int64_t at_us;
    } claims[2];
    enum gh_status status; /* on the wire */
    int64_t changed_us;    /* last change of a key or of the status */
    struct gh_timeline_change told;
};

/** Never allocates, never fails.  What the struct held before is not looked at. */
void gh_timeline_init(struct gh_timeline *line);

/** Free what it owns.  It is as after gh_timeline_init then.  Fine for a zeroed one. */
void gh_timeline_fini(struct gh_timeline *line);

/**
 * What gh_timeline_end says of a copy is what would be said if the call ended now.
 * @copy  not initialised, or after gh_timeline_fini; the caller calls gh_timeline_fini for it,
 *        whatever is returned
 * @return 0, or GH_ENOMEM: the copy is as after gh_timeline_init
 */
int gh_timeline_copy(struct gh_timeline *copy, const struct gh_timeline *line);

/** The call was answered: intervals count from here; without it from the first stream. */
void gh_timeline_answered(struct gh_timeline *line, int64_t at_us);

/**
 * A stream as it is from now on: new, keyed anew, turned round, or as it was.  For each live stream
 * after each completed offer/answer, all with one time, and gh_timeline_relayed() before, so that
 * packets count for the epoch in which they came.
 *
 * Another keying, key or peer begins an epoch of that side.  Within an epoch a lesser signalling or
 * an exposure that came to light counts for all of it, from its beginning.
 * @stream  index of the m-line, below GH_TIMELINE_STREAMS_MAX
 */
void gh_timeline_set(struct gh_timeline *line, size_t stream, const struct gh_timeline_side side[2],
                     int64_t at_us);

/** The m-line is no longer live.  Fine when it never was. */
void gh_timeline_remove(struct gh_timeline *line, size_t stream, int64_t at_us);

/**
 * Media packets that were relayed on a stream so far, both ways together.  When the number has
 * grown, the epochs that are running had media.
 * @counter  names what counted: the id of the media stream.  A new one has counted from 0
 */
void gh_timeline_relayed(struct gh_timeline *line, size_t stream, uint64_t counter, uint64_t pkts);

/**
 * A packet of this side authenticated under @key, at @at_us: the time tells epochs apart when the
 * report comes after the key was replaced.
 * @return false: no epoch of that key and time is known, or it is decided
 */
bool gh_timeline_proof(struct gh_timeline *line, size_t stream, int side, uint32_t key,
                       int64_t at_us);

/** What a neighbour says of the call; Unknown changes nothing.  @trusted  by trust_claims */
void gh_timeline_claim(struct gh_timeline *line, int side, enum gh_status status, bool trusted,
                       int64_t at_us);

/** The call's status on the wire, whenever it may have changed.  If a claim or an offer/answer
 *  changed it, with the very time that was given for that. */
void gh_timeline_status(struct gh_timeline *line, enum gh_status status, int64_t at_us);

/** All epochs end and all is decided.  What is told later changes nothing. */
void gh_timeline_end(struct gh_timeline *line, int64_t at_us);

/* ---- what came out ---- */

/** This moment; NONE after the end. */
struct gh_timeline_view gh_timeline_now(const struct gh_timeline *line);

/** The call's grade so far; after the end, for good. */
struct gh_timeline_view gh_timeline_call(const struct gh_timeline *line);

/** Is either view another than when this was last asked?  To be asked after every input.
 *  @out  written always */
bool gh_timeline_changed(struct gh_timeline *line, struct gh_timeline_change *out);

/** "pending" or the name of the grade, for a live view. */
const char *gh_timeline_word(struct gh_timeline_view view);

/** The side's newest claim counts, or did at the end: "attested beyond" that side. */
bool gh_timeline_beyond(const struct gh_timeline *line, int side);

/** Something was decided early, intervals were merged, or an epoch found no place. */
bool gh_timeline_coarse(const struct gh_timeline *line);

/* These say what is decided; all is after the end, so ask a copy that was ended. */

/** Bit set of enum gh_timeline_marks. */
unsigned gh_timeline_marks(const struct gh_timeline *line, int side);

/** Microseconds that the call had this grade. */
int64_t gh_timeline_us(const struct gh_timeline *line, enum gh_grade grade);

/**
 * Intervals in order, without a gap.  Neighbours differ in grade.  One of no length is there only
 * when media was relayed in it.
 * @return 0, or GH_ENOTFOUND past the last
 */
int gh_timeline_interval(const struct gh_timeline *line, size_t index,
                         struct gh_timeline_interval *out);

/** Write "intervals", "grade_seconds" and, if it is, "intervals_coarse" into an open object. */
void gh_timeline_event(const struct gh_timeline *line, struct gh_event *event);

#endif
