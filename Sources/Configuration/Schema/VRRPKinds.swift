import Domain
import Wire

/// The kinds that only virtual routers use.

extension Kind where Value == String {
  /// A valid interface name on Linux: at most 15 bytes.
  static let interface = Kind.matching("interface name", expected: "an interface name such as eth0") {
    (1...15).contains($0.utf8.count) && $0 != "." && $0 != ".."
      && $0.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
  }

  /// One word, for log lines and arguments of scripts.
  static let routerName = Kind.matching("name", expected: "a name of letters, digits, `.`, `-` and `_`, at most 64") {
    ServerName.isValid($0)
  }

  /// RFC 2338 §5.3.10.
  static let simpleText = Kind.text(
    "text of 1 to 8 bytes", expected: "a text of 1 to 8 bytes", write: { _ in "set" }
  ) { text throws(Complaint) in
    guard 1...8 ~= text.utf8.count else {
      // Without the text itself: a password must not be printed on a terminal.
      throw Complaint(message: "this has \(text.utf8.count) bytes; version 2 has room for 1 to 8")
    }
    return text
  }

  /// It is written into a mail's header, so it must not contain line ends.
  static let mailAddress = Kind.matching("mail address", expected: "a mail address such as admins@domain.local") {
    !$0.isEmpty && !$0.hasPrefix("-") && $0.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: ",") }
  }
}

extension Kind where Value == IPAddress {
  static let nodeAddress = Kind.text(
    "IP address", expected: "an IP address such as 192.168.1.162"
  ) { text throws(Complaint) in try? IPAddress(parsing: text) }
}

extension Kind where Value == Int {
  /// A change of the priority, positive or negative.
  static let trackWeight = Kind.text(
    "number, -253 to 253, not 0", expected: "a number from -253 to 253 other than 0"
  ) { text throws(Complaint) in
    guard let number = Int(text) else { return nil }
    guard number != 0 else { throw Complaint(message: "a weight of 0 changes nothing") }
    guard -253...253 ~= number else { throw Complaint(message: "`\(text)` is outside -253 to 253") }
    return number
  }
}

extension Kind where Value == Configuration.VirtualRouter.Track {
  static let track = Kind(
    name: "mapping, see [vrrp.track](#vrrptrack)",
    expected: "a mapping with `interface`, `script` or `fewer-servers`",
    read: { node, reader in
      guard let written = Schema.track.read(node, &reader) else { return nil }
      guard let subject = written.subjects.first else {
        // A subject with an invalid value, or a misspelt key, is reported already.
        if case .mapping(let entries) = node.content,
          !WrittenTrack.subjectKeys.contains(where: { key in
            reader.isMisspelt(key) || entries.contains { $0.key == key && !$0.value.isEmpty }
          })
        {
          reader.error("expected `interface`, `script` or `fewer-servers` here", at: node.mark)
        }
        return nil
      }
      guard written.subjects.count == 1 else {
        reader.error(
          "`interface`, `script` and `fewer-servers` exclude each other", at: node.mark, "Make an item of each.")
        return nil
      }
      return Value(
        subject: subject, weight: written.weight.map { .priority($0) } ?? .giveUp,
        recovery: written.recovery ?? subject.recovery)
    },
    write: { _ in "see there" })
}

extension WrittenTrack {
  fileprivate static let subjectKeys = ["interface", "script", "fewer-servers"]

  fileprivate var subjects: [Configuration.VirtualRouter.Track.Subject] {
    [
      interface.map { .interface($0) },
      script.map { .script(path: $0, interval: interval, timeout: timeout, fall: fall) },
      fewerServers.map { .servers(fewerBy: $0) },
    ].compactMap { $0 }
  }
}

extension Configuration.VirtualRouter.Track.Subject {
  /// The default of `recovery`.
  fileprivate var recovery: Interval {
    switch self {
    case .interface, .script: .seconds(2)
    case .servers: .seconds(10)
    }
  }
}

extension Kind where Value == [Configuration.VirtualRouter.Authentication.Key] {
  /// In the file's order: the first one signs.
  static let authenticationKeys = Kind(
    name: "mapping of numbers to paths or `credential:NAME`", expected: "a mapping of numbers to paths",
    read: { node, reader in
      guard case .mapping(let entries) = node.content, !entries.isEmpty else {
        if case .refused = node.content { return nil }
        reader.error(
          "expected a mapping of numbers to paths, found \(node.found)", at: node.mark,
          "For example: 1: /etc/belvedere/vrrp.key")
        return nil
      }
      return entries.compactMap { entry -> Configuration.VirtualRouter.Authentication.Key? in
        guard let identifier = UInt8(entry.key), identifier > 0 else {
          reader.error("`\(Node.shortened(entry.key))` is not a key's number, 1 to 255", at: entry.keyMark)
          return nil
        }
        let place = reader.descend(to: entry.key, key: entry.keyMark, value: entry.value.mark) {
          Kind<Configuration.VirtualRouter.KeyPlace>.keyPlace.read(entry.value, &$0)
        }
        return place.map { Configuration.VirtualRouter.Authentication.Key(identifier: identifier, place: $0) }
      }
    },
    write: { $0.isEmpty ? "none" : "\($0.count) keys" })
}

extension Kind where Value == Configuration.VirtualRouter.KeyPlace {
  private static let prefix = "credential:"

  static let keyPlace = Kind(
    name: "path or `credential:NAME`", expected: "a path or `credential:NAME`",
    read: { node, reader in
      guard case .scalar(let text, _) = node.content, text.hasPrefix(prefix) else {
        return Kind<String>.path(.advertisementKey).read(node, &reader).map { .file($0) }
      }
      let name = String(text.dropFirst(prefix.count))
      guard ServerName.isValid(name), name != ".", name != ".." else {
        reader.error("expected the name of a credential, found \(node.found)", at: node.mark)
        return nil
      }
      return .credential(name)
    },
    write: { place in
      switch place {
      case .file(let path): path
      case .credential(let name): prefix + name
      }
    })
}
