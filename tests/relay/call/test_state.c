/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of a call's life as a graph: every pair of state and event, every state reachable, a
 * way out of every state.  That the way out is also taken is tested with whole calls: tests/e2e.
 */
#include "support/check.h"

#include "call/call_int.h"

#define BIT(x) (1u << (x))

static const struct gh_call_row *row_of(int state, int event)
{
    size_t count;
    const struct gh_call_row *rows = gh_call_rows(&count);

    for (size_t i = 0; i < count; i++) {
        if (rows[i].from == (enum gh_call_state)state && rows[i].event == (enum gh_call_event)event)
            return &rows[i];
    }
    return NULL;
}

/* States that @from leads to, in any number of steps, over the events in @events. */
static unsigned reached(unsigned from, unsigned events)
{
    size_t count;
    const struct gh_call_row *rows = gh_call_rows(&count);
    unsigned before;

    do {
        before = from;
        for (size_t i = 0; i < count; i++) {
            if ((from & BIT(rows[i].from)) && (events & BIT(rows[i].event)))
                from |= BIT(rows[i].to);
        }
    } while (from != before);
    return from;
}

static void rows_are_sound(void)
{
    size_t count;
    const struct gh_call_row *rows = gh_call_rows(&count);

    CHECK(count > 0);
    for (size_t i = 0; i < count; i++) {
        CHECK((unsigned)rows[i].from < GH_CALL_STATE_COUNT);
        CHECK((unsigned)rows[i].to < GH_CALL_STATE_COUNT);
        CHECK((unsigned)rows[i].event < GH_ON_COUNT);
        CHECK(rows[i].action != NULL);
        /* One row a pair: the first would hide the second. */
        CHECK(row_of((int)rows[i].from, (int)rows[i].event) == &rows[i]);
    }
}

/* What has no row is refused and changes nothing at all. */
static void no_row_changes_nothing(void)
{
    struct gh_call call, before;
    int walked = 0;

    for (int state = 0; state < GH_CALL_STATE_COUNT; state++) {
        for (int event = 0; event < GH_ON_COUNT; event++) {
            memset(&call, 0, sizeof(call));
            call.state = (enum gh_call_state)state;
            CHECK_INT(gh_call_can(&call, (enum gh_call_event)event), row_of(state, event) != NULL);
            if (row_of(state, event))
                continue;
            memcpy(&before, &call, sizeof(call));
            gh_call_event(&call, (enum gh_call_event)event, 1);
            CHECK(memcmp(&before, &call, sizeof(call)) == 0);
            walked++;
        }
    }
    CHECK(walked > 100);
}

static void every_event_means_something(void)
{
    for (int event = 0; event < GH_ON_COUNT; event++) {
        int used = 0;

        for (int state = 0; state < GH_CALL_STATE_COUNT; state++)
            used += row_of(state, event) != NULL;
        CHECK(used > 0);
    }
}

static void every_state_is_reached(void)
{
    CHECK_INT(reached(BIT(GH_CALL_NEW), ~0u), BIT(GH_CALL_STATE_COUNT) - 1);
}

static void every_state_leads_to_the_end(void)
{
    for (int state = 0; state < GH_CALL_STATE_COUNT; state++)
        CHECK(reached(BIT(state), ~0u) & BIT(GH_CALL_GONE));
}

/*
 * Also when no neighbour says anything any more: with nothing but what comes from ourselves
 * (timers, transactions that give up, media and ledger that answer or are late).  NEW is left in
 * the very turn that made the call.
 */
static void silence_ends_a_call(void)
{
    const unsigned ours = BIT(GH_ON_START) | BIT(GH_ON_REFUSED) | BIT(GH_ON_RING_TIMEOUT) |
                          BIT(GH_ON_NO_ACK) | BIT(GH_ON_END) | BIT(GH_ON_COUNTED) |
                          BIT(GH_ON_RECORDED) | BIT(GH_ON_RELEASED);

    for (int state = 0; state < GH_CALL_STATE_COUNT; state++)
        CHECK(reached(BIT(state), ours) & BIT(GH_CALL_GONE));
}

/* A daemon that stops, and media that fails, end a call with END: it must mean something in every
 * state of a call. */
static void end_is_understood_everywhere(void)
{
    for (int state = GH_CALL_ROUTING; state < GH_CALL_GONE; state++)
        CHECK(row_of(state, GH_ON_END) != NULL);
    CHECK(!row_of(GH_CALL_GONE, GH_ON_END));
}

static void gone_is_the_end(void)
{
    CHECK_INT(reached(BIT(GH_CALL_GONE), ~0u), BIT(GH_CALL_GONE));
}

/* Once the counters are asked for, nothing leads back to a call, and no record is written twice. */
static void the_end_goes_one_way(void)
{
    const unsigned end =
        BIT(GH_CALL_COUNTING) | BIT(GH_CALL_RECORDING) | BIT(GH_CALL_ENDING) | BIT(GH_CALL_GONE);

    CHECK_INT(reached(BIT(GH_CALL_COUNTING), ~0u), end);
    CHECK_INT(reached(BIT(GH_CALL_RECORDING), ~0u), end & ~BIT(GH_CALL_COUNTING));
    /* Nobody gets to the end without a record: the only way in is by the counters. */
    CHECK(!(reached(BIT(GH_CALL_NEW), ~0u & ~BIT(GH_ON_COUNTED)) & (end & ~BIT(GH_CALL_COUNTING))));
    CHECK(!(reached(BIT(GH_CALL_NEW), ~0u & ~BIT(GH_ON_RECORDED)) &
            (BIT(GH_CALL_ENDING) | BIT(GH_CALL_GONE))));
}

static void names(void)
{
    for (int state = 0; state < GH_CALL_STATE_COUNT; state++) {
        const char *name = gh_call_state_name((enum gh_call_state)state);

        CHECK(name && *name);
        for (int other = 0; other < state; other++)
            CHECK(strcmp(name, gh_call_state_name((enum gh_call_state)other)) != 0);
    }
    for (int event = 0; event < GH_ON_COUNT; event++)
        CHECK(gh_call_event_name((enum gh_call_event)event)[0] != '?');
    CHECK_STR(gh_call_state_name(GH_CALL_STATE_COUNT), "?");
    CHECK_STR(gh_call_event_name(GH_ON_COUNT), "?");
}

int main(void)
{
    RUN(rows_are_sound);
    RUN(no_row_changes_nothing);
    RUN(every_event_means_something);
    RUN(every_state_is_reached);
    RUN(every_state_leads_to_the_end);
    RUN(silence_ends_a_call);
    RUN(end_is_understood_everywhere);
    RUN(gone_is_the_end);
    RUN(the_end_goes_one_way);
    RUN(names);
    return CHECK_REPORT();
}
