import Wire

/// Listening sockets of all programs, from the text of /proc/net/tcp, tcp6, udp or udp6 (proc(5)).
package struct SocketTable: Sendable {
  /// One socket.
  package struct Entry: Hashable, Sendable {
    package var address: IPAddress
    package var port: UInt16
    package var inode: UInt64
  }

  package private(set) var entries: [Entry] = []

  /// Adds the listening sockets of TCP's tables, or the bound and unconnected ones of UDP's. The kernel writes words of
  /// an address in this machine's byte order, which is little-endian.
  package mutating func add(_ text: String, isTCP: Bool) {
    for line in text.split(separator: "\n").dropFirst() {
      let fields = line.split(separator: " ")
      guard fields.count > 9, fields[3] == (isTCP ? "0A" : "07"), let inode = UInt64(fields[9]) else { continue }
      let local = fields[1].split(separator: ":")
      guard local.count == 2, let port = UInt16(local[1], radix: 16), let address = Self.address(String(local[0]))
      else {
        continue
      }
      entries.append(Entry(address: address, port: port, inode: inode))
    }
  }

  package init() {}

  /// The sockets that prevent another program from listening there. `address`: nil is every address.
  package func holders(of port: UInt16, at address: IPAddress?) -> [Entry] {
    entries.filter { entry in
      guard entry.port == port else { return false }
      guard let address else { return true }
      return entry.address == address || entry.address.isUnspecified || address.isUnspecified
    }
  }

  private static func address(_ text: String) -> IPAddress? {
    guard let bytes = Hexadecimal.bytes(Array(text.utf8)), bytes.count == 4 || bytes.count == 16 else { return nil }
    let ordered = stride(from: 0, to: bytes.count, by: 4).flatMap { bytes[$0..<$0 + 4].reversed() }
    return IPAddress(bytes: ordered.span)
  }
}

/// What /proc says of a process.
package enum ProcessText {
  /// The hard limit of open files in /proc/PID/limits; `unlimited` is the maximum value.
  package static func openFiles(in text: String) -> UInt64? {
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Max open files") }) else { return nil }
    let words = line.split(separator: " ")
    guard words.count >= 5 else { return nil }
    return words[4] == "unlimited" ? .max : UInt64(words[4])
  }

  /// The scheduling in /proc/PID/stat, whose second field may contain spaces and brackets.
  package static func scheduling(in text: String) -> RunningService.Scheduling? {
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split { $0 == " " || $0 == "\n" }
    // Fields 19 and 41 of proc(5); the first here is field 3. 1: SCHED_FIFO, 2: SCHED_RR.
    guard fields.count > 38, let nice = Int(fields[16]), let policy = Int(fields[38]) else { return nil }
    return [1, 2].contains(policy) ? .realtime : .nice(nice)
  }

  /// The problems in what `belvedere check` prints: `file:line:column: error: message`, `warning: message`, and
  /// suggestions below, after `=`.
  package static func problems(in output: String) -> [ConfigurationFacts.Problem] {
    var found: [ConfigurationFacts.Problem] = []
    for line in output.split(separator: "\n") {
      let text = String(line)
      let kinds = [(": error: ", true), (": warning: ", false)]
      if let (mark, isError) = kinds.first(where: { text.contains($0.0) }) {
        found.append(ConfigurationFacts.Problem(isError: isError, text: text.replacing(mark, with: ": ")))
      } else if text.hasPrefix("error: ") || text.hasPrefix("warning: ") {
        let isError = text.hasPrefix("error: ")
        found.append(ConfigurationFacts.Problem(isError: isError, text: String(text.dropFirst(isError ? 7 : 9))))
      } else if let last = found.indices.last, text.hasPrefix("      = ") {
        found[last].fix = String(text.dropFirst(8))
      }
    }
    return found
  }
}
