#include "internal.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

// Certificates between the leaf and the root. Kubernetes's own chains have none or one.
enum { max_intermediates = 8 };

static X509 *read_certificate(ccrypto_view der) {
    const uint8_t *at = der.bytes;
    X509 *certificate = der.count <= LONG_MAX ? d2i_X509(NULL, &at, (long)der.count) : NULL;
    if (certificate && at != der.bytes + der.count) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

ccrypto_roots *ccrypto_make_roots(const ccrypto_view *ders, size_t count, ccrypto_error *error) {
    ccrypto_start();
    X509_STORE *store = X509_STORE_new();
    bool isDone = store != NULL;
    for (size_t i = 0; isDone && i < count; i++) {
        X509 *certificate = read_certificate(ders[i]);
        isDone = certificate && X509_STORE_add_cert(store, certificate) == 1;
        X509_free(certificate);
    }
    if (!isDone) {
        ccrypto_fail(error, "cannot read a certificate of the authority");
        X509_STORE_free(store);
        return NULL;
    }
    return (ccrypto_roots *)store;
}

void ccrypto_free_roots(ccrypto_roots *roots) { X509_STORE_free((X509_STORE *)roots); }

static ccrypto_verdict verdict_of(int code) {
    switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return ccrypto_verdict_expired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return ccrypto_verdict_not_yet_valid;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
        return ccrypto_verdict_unknown_authority;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
        return ccrypto_verdict_bad_signature;
    case X509_V_ERR_INVALID_PURPOSE:
        return ccrypto_verdict_wrong_usage;
    default:
        return ccrypto_verdict_refused;
    }
}

static bool seconds_of(const ASN1_TIME *time, int64_t *seconds) {
    struct tm parts;
    if (ASN1_TIME_to_tm(time, &parts) != 1) return false;
    *seconds = timegm(&parts);
    return true;
}

static bool find_validity(STACK_OF(X509) *chain, int64_t *from, int64_t *until) {
    *from = INT64_MIN;
    *until = INT64_MAX;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        int64_t begin, end;
        X509 *certificate = sk_X509_value(chain, i);
        if (!seconds_of(X509_get0_notBefore(certificate), &begin)
            || !seconds_of(X509_get0_notAfter(certificate), &end)) return false;
        if (begin > *from) *from = begin;
        if (end < *until) *until = end;
    }
    return true;
}

static ccrypto_verdict judge(
    X509_STORE *store, X509 *leaf, STACK_OF(X509) *others, int64_t at, bool is_client, int64_t *valid_from,
    int64_t *valid_until, ccrypto_error *error) {
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    int purpose = is_client ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_SSL_SERVER;
    if (!context || X509_STORE_CTX_init(context, store, leaf, others) != 1
        || X509_STORE_CTX_set_purpose(context, purpose) != 1) {
        ccrypto_fail(error, "cannot prepare the verification");
        X509_STORE_CTX_free(context);
        return ccrypto_verdict_refused;
    }
    X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(rules, (time_t)at);
    X509_VERIFY_PARAM_set_depth(rules, max_intermediates);
    // A custom authority may be an intermediate one whose root is kept elsewhere.
    X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);

    ccrypto_verdict verdict = ccrypto_verdict_trusted;
    if (X509_verify_cert(context) != 1) {
        int code = X509_STORE_CTX_get_error(context);
        verdict = verdict_of(code);
        snprintf(error->text, sizeof error->text, "%s", X509_verify_cert_error_string(code));
    } else if (!find_validity(X509_STORE_CTX_get0_chain(context), valid_from, valid_until)) {
        verdict = ccrypto_verdict_malformed;
    }
    X509_STORE_CTX_free(context);
    ERR_clear_error();
    return verdict;
}

ccrypto_verdict ccrypto_verify_chain(
    const ccrypto_roots *roots, const ccrypto_view *chain, size_t count, int64_t at, bool is_client,
    int64_t *valid_from, int64_t *valid_until, ccrypto_error *error) {
    ccrypto_start();
    error->text[0] = 0;
    X509 *leaf = count > 0 && count <= max_intermediates + 2 ? read_certificate(chain[0]) : NULL;
    STACK_OF(X509) *others = sk_X509_new_null();
    bool isRead = leaf && others;
    for (size_t i = 1; isRead && i < count; i++) {
        X509 *certificate = read_certificate(chain[i]);
        isRead = certificate && sk_X509_push(others, certificate) > 0;
        if (!isRead) X509_free(certificate);
    }
    ccrypto_verdict verdict = ccrypto_verdict_malformed;
    if (isRead) {
        verdict = judge((X509_STORE *)roots, leaf, others, at, is_client, valid_from, valid_until, error);
    } else {
        ccrypto_fail(error, "cannot read the certificate chain");
    }
    sk_X509_pop_free(others, X509_free);
    X509_free(leaf);
    return verdict;
}
