import Domain
import TLS
import Testing
import Wire

@testable import VRRP

/// HMAC-SHA256 (RFC 2104) for tests: the product uses OpenSSL's.
let hmacSHA256: KeyedAuthentication.Digest = { key, message in
  let padded = key + [UInt8](repeating: 0, count: 64 - key.count)
  return Digest.sha256(padded.map { $0 ^ 0x5c } + Digest.sha256(padded.map { $0 ^ 0x36 } + message))
}

func ip(_ text: String) -> IPAddress {
  guard let address = try? IPAddress(parsing: text) else { preconditionFailure("not an address: \(text)") }
  return address
}

func bytes(_ hex: String) -> [UInt8] {
  let digits = hex.compactMap { $0.hexDigitValue.map { UInt8($0) } }
  return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

func hex(_ bytes: [UInt8]) -> String {
  bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

/// A time in UTC, in whole seconds since 1970.
func utc(_ seconds: UInt64) -> WallTime { WallTime(nanoseconds: seconds * 1_000_000_000) }

func virtual(_ address: String) -> VirtualAddress { VirtualAddress(address: ip(address), prefixLength: 24) }

/// The parameters of a channel.
@dynamicMemberLookup
struct ChannelSettings {
  var router = VirtualRouterSettings(identifier: 51, priority: 100, addresses: [virtual("192.0.2.100")])
  var authentication = AdvertisementCodec.SimpleAuthentication.none
  var keyed: KeyedAuthentication.Settings?

  /// Version 3, VRID 51, 192.0.2.100, one second.
  static let plain = ChannelSettings()
  /// The same in version 2.
  static let old = plain.with { $0.version = .v2 }

  subscript<Value>(dynamicMember member: WritableKeyPath<VirtualRouterSettings, Value>) -> Value {
    get { router[keyPath: member] }
    set { router[keyPath: member] = newValue }
  }

  func with(_ change: (inout ChannelSettings) -> Void) -> ChannelSettings {
    var settings = self
    change(&settings)
    return settings
  }

  var channel: AdvertisementChannel {
    AdvertisementChannel(router, authentication: authentication, keyed: keyed, digest: hmacSHA256)
  }
}

extension VirtualRouterSettings {
  /// The advertisement of a node with these settings.
  func advertisement(priority: UInt8 = 100) -> Advertisement {
    Advertisement(
      version: version, virtualRouter: identifier, priority: priority, intervalCentiseconds: intervalCentiseconds,
      addresses: ipAddresses)
  }
}

extension AdvertisementChannel {
  /// The result of decoding these bytes.
  mutating func answer(
    to payload: [UInt8], from source: String = "192.0.2.2", to destination: String = "224.0.0.18",
    hopLimit: UInt8 = 255,
    at time: WallTime = utc(0)
  ) -> Result<Advertisement, AdvertisementRejection> {
    let packet = ReceivedPacket(
      source: ip(source), destination: ip(destination), hopLimit: hopLimit, payload: payload.span)
    do throws(AdvertisementRejection) {
      return .success(try decode(packet, at: time))
    } catch {
      return .failure(error)
    }
  }
}
