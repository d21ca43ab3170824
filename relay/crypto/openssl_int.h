/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of crypto/ share about OpenSSL: differences between the versions that we build
 * against (3.0 in Debian 12, 3.5 in Debian 13), words from its error queue, files that hold PEM.
 * Private to crypto/.
 */
#ifndef GH_OPENSSL_INT_H
#define GH_OPENSSL_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <openssl/opensslv.h>
#include <openssl/ssl.h>

/* ---- differences between versions ---- */

#if OPENSSL_VERSION_NUMBER >= 0x30500000L
/* Hybrid of X25519 and ML-KEM-768; '?' skips it where a provider lacks it. */
#define GH_OPENSSL_HYBRID_GROUPS "?X25519MLKEM768:"
#else
#define GH_OPENSSL_HYBRID_GROUPS ""
#endif

/** Name of the key exchange group; NULL for RSA key exchange. */
static inline const char *gh_openssl_group_name(SSL *ssl)
{
#if OPENSSL_VERSION_NUMBER >= 0x30200000L
    return SSL_get0_group_name(ssl);
#else
    int id = (int)SSL_get_negotiated_group(ssl);

    return id > 0 ? SSL_group_to_name(ssl, id) : NULL;
#endif
}

/* ---- texts for people ---- */

/** snprintf into @text, which may be NULL, with every octet that is not printable ASCII made
 *  '?'. */
void gh_openssl_say(char *text, size_t text_len, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Empty the error queue of this thread into @words: the reasons, oldest first, "; " between
 *  them. */
void gh_openssl_words(char *words, size_t words_len);

#define GH_OPENSSL_WORDS_MAX 192

/* ---- files ---- */

/* A file read whole.  It may hold a private key, so gh_openssl_file_fini wipes it. */
struct gh_openssl_file {
    uint8_t *octets;
    size_t len;
    mode_t mode;
    uid_t owner;
};

/**
 * Read a plain file of at most @max octets; mode and owner are those of the very file that was
 * read.
 * @return 0, GH_ENOMEM, GH_ELIMIT, GH_EINVAL (not a plain file) or a system error
 */
int gh_openssl_file_read(const char *path, size_t max, struct gh_openssl_file *out);
void gh_openssl_file_fini(struct gh_openssl_file *file);

/**
 * Called for each PEM block.  @name is what stands after BEGIN; @der its content, wiped afterwards.
 * @return 0 to go on, else an error that ends the walk
 */
typedef int (*gh_openssl_pem_fn)(void *arg, const char *name, const uint8_t *der, size_t len);

/** Walk the PEM blocks of @file.  @return 0, GH_ESYNTAX (a block is damaged; @words tells), or
 *  what @fn returned */
int gh_openssl_pem_walk(const struct gh_openssl_file *file, gh_openssl_pem_fn fn, void *arg,
                        char *words, size_t words_len);

#endif
