/* SPDX-License-Identifier: Apache-2.0 */
/* libsrtp2 sessions, as receiving and sending contexts need them. */
#include <arpa/inet.h>

#include "media/srtp_key_int.h"

int gh_srtp_error(srtp_err_status_t status)
{
    switch (status) {
    case srtp_err_status_ok:
        return 0;
    case srtp_err_status_auth_fail:
    case srtp_err_status_bad_mki:
    case srtp_err_status_cant_check:
        return GH_EAUTH;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old:
    case srtp_err_status_pkt_idx_adv:
        return GH_EREPLAY;
    case srtp_err_status_key_expired:
        return GH_ELIMIT;
    case srtp_err_status_alloc_fail:
        return GH_ENOMEM;
    case srtp_err_status_bad_param:
    case srtp_err_status_parse_err:
        return GH_ESYNTAX;
    case srtp_err_status_fail:
    case srtp_err_status_dealloc_fail:
    case srtp_err_status_init_fail:
    case srtp_err_status_terminus:
    case srtp_err_status_cipher_fail:
    case srtp_err_status_algo_fail:
    case srtp_err_status_no_such_op:
    case srtp_err_status_no_ctx:
    case srtp_err_status_socket_err:
    case srtp_err_status_signal_err:
    case srtp_err_status_nonce_bad:
    case srtp_err_status_read_fail:
    case srtp_err_status_write_fail:
    case srtp_err_status_encode_err:
    case srtp_err_status_semaphore_err:
    case srtp_err_status_pfkey_err:
        return GH_ECRYPTO;
    }
    return GH_ECRYPTO;
}

static void set_suite(srtp_policy_t *policy, enum gh_suite suite)
{
    const struct gh_suite_info *info = gh_suite_info(suite);

    if (info->aead && info->key_len == 16)
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
    else if (info->aead)
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtp);
    else if (info->key_len == 16)
        srtp_crypto_policy_set_rtp_default(&policy->rtp);
    else
        srtp_crypto_policy_set_aes_cm_256_hmac_sha1_80(&policy->rtp);
    policy->rtcp = policy->rtp;
    policy->rtp.auth_tag_len = info->tag_len;
    /* RFC 4568 section 6.2: 80 bits also under _32 */
    policy->rtcp.auth_tag_len = info->rtcp_tag_len;
}

static srtp_policy_t policy_of(enum gh_suite suite, struct gh_secret *key, bool gate)
{
    srtp_policy_t policy = { .key = key->octets, .window_size = GH_REPLAY_WINDOW };

    set_suite(&policy, suite);
    if (gate) {
        srtp_crypto_policy_set_null_cipher_hmac_sha1_80(&policy.rtp);
        policy.rtp.auth_tag_len = gh_suite_info(suite)->tag_len;
    }
    return policy;
}

int gh_srtp_session_new(srtp_t *out, enum gh_suite suite, struct gh_secret *key,
                        srtp_ssrc_type_t type, bool gate)
{
    srtp_policy_t policy = policy_of(suite, key, gate);
    srtp_t session = NULL;
    int err;

    policy.ssrc.type = type;
    err = gh_srtp_error(srtp_create(&session, type == ssrc_undefined ? NULL : &policy));
    if (!err)
        *out = session;
    return err == GH_ESYNTAX ? GH_EINVAL : err;
}

int gh_srtp_stream_add(srtp_t session, enum gh_suite suite, struct gh_secret *key, bool gate,
                       uint32_t ssrc, uint32_t roc)
{
    srtp_policy_t policy = policy_of(suite, key, gate);
    int err;

    policy.ssrc = (srtp_ssrc_t){ ssrc_specific, ssrc };
    err = gh_srtp_error(srtp_add_stream(session, &policy));
    return err ? err : gh_srtp_error(srtp_set_stream_roc(session, ssrc, roc));
}

bool gh_srtp_key_fits(enum gh_suite suite, const struct gh_secret *key)
{
    return suite != GH_SUITE_NONE && key->len && key->len == gh_suite_key_salt_len(suite);
}

/* libsrtp2 2.x takes the SSRC of srtp_remove_stream in network order, that of the ROC functions
 * in host order. */
void gh_srtp_stream_forget(srtp_t session, uint32_t ssrc)
{
    if (session)
        srtp_remove_stream(session, htonl(ssrc));
}

/* Its question that goes the shortest way to a stream. */
void gh_srtp_stream_touch(srtp_t session, uint32_t ssrc)
{
    uint32_t roc;

    (void)srtp_get_stream_roc(session, ssrc, &roc);
}
