// Wrappers for what Swift can't import from OpenSSL: macros with arguments and typed stacks.
#pragma once
// Otherwise OpenSSL's macros contain their file's path, and the binary would depend on the build directory.
#define OPENSSL_NO_FILENAMES
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/// The size of a read from a socket in bytes: four of the largest records (RFC 8446 §5.2), so that bulk transfers need
/// one system call per four records. A connection has a buffer of this size only while it contains data.
enum { BELVEDERE_READ_BUFFER = 66 * 1024 };

/// Makes OpenSSL allocate record buffers through the per-thread cache (COpenSSL.c). Must be called before any other
/// function of OpenSSL; returns 0 when OpenSSL refuses, because it has already allocated memory.
int belvedere_install_block_cache(void);

// MARK: contexts
static inline long belvedere_ctx_set_minimum(SSL_CTX *context, int version) {
  return SSL_CTX_set_min_proto_version(context, version);
}
static inline long belvedere_ctx_set_maximum(SSL_CTX *context, int version) {
  return SSL_CTX_set_max_proto_version(context, version);
}
/// For both sides: no compression (CRIME), no renegotiation (the attack surface of RFC 5746), and an end of file
/// without close_notify is always an error.
static inline void belvedere_ctx_harden(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_clear_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_LEGACY_SERVER_CONNECT);
}
/// Allows connections to servers without secure renegotiation (RFC 5746); there is never a renegotiation.
static inline void belvedere_ctx_allow_legacy_servers(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
}
/// Uses our cipher order, except that a client which prefers ChaCha20 (having no AES instructions) gets it.
static inline void belvedere_ctx_prefer_own_order(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
}
static inline void belvedere_ctx_refuse_tickets(SSL_CTX *context) { SSL_CTX_set_options(context, SSL_OP_NO_TICKET); }
static inline long belvedere_ctx_limit_chain(SSL_CTX *context, long bytes) {
#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION
  // A compressed chain would not be limited.
  SSL_CTX_set_options(context, SSL_OP_NO_RX_CERTIFICATE_COMPRESSION);
#endif
  return SSL_CTX_set_max_cert_list(context, bytes);
}
static inline long belvedere_ctx_set_client_signatures(SSL_CTX *context, const char *list) {
  return SSL_CTX_set1_client_sigalgs_list(context, list);
}
static inline long belvedere_ctx_set_mode(SSL_CTX *context, long mode) { return SSL_CTX_set_mode(context, mode); }
static inline void belvedere_ctx_read_ahead(SSL_CTX *context) {
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, BELVEDERE_READ_BUFFER);
}
static inline long belvedere_ctx_set_session_cache_mode(SSL_CTX *context, long mode) {
  return SSL_CTX_set_session_cache_mode(context, mode);
}
static inline long belvedere_ctx_set_groups(SSL_CTX *context, const char *list) {
  return SSL_CTX_set1_groups_list(context, (char *)list);
}
static inline long belvedere_ctx_set_signature_algorithms(SSL_CTX *context, const char *list) {
  return SSL_CTX_set1_sigalgs_list(context, list);
}
static inline long belvedere_ctx_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
  return SSL_CTX_add1_chain_cert(context, certificate);
}
static inline int belvedere_ctx_set_owner(SSL_CTX *context, void *owner) {
  return SSL_CTX_set_app_data(context, owner);
}
static inline void *belvedere_ctx_owner(const SSL_CTX *context) { return SSL_CTX_get_app_data(context); }
static inline long belvedere_ctx_set_server_name_callback(SSL_CTX *context, int (*callback)(SSL *, int *, void *)) {
  return SSL_CTX_set_tlsext_servername_callback(context, callback);
}

// MARK: connections
static inline long belvedere_set_server_name(SSL *connection, const char *name) {
  return SSL_set_tlsext_host_name(connection, (char *)name);
}

/// The name of the key exchange's group; NULL if there was no exchange.
static inline const char *belvedere_negotiated_group(SSL *connection) {
  const int group = (int)SSL_get_negotiated_group(connection);
  return group ? SSL_group_to_name(connection, group) : NULL;
}

