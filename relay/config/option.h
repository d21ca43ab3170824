/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options as rows of tables, and the reader that walks a tree of nodes by them.  A row says
 * everything about one key: type, bounds, default, where the value goes, on which trunks it has a
 * meaning, and whether this version has it.  What needs two options to be judged is in check.c.
 */
#ifndef GH_CONFIG_OPTION_H
#define GH_CONFIG_OPTION_H

#include <gatehouse/addr.h>
#include "config/yaml.h"

/* Scalars first; the three last hold other options. */
enum gh_type {
    GH_TYPE_TEXT = 0,     /* const char *; not empty */
    GH_TYPE_NAME,         /* const char *; letters, digits, '.', '_', '-' */
    GH_TYPE_PATH,         /* const char *, absolute */
    GH_TYPE_HOST,         /* const char *; DNS name or literal address */
    GH_TYPE_PATTERN,      /* const char *; a route pattern */
    GH_TYPE_CONTENT,      /* const char *, lower case; type/subtype */
    GH_TYPE_BOOL,         /* bool */
    GH_TYPE_COUNT,        /* uint32_t */
    GH_TYPE_DURATION,     /* uint64_t, milliseconds */
    GH_TYPE_SIZE,         /* uint64_t, octets */
    GH_TYPE_WORD,         /* an enum; see choices */
    GH_TYPE_FLAG,         /* bool: WORD with the values 0 and 1 */
    GH_TYPE_ADDRESS,      /* struct gh_addr without port */
    GH_TYPE_ADDRESS_PORT, /* struct gh_addr */
    GH_TYPE_DSCP,         /* uint8_t, a code point; the word default is the default */
    GH_TYPE_PORT,         /* uint16_t */
    GH_TYPE_PORTS,        /* uint16_t[2]: first, last */
    GH_TYPE_DESTINATION,  /* struct gh_config_destination; port 0 when none was written */
    GH_TYPE_GROUP,        /* a mapping of options, in the same struct */
    /* a mapping of names to mappings: array of structs that begin with a draft */
    GH_TYPE_NAMED,
    GH_TYPE_ROWS,         /* a list of mappings: the same without names */
    GH_TYPE_COUNT_OF
};

enum gh_availability {
    GH_AVAILABLE = 0,
    GH_DEFAULT_ONLY,  /* any other value asks for what this version does not have: an error */
    GH_NOT_AVAILABLE, /* has no default that asks for nothing: an error when it is there */
    GH_NOTED          /* accepted with one line: not yet in effect */
};

/* On which trunks, or listeners, a key has a meaning.  Elsewhere it would look like protection. */
enum gh_only_on { GH_ON_ALL = 0, GH_ON_TLS, GH_ON_PLAIN };

struct gh_choice {
    const char *word;
    int value;
    bool missing; /* this version does not have it */
};

/* A word that other products have for a value, and what to write here. */
struct gh_foreign_word {
    const char *word, *advice;
};

struct gh_table;

struct gh_option {
    const char *name;
    enum gh_type type;
    bool list;                /* a list of @type; array at @at, its size_t count at @count_at */
    bool required;
    bool secret;              /* the value is never quoted */
    enum gh_availability available;
    enum gh_only_on only_on;
    size_t at, count_at;      /* offsets in the table's struct */
    /* of the value in its unit, or of the list's length; max 0: type's own */
    uint64_t min, max;
    const char *standard;     /* the default, as one would write it; lists with ", "; NULL: none */
    const char *standard_says; /* for people, where the default depends on something */
    const char *zero_word;    /* COUNT: the word for 0 */
    const struct gh_choice *choices; /* WORD, FLAG; ends with a NULL word */
    const struct gh_foreign_word *foreign; /* the same; NULL: none */
    const struct gh_table *table;    /* GROUP, NAMED, ROWS */
    const char *short_form;   /* GROUP: the option that a scalar in the group's place means */
    const char *says;         /* one line for people */
};

struct gh_table {
    const char *what;         /* "trunk": for messages */
    const struct gh_option *options;
    size_t count;
    /* of the struct of one row of NAMED or ROWS; it begins with a draft */
    size_t size;
};

#define GH_TABLE_OPTIONS_MAX 56

/* Where each value of one mapping was written; all NULL when it was not. */
struct gh_draft {
    const struct gh_table *table;
    const char *name;         /* of NAMED: its key; else NULL */
    const char *path;         /* "trunks.CUCM10" */
    struct gh_mark mark;      /* of the name, or of the mapping */
    const struct gh_node *keys[GH_TABLE_OPTIONS_MAX];
    const struct gh_node *values[GH_TABLE_OPTIONS_MAX];
    struct gh_draft *groups[GH_TABLE_OPTIONS_MAX];
    bool misspelt[GH_TABLE_OPTIONS_MAX]; /* an unknown key was probably this one */
    bool wrong[GH_TABLE_OPTIONS_MAX];    /* written, and reported: the default stands there */
};

/* What one load works with. */
struct gh_loader {
    struct gh_config_arena *keep;    /* the snapshot's memory */
    struct gh_config_arena *scratch; /* gone after the load */
    struct gh_report *report;
    const char *folder;       /* of the file that was named: defaults that are paths start there */
    bool everything;          /* tests: treat every option as available */
};

/**
 * Read @map by @table into the struct at @base: defaults first, then what is written.  Errors go to
 * the report; a value that is wrong leaves the default.
 * @map    NULL: nothing was written
 * @draft  filled; table, name, path and mark are set by the caller
 */
void gh_options_read(struct gh_loader *load, struct gh_draft *draft, const struct gh_node *map,
                     void *base);

/** Row of the option called @name; it must be there.  For check.c: options are found by their
 * names. */
size_t gh_option_index(const struct gh_table *table, const char *name);

/** Was option @name written? */
bool gh_draft_has(const struct gh_draft *draft, const char *name);

/** Was option @name written, and refused?  Then its default stands there: nobody chose that. */
bool gh_draft_wrong(const struct gh_draft *draft, const char *name);

/** Place of option @name: its value, else that of the draft. */
struct gh_mark gh_draft_mark(const struct gh_draft *draft, const char *name);

/** Place of item @index of the list option @name, else as gh_draft_mark. */
struct gh_mark gh_draft_item_mark(const struct gh_draft *draft, const char *name, size_t index);

/** An error at option @name of @draft; the text is preceded by the option's full name. */
void gh_draft_error(struct gh_loader *load, const struct gh_draft *draft, const char *name,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

/** The same at item @index of a list. */
void gh_draft_item_error(struct gh_loader *load, const struct gh_draft *draft, const char *name,
                         size_t index, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/** A warning at option @name. */
void gh_draft_warning(struct gh_loader *load, const struct gh_draft *draft, const char *name,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

/* ---- value.c --------------------------------------------------------------------------------- */

/** Octets of one value of @type in memory. */
size_t gh_value_size(enum gh_type type);

/** "a duration such as 60s" */
const char *gh_value_type_text(enum gh_type type);

/**
 * Type the scalar @node by @option into @out, which has gh_value_size octets.
 * @path  full name of the option, for messages
 * @return whether @out was written; else an error was reported
 */
bool gh_value_read(struct gh_loader *load, const struct gh_option *option, const char *path,
                   const struct gh_node *node, void *out);

/** Equal values of one type? */
bool gh_value_equal(enum gh_type type, const void *a, const void *b);

#endif
