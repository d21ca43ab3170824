/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/srtp_vectors_int.h"

#include <stddef.h>

#define AES_BLOCK   16
#define GCM_IV_LEN  12
#define GCM_TAG_LEN 16

static const uint8_t ctr_128_key[30] = { /* RFC 3711 appendix B.2 */
                                         0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7,
                                         0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c, 0xf0, 0xf1, 0xf2, 0xf3,
                                         0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd
};
static const uint8_t ctr_128_stream[32] = { 0xe0, 0x3e, 0xad, 0x09, 0x35, 0xc9, 0x5e, 0x80,
                                            0xe1, 0x66, 0xb1, 0x6d, 0xd9, 0x2b, 0x4e, 0xb4,
                                            0xd2, 0x35, 0x13, 0x16, 0x2b, 0x02, 0xd0, 0xf7,
                                            0x2a, 0x43, 0xa2, 0xfe, 0x4a, 0x5f, 0x97, 0xab };
static const uint8_t ctr_256_key[46] = { /* RFC 6188 section 7.1 */
                                         0x57, 0xf8, 0x2f, 0xe3, 0x61, 0x3f, 0xd1, 0x70, 0xa8, 0x5e,
                                         0xc9, 0x3c, 0x40, 0xb1, 0xf0, 0x92, 0x2e, 0xc4, 0xcb, 0x0d,
                                         0xc0, 0x25, 0xb5, 0x82, 0x72, 0x14, 0x7c, 0xc4, 0x38, 0x94,
                                         0x4a, 0x98, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7,
                                         0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd
};
static const uint8_t ctr_256_stream[32] = { 0x92, 0xbd, 0xd2, 0x8a, 0x93, 0xc3, 0xf5, 0x25,
                                            0x11, 0xc6, 0x77, 0xd0, 0x8b, 0x55, 0x15, 0xa4,
                                            0x9d, 0xa7, 0x1b, 0x23, 0x78, 0xa8, 0x54, 0xf6,
                                            0x70, 0x50, 0x75, 0x6d, 0xed, 0x16, 0x5b, 0xac };
static const uint8_t zeros[32];
static uint8_t zero_iv[AES_BLOCK]; /* libsrtp2 wants it writable; nobody writes */

/* RFC 7714 sections 16.1.1 and 16.2.1; the salt is in the IV already, so its place behind the key
 * is idle. */
static const uint8_t gcm_key[44] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
                                     0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f,
                                     0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
                                     0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f };
static uint8_t gcm_iv[GCM_IV_LEN] = { 0x51, 0x75, 0x3c, 0x65, 0x80, 0xc2,
                                      0x72, 0x6f, 0x20, 0x71, 0x84, 0x14 };
static const uint8_t gcm_aad[12] = { 0x80, 0x40, 0xf1, 0x7b, 0x80, 0x41,
                                     0xf8, 0xd3, 0x55, 0x01, 0xa0, 0xb2 };
static const uint8_t gcm_plain[38] = "Gallia est omnis divisa in partes tres";
static const uint8_t gcm_128_cipher[54] = { 0xf2, 0x4d, 0xe3, 0xa3, 0xfb, 0x34, 0xde, 0x6c, 0xac,
                                            0xba, 0x86, 0x1c, 0x9d, 0x7e, 0x4b, 0xca, 0xbe, 0x63,
                                            0x3b, 0xd5, 0x0d, 0x29, 0x4e, 0x6f, 0x42, 0xa5, 0xf4,
                                            0x7a, 0x51, 0xc7, 0xd1, 0x9b, 0x36, 0xde, 0x3a, 0xdf,
                                            0x88, 0x33, 0x89, 0x9d, 0x7f, 0x27, 0xbe, 0xb1, 0x6a,
                                            0x91, 0x52, 0xcf, 0x76, 0x5e, 0xe4, 0x39, 0x0c, 0xce };
static const uint8_t gcm_256_cipher[54] = { 0x32, 0xb1, 0xde, 0x78, 0xa8, 0x22, 0xfe, 0x12, 0xef,
                                            0x9f, 0x78, 0xfa, 0x33, 0x2e, 0x33, 0xaa, 0xb1, 0x80,
                                            0x12, 0x38, 0x9a, 0x58, 0xe2, 0xf3, 0xb5, 0x0b, 0x2a,
                                            0x02, 0x76, 0xff, 0xae, 0x0f, 0x1b, 0xa6, 0x37, 0x99,
                                            0xb8, 0x7b, 0x7a, 0xa3, 0xdb, 0x36, 0xdf, 0xff, 0xd6,
                                            0xb0, 0xf9, 0xbb, 0x78, 0x78, 0xd7, 0xa7, 0x6c, 0x13 };

const srtp_cipher_test_case_t gh_srtp_ctr_128_case = { sizeof(ctr_128_key),
                                                       ctr_128_key,
                                                       zero_iv,
                                                       sizeof(zeros),
                                                       zeros,
                                                       sizeof(ctr_128_stream),
                                                       ctr_128_stream,
                                                       0,
                                                       NULL,
                                                       0,
                                                       NULL };
const srtp_cipher_test_case_t gh_srtp_ctr_256_case = { sizeof(ctr_256_key),
                                                       ctr_256_key,
                                                       zero_iv,
                                                       sizeof(zeros),
                                                       zeros,
                                                       sizeof(ctr_256_stream),
                                                       ctr_256_stream,
                                                       0,
                                                       NULL,
                                                       0,
                                                       NULL };
const srtp_cipher_test_case_t gh_srtp_gcm_128_case = { 28,
                                                       gcm_key,
                                                       gcm_iv,
                                                       sizeof(gcm_plain),
                                                       gcm_plain,
                                                       sizeof(gcm_128_cipher),
                                                       gcm_128_cipher,
                                                       sizeof(gcm_aad),
                                                       gcm_aad,
                                                       GCM_TAG_LEN,
                                                       NULL };
const srtp_cipher_test_case_t gh_srtp_gcm_256_case = { 44,
                                                       gcm_key,
                                                       gcm_iv,
                                                       sizeof(gcm_plain),
                                                       gcm_plain,
                                                       sizeof(gcm_256_cipher),
                                                       gcm_256_cipher,
                                                       sizeof(gcm_aad),
                                                       gcm_aad,
                                                       GCM_TAG_LEN,
                                                       NULL };

static const uint8_t hmac_key[20] = { /* RFC 2202 section 3, test case 1 */
                                      0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
                                      0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b
};
static const uint8_t hmac_data[8] = "Hi There";
static const uint8_t hmac_tag[20] = { 0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72, 0x64, 0xe2, 0x8b,
                                      0xc0, 0xb6, 0xfb, 0x37, 0x8c, 0x8e, 0xf1, 0x46, 0xbe, 0x00 };
const srtp_auth_test_case_t gh_srtp_hmac_case = {
    sizeof(hmac_key), hmac_key, sizeof(hmac_data), hmac_data, sizeof(hmac_tag), hmac_tag, NULL
};
