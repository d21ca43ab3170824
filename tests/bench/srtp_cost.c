/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time per SRTP packet of 160 octets of payload: protect, unprotect, and unprotect by a session with the NULL
 * cipher, which authenticates only.  Not a test.  With "builtin" as argument libsrtp2 keeps its own primitives.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <srtp2/srtp.h>

#include "crypto/srtp_ciphers.h"

#define PKTS 400000
#define BATCH 4096 /* protected at once, so that only one function is timed */

static uint8_t packets[BATCH][256];
static int lens[BATCH];

static double cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static srtp_t session(void (*set)(srtp_crypto_policy_t *), srtp_ssrc_type_t type)
{
    static uint8_t key[64] = { 1, 2, 3 };
    srtp_policy_t policy = { .key = key, .window_size = 128, .ssrc = { type, 0 } };
    srtp_t out = NULL;

    set(&policy.rtp);
    set(&policy.rtcp);
    if (srtp_create(&out, &policy))
        fprintf(stderr, "srtp_create failed\n");
    return out;
}

static void measure(const char *name, void (*set)(srtp_crypto_policy_t *), void (*set_in)(srtp_crypto_policy_t *))
{
    srtp_t tx = session(set, ssrc_any_outbound), rx = session(set_in, ssrc_any_inbound);
    double protect = 0, unprotect = 0, start;
    uint16_t seq = 0;
    long failed = 0;

    for (int round = 0; round < PKTS / BATCH; round++) {
        for (int i = 0; i < BATCH; i++, seq++) {
            uint8_t header[12] = { 0x80, 0, (uint8_t)(seq >> 8), (uint8_t)seq, 0, 0, 0, 0, 1, 2, 3, 4 };

            memcpy(packets[i], header, sizeof(header));
            lens[i] = 172;
        }
        start = cpu_us();
        for (int i = 0; i < BATCH; i++)
            failed += srtp_protect(tx, packets[i], &lens[i]) != 0;
        protect += cpu_us() - start;
        start = cpu_us();
        for (int i = 0; i < BATCH; i++)
            failed += srtp_unprotect(rx, packets[i], &lens[i]) != 0;
        unprotect += cpu_us() - start;
    }
    seq = 0;
    printf("%-34s protect %.3f us  unprotect %.3f us%s\n", name, protect / PKTS, unprotect / PKTS,
           failed ? "  FAILED" : "");
    srtp_dealloc(tx);
    srtp_dealloc(rx);
}

/* Authenticates AES_CM_128_HMAC_SHA1_80 and leaves the payload as it is. */
static void gate(srtp_crypto_policy_t *policy)
{
    srtp_crypto_policy_set_null_cipher_hmac_sha1_80(policy);
}

int main(int argc, char **argv)
{
    const char *names = "libsrtp2's own";

    if (argc > 1 && strcmp(argv[1], "builtin") == 0 ? srtp_init() != 0
                                                    : gh_srtp_ciphers_start(false, &names) != 0)
        return 1;
    printf("%s\n", names);
    measure("AES_CM_128_HMAC_SHA1_80", srtp_crypto_policy_set_rtp_default,
            srtp_crypto_policy_set_rtp_default);
    measure("  unprotect: authenticate only", srtp_crypto_policy_set_rtp_default, gate);
    measure("AES_256_CM_HMAC_SHA1_80", srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80,
            srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80);
    measure("AEAD_AES_128_GCM", srtp_crypto_policy_set_aes_gcm_128_16_auth,
            srtp_crypto_policy_set_aes_gcm_128_16_auth);
    measure("AEAD_AES_256_GCM", srtp_crypto_policy_set_aes_gcm_256_16_auth,
            srtp_crypto_policy_set_aes_gcm_256_16_auth);
    return 0;
}
