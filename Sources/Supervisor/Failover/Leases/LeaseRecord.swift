import Domain
import Wire

/// How to release the addresses of a supervisor that died while Active: the addresses to remove and the packets to
/// send. As text, one per line:
///
///     belvedere leases 1
///     address eth0 192.0.2.100/24
///     packet eth0 192.0.2.11 224.0.0.18 3133c801…
struct LeaseRecord: Hashable {
  struct Address: Hashable {
    var interface: String
    var address: VirtualAddress
  }

  struct Packet: Hashable {
    var interface: String
    var source: IPAddress
    var destination: IPAddress
    /// Without the IP header.
    var bytes: [UInt8]
  }

  /// It was not written by this version of the supervisor.
  struct Malformed: Error, CustomStringConvertible {
    let line: Int
    var description: String { "line \(line) is not what a supervisor of this version writes" }
  }

  private static let title = "belvedere leases 1"

  var addresses: [Address] = []
  /// In sending order.
  var packets: [Packet] = []

  init() {}

  var text: String {
    let lines =
      addresses.map { "address \($0.interface) \($0.address)" }
      + packets.map { "packet \($0.interface) \($0.source) \($0.destination) \(Hexadecimal.text($0.bytes))" }
    return ([Self.title] + lines).map { $0 + "\n" }.joined()
  }

  init(parsing text: String) throws(Malformed) {
    let lines = text.split(separator: "\n")
    guard lines.first.map(String.init) == Self.title else { throw Malformed(line: 1) }
    for (index, line) in lines.enumerated().dropFirst() {
      let words = line.split(separator: " ").map(String.init)
      if let address = Address(words) {
        addresses.append(address)
      } else if let packet = Packet(words) {
        packets.append(packet)
      } else {
        throw Malformed(line: index + 1)
      }
    }
  }
}

extension LeaseRecord.Address {
  fileprivate init?(_ words: [String]) {
    guard words.count == 3, words[0] == "address", let address = VirtualAddress(words[2]) else { return nil }
    self.init(interface: words[1], address: address)
  }
}

extension LeaseRecord.Packet {
  fileprivate init?(_ words: [String]) {
    guard words.count == 5, words[0] == "packet", let source = try? IPAddress(parsing: words[2]),
      let destination = try? IPAddress(parsing: words[3]), source.family == destination.family,
      let bytes = Hexadecimal.bytes(Array(words[4].utf8))
    else { return nil }
    self.init(interface: words[1], source: source, destination: destination, bytes: bytes)
  }
}