/// Frees the ephemeral keys of both sides, which a TLS 1.3 connection would otherwise keep until its end although the
/// shared secret has been derived. OpenSSL has no function for it; setting a key's type releases its contents
/// (EVP_PKEY_set_type(3)).
static inline void belvedere_forget_key_shares(SSL *connection) {
  EVP_PKEY *key = NULL;
  if (SSL_get_tmp_key(connection, &key)) {
    EVP_PKEY_set_type(key, EVP_PKEY_X25519);
    EVP_PKEY_free(key);
  }
  if (SSL_get_peer_tmp_key(connection, &key)) {
    EVP_PKEY_set_type(key, EVP_PKEY_X25519);
    EVP_PKEY_free(key);
  }
}

// MARK: errors
/// Adds an error of ours to this thread's queue, with a text of at most 1,000 bytes.
static inline void belvedere_raise(int reason, const char *text) {
  ERR_new();
  ERR_set_error(ERR_LIB_USER, reason, "%s", text);
}

// MARK: BIO
static inline void belvedere_bio_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void belvedere_bio_retry_write(BIO *bio) { BIO_set_retry_write(bio); }
static inline void belvedere_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }
static inline long belvedere_bio_memory(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }

// MARK: keys and names
static inline unsigned long belvedere_name_flags(void) { return XN_FLAG_RFC2253; }
/// EVP_MAC_init with the digest parameter required by SSL_CTX_set_tlsext_ticket_key_evp_cb(3).
static inline int belvedere_mac_init_sha256(EVP_MAC_CTX *mac, const unsigned char *key, size_t size) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_init(mac, key, size, parameters);
}
/// HKDF with SHA-256 and without salt (EVP_KDF-HKDF(7)); 1, or 0 on an error.
static inline int belvedere_hkdf_sha256(
    const void *secret, size_t secret_size, const void *label, size_t label_size, void *key, size_t size) {
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret, secret_size),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)label, label_size),
      OSSL_PARAM_construct_end(),
  };
  EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
  EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
  int done = context != NULL && EVP_KDF_derive(context, key, size, parameters) > 0;
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  return done;
}
static inline EVP_PKEY *belvedere_generate_curve(const char *name) { return EVP_EC_gen(name); }
static inline int belvedere_names_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline GENERAL_NAME *belvedere_name_at(const GENERAL_NAMES *names, int index) {
  return sk_GENERAL_NAME_value(names, index);
}
static inline int belvedere_accesses_count(const AUTHORITY_INFO_ACCESS *accesses) {
  return sk_ACCESS_DESCRIPTION_num(accesses);
}
/// The URL of one entry and the NID of its method; null when its location is not a URL.
static inline const ASN1_STRING *belvedere_access_url(const AUTHORITY_INFO_ACCESS *accesses, int index, int *method) {
  const ACCESS_DESCRIPTION *access = sk_ACCESS_DESCRIPTION_value(accesses, index);
  *method = OBJ_obj2nid(access->method);
  return access->location->type == GEN_URI ? access->location->d.uniformResourceIdentifier : NULL;
}

// MARK: certificate status
static inline STACK_OF(X509) *belvedere_certificates_new(void) { return sk_X509_new_null(); }
static inline int belvedere_certificates_push(STACK_OF(X509) *certificates, X509 *certificate) {
  return sk_X509_push(certificates, certificate);
}
static inline int belvedere_certificates_count(const STACK_OF(X509) *certificates) { return sk_X509_num(certificates); }
static inline void belvedere_certificates_free(STACK_OF(X509) *certificates) { sk_X509_free(certificates); }
static inline void belvedere_free(void *memory) { OPENSSL_free(memory); }
static inline long belvedere_ctx_set_status_callback(SSL_CTX *context, int (*callback)(SSL *, void *)) {
  return SSL_CTX_set_tlsext_status_cb(context, callback);
}
/// The connection takes ownership of the bytes, which must be from OPENSSL_memdup.
static inline long belvedere_staple(SSL *connection, void *answer, long size) {
  return SSL_set_tlsext_status_ocsp_resp(connection, answer, size);
}
static inline void *belvedere_copy(const void *bytes, size_t size) { return OPENSSL_memdup(bytes, size); }
