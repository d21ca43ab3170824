/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/sip/support_sip.h"

#include <stdio.h>
#include <stdlib.h>

struct gh_buf sip_wire(const char *text)
{
    const char *mark = strstr(text, "Content-Length: @\n");
    const char *body = strstr(text, "\n\n");
    struct gh_buf head = { 0 }, tail = { 0 };

    body = body ? body + 2 : text + strlen(text);
    for (const char *p = body; *p; p++)
        gh_buf_add(&tail, *p == '\n' ? GH_SPAN("\r\n") : gh_span_of(p, 1));
    for (const char *p = text; p < body; p++) {
        if (mark && p == mark + strlen("Content-Length: "))
            gh_buf_fmt(&head, "%zu", tail.len);
        else
            gh_buf_add(&head, *p == '\n' ? GH_SPAN("\r\n") : gh_span_of(p, 1));
    }
    gh_buf_add(&head, gh_buf_span(&tail));
    gh_buf_fini(&tail);
    return head;
}

int sip_parse_exact(struct gh_sip_msg **out, struct gh_span octets, enum gh_sip_carriage carriage,
                    struct gh_sip_fault *fault)
{
    char *copy = malloc(octets.len ? octets.len : 1);
    int err;

    if (!copy)
        abort();
    if (octets.len)
        memcpy(copy, octets.p, octets.len);
    err = gh_sip_msg_parse(out, gh_span_of(copy, octets.len), carriage, fault);
    free(copy);
    return err;
}

struct gh_sip_msg *sip_msg(const char *text)
{
    struct gh_buf wire = sip_wire(text);
    struct gh_sip_fault fault = { 0 };
    struct gh_sip_msg *msg = NULL;
    int err = sip_parse_exact(&msg, gh_buf_span(&wire), GH_SIP_STREAM, &fault);

    gh_buf_fini(&wire);
    if (err) {
        fprintf(stderr, "message refused: %d %s: %s\n", err, fault.header, fault.text);
        gh_sip_msg_unref(msg);
        msg = NULL;
    }
    return msg;
}

struct gh_sip_msg *sip_request(const char *method, const char *extra, const char *type,
                               const char *body)
{
    struct gh_buf text = { 0 };
    struct gh_sip_msg *msg;

    gh_buf_fmt(&text,
               "%s sip:bob@192.0.2.4 SIP/2.0\n"
               "Via: SIP/2.0/TLS a.example.com;branch=z9hG4bKsupport\n"
               "From: <sip:alice@a.example.com>;tag=a1\n"
               "To: <sip:bob@b.example.com>\n"
               "Call-ID: support@a.example.com\n"
               "CSeq: 7 %s\n"
               "Contact: <sip:alice@192.0.2.1>\n"
               "%s",
               method, method, extra);
    if (type)
        gh_buf_fmt(&text, "Content-Type: %s\n", type);
    gh_buf_fmt(&text, "Content-Length: @\n\n%s%c", body ? body : "", 0);
    msg = sip_msg(text.p);
    gh_buf_fini(&text);
    return msg;
}

const char *sip_fault(const char *text)
{
    static char shown[256];
    struct gh_buf wire = sip_wire(text);
    struct gh_sip_fault fault = { GH_REASON_NONE, "none", "" };
    struct gh_sip_msg *msg = NULL;
    int err = sip_parse_exact(&msg, gh_buf_span(&wire), GH_SIP_STREAM, &fault);

    snprintf(shown, sizeof(shown), "%s%s%s", fault.header, err ? ": " : "", fault.text);
    gh_sip_msg_unref(msg);
    gh_buf_fini(&wire);
    return shown;
}
