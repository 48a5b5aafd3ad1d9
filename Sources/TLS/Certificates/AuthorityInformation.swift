import COpenSSL

/// The URLs in a certificate's authorityInfoAccess extension (RFC 5280 §4.2.2.1).
struct AuthorityInformation: Equatable {
  /// URLs of OCSP responders.
  private(set) var responders: [String] = []
  /// URLs of the issuer's own certificate.
  private(set) var issuers: [String] = []

  /// Reads an `X509`. URLs with other characters than visible ASCII are skipped.
  init(of certificate: OpaquePointer) {
    // SAFETY: X509_get_ext_d2i returns a new AUTHORITY_INFO_ACCESS, owned here and freed below; the rest is borrowed
    // from it.
    guard let found = unsafe X509_get_ext_d2i(certificate, NID_info_access, nil, nil) else {
      ERR_clear_error()
      return
    }
    let entries = OpaquePointer(found)
    defer { unsafe AUTHORITY_INFO_ACCESS_free(entries) }
    for index in 0..<(unsafe belvedere_accesses_count(entries)) {
      var method: Int32 = 0
      guard let value = unsafe belvedere_access_url(entries, index, &method) else { continue }
      let bytes = unsafe UnsafeBufferPointer(start: ASN1_STRING_get0_data(value), count: Int(ASN1_STRING_length(value)))
      guard unsafe bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else { continue }
      let url = unsafe String(decoding: bytes, as: UTF8.self)
      if method == NID_ad_OCSP { responders.append(url) }
      if method == NID_ad_ca_issuers { issuers.append(url) }
    }
  }
}
