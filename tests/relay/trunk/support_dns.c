/* SPDX-License-Identifier: Apache-2.0 */
/* The tiny DNS server of net's tests. */
#include "../net/support_dns.c"
