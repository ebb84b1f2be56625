// Shared by the C files of this target only.
#ifndef CCRYPTO_INTERNAL_H
#define CCRYPTO_INTERNAL_H

#include "CCrypto.h"

#include <openssl/evp.h>

// Must be called before anything else of libcrypto: it keeps openssl.cnf from being read.
void ccrypto_start(void);

// Empties OpenSSL's error queue into `error`; `what` names the step that failed.
void ccrypto_fail(ccrypto_error *error, const char *what);

// The digest, NULL for `ccrypto_digest_none`.
const EVP_MD *ccrypto_md(ccrypto_digest_kind kind);

static inline EVP_PKEY *ccrypto_pkey(const ccrypto_key *key) { return (EVP_PKEY *)key; }

#endif
