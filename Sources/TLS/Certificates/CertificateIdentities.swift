import COpenSSL
import Wire

/// The host names and addresses that a certificate is for: its subjectAltName (RFC 5280 §4.2.1.6), or the common name
/// when it has none (as in OpenSSL's own check).
struct CertificateIdentities {
  private(set) var names: [String] = []
  private(set) var addresses: [String] = []
  /// Whether there is a subjectAltName.
  private(set) var areAlternativeNames = true

  /// Reads an `X509`.
  init(of certificate: OpaquePointer) {
    // SAFETY: X509_get_ext_d2i returns a new GENERAL_NAMES, owned here and freed below; its elements are borrowed from
    // it.
    guard let list = unsafe X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else {
      ERR_clear_error()
      areAlternativeNames = false
      if let name = unsafe Self.commonName(of: certificate) { names = [name] }
      return
    }
    let entries = OpaquePointer(list)
    defer { unsafe GENERAL_NAMES_free(entries) }
    let count = unsafe belvedere_names_count(entries)
    for index in 0..<count {
      var type: Int32 = 0
      guard let entry = unsafe belvedere_name_at(entries, index),
        let value = unsafe GENERAL_NAME_get0_value(entry, &type)
      else { continue }
      if type == GEN_DNS {
        names.append(unsafe Self.text(of: value.assumingMemoryBound(to: ASN1_STRING.self)))
      } else if type == GEN_IPADD {
        let bytes = unsafe Self.bytes(of: value.assumingMemoryBound(to: ASN1_STRING.self))
        if let address = IPAddress(bytes: bytes.span) { addresses.append("\(address)") }
      }
    }
  }

  private static func commonName(of certificate: OpaquePointer) -> String? {
    // SAFETY: name, entry and data are borrowed from the valid certificate.
    let name = unsafe X509_get_subject_name(certificate)
    let index = unsafe X509_NAME_get_index_by_NID(name, NID_commonName, -1)
    guard index >= 0, let entry = unsafe X509_NAME_get_entry(name, index),
      let data = unsafe X509_NAME_ENTRY_get_data(entry)
    else { return nil }
    return unsafe text(of: data)
  }

  /// In lower case, escaped: a peer's name may be logged.
  private static func text(of string: UnsafePointer<ASN1_STRING>) -> String {
    // SAFETY: as `bytes(of:)`.
    unsafe String(decoding: bytes(of: string), as: UTF8.self).escapingControls().lowercased()
  }

  /// A copy of its bytes.
  static func bytes(of string: UnsafePointer<ASN1_STRING>) -> [UInt8] {
    // SAFETY: an ASN1_STRING has `length` bytes at its data pointer while it exists; they are copied here.
    unsafe Array(UnsafeBufferPointer(start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string))))
  }
}
