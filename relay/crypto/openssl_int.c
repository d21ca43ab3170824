/* SPDX-License-Identifier: Apache-2.0 */
/* Words from OpenSSL's error queue, and files that hold PEM (RFC 7468). */
#include "crypto/openssl_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gatehouse/err.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

void gh_openssl_say(char *text, size_t text_len, const char *format, ...)
{
    va_list args;

    if (!text || text_len == 0)
        return;
    va_start(args, format);
    if (vsnprintf(text, text_len, format, args) < 0)
        text[0] = 0;
    va_end(args);
    /* Names in certificates are a peer's text: nothing that moves a terminal's cursor gets out. */
    for (char *p = text; *p; p++) {
        if (*p < ' ' || *p > '~')
            *p = '?';
    }
}

void gh_openssl_words(char *words, size_t words_len)
{
    unsigned long code;
    size_t used = 0;

    words[0] = 0;
    while ((code = ERR_get_error()) != 0) {
        const char *reason = ERR_reason_error_string(code);
        char number[32];

        if (!reason) {
            snprintf(number, sizeof(number), "error %lx", code);
            reason = number;
        }
        /* The queue often says one thing at several levels. */
        if (used >= words_len || strstr(words, reason))
            continue;
        gh_openssl_say(words + used, words_len - used, "%s%s", used ? "; " : "", reason);
        used += strlen(words + used);
    }
    if (used == 0)
        gh_openssl_say(words, words_len, "no details");
}

static int read_all(int fd, struct gh_openssl_file *file)
{
    size_t got = 0;

    while (got < file->len) {
        ssize_t n = read(fd, file->octets + got, file->len - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break; /* it was cut while we read; what is there is judged as it is */
        got += (size_t)n;
    }
    file->len = got;
    return 0;
}

int gh_openssl_file_read(const char *path, size_t max, struct gh_openssl_file *out)
{
    struct gh_openssl_file file = { 0 };
    struct stat st;
    int err = 0;
    /* O_NONBLOCK: a FIFO in place of the file must not hang a reload. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0) {
        err = -errno;
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        err = GH_EINVAL;
        goto out;
    }
    if (st.st_size < 0 || (uintmax_t)st.st_size > max) {
        err = GH_ELIMIT;
        goto out;
    }
    file.len = (size_t)st.st_size;
    file.mode = st.st_mode;
    file.owner = st.st_uid;
    file.octets = malloc(file.len + 1);
    if (!file.octets) {
        err = GH_ENOMEM;
        goto out;
    }
    err = read_all(fd, &file);
    if (err)
        goto out;
    *out = file;
    file = (struct gh_openssl_file){ 0 };
out:
    gh_openssl_file_fini(&file);
    close(fd);
    return err;
}

void gh_openssl_file_fini(struct gh_openssl_file *file)
{
    if (file->octets)
        OPENSSL_cleanse(file->octets, file->len);
    free(file->octets);
    *file = (struct gh_openssl_file){ 0 };
}

int gh_openssl_pem_walk(const struct gh_openssl_file *file, gh_openssl_pem_fn fn, void *arg,
                        char *words, size_t words_len)
{
    BIO *bio;
    int err = 0;

    if (file->len > INT_MAX)
        return GH_ELIMIT;
    ERR_clear_error();
    bio = BIO_new_mem_buf(file->octets, (int)file->len);
    if (!bio)
        return GH_ENOMEM;
    while (!err) {
        char *name = NULL, *header = NULL;
        unsigned char *der = NULL;
        long len = 0;

        if (!PEM_read_bio(bio, &name, &header, &der, &len)) {
            unsigned long code = ERR_peek_last_error();

            /* No further BEGIN line is the regular end; anything else is a damaged block. */
            if (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE) {
                gh_openssl_words(words, words_len);
                err = GH_ESYNTAX;
            }
            break;
        }
        err = fn(arg, name, der, (size_t)len);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t)len);
    }
    ERR_clear_error();
    BIO_free(bio);
    return err;
}
