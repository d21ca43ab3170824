/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors.  Functions return 0 or a negative GH_E...; system errors keep the value -errno, our own
 * start at -10000, clear of libuv's extra codes.  A denial is a result, not an error:
 * gatehouse/reason.h.
 */
#ifndef GATEHOUSE_ERR_H
#define GATEHOUSE_ERR_H

#include <errno.h>
#include <string.h>

#define GH_ERR_MAP(X)                                                                   \
    X(GH_ENOMEM, -ENOMEM, "out of memory")                                              \
    X(GH_EINVAL, -EINVAL, "invalid argument")                                           \
    X(GH_ESYNTAX, -10000, "text does not follow the grammar")                           \
    X(GH_ENOSUITE, -10001, "crypto suite not supported")                                \
    X(GH_ELIMIT, -10002, "a named limit was exceeded")                                  \
    X(GH_ESTALE, -10003, "judged for another connection or standing, or a key used too long ago") \
    X(GH_ECRYPTO, -10004, "the cryptographic library failed")                           \
    X(GH_EAUTH, -10005, "not authentic")                                                \
    X(GH_EREPLAY, -10006, "seen before, or too old to tell")                            \
    X(GH_ENOTFOUND, -10008, "not found")                                                \
    X(GH_EEXISTS, -10009, "already there")                                              \
    X(GH_ECLOSED, -10010, "closed")                                                     \
    X(GH_EFULL, -10011, "no room left")                                                 \
    X(GH_ESTATE, -10012, "not possible in this state")                                  \
    X(GH_EBROKEN, -10013, "data is damaged")

enum gh_err {
    GH_OK = 0,
#define X(name, value, text) name = (value),
    GH_ERR_MAP(X)
#undef X
};

/** Text for people; static for our own codes, strerror's otherwise.  Thread: any. */
static inline const char *gh_err_text(int err)
{
    switch (err) {
    case GH_OK:
        return "no error";
#define X(name, value, text)                                                            \
    case name:                                                                          \
        return text;
        GH_ERR_MAP(X)
#undef X
    default:
        return err < 0 && err > -4096 ? strerrordesc_np(-err) : "unknown error";
    }
}

#endif
