/// An IPv4 or IPv6 address. IPv4-mapped IPv6 addresses (`::ffff:a.b.c.d`) are kept as IPv4, so that one client has one
/// spelling whichever socket it came through.
package struct IPAddress: Hashable, Sendable {
  package enum Family: UInt8, Sendable { case v4 = 4, v6 = 6 }

  package let family: Family
  /// The address as two big-endian halves; an IPv4 address sits in the low 32 bits of `low`.
  package let high: UInt64
  package let low: UInt64

  private init(family: Family, high: UInt64, low: UInt64) {
    self.family = family
    self.high = high
    self.low = low
  }

  package init(v4 bits: UInt32) {
    self.init(family: .v4, high: 0, low: UInt64(bits))
  }

  package init(v6High high: UInt64, low: UInt64) {
    if high == 0, low >> 32 == 0xffff {
      self.init(v4: UInt32(truncatingIfNeeded: low))
    } else {
      self.init(family: .v6, high: high, low: low)
    }
  }
}

/// An address and a TCP port.
package struct Endpoint: Hashable, Sendable {
  package var address: IPAddress
  package var port: UInt16

  package init(address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }
}
