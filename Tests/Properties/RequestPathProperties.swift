import Balancing
import Wire

/// Properties of any path of a request: one that some server may take for a path below a protected one is not admitted
/// for a client from outside, and what a rule protects does not depend on the rules beside it.
package enum RequestPathProperties {
  package static func check(_ bytes: [UInt8]) throws(Violation) {
    let ends: Set<UInt8> = [UInt8(ascii: "?"), UInt8(ascii: "#")]
    let path = [UInt8(ascii: "/")] + bytes.prefix { !ends.contains($0) }
    let client = IPAddress(v4: 0xc000_0201)
    let closed = NetworkTable(allow: [], deny: [IPPrefix(containing: client, length: 0)].compactMap(\.self))
    let open = NetworkTable(allow: [], deny: [])
    let alone = AccessRules(service: open, paths: [(path: "/admin", networks: closed)])
    let several = AccessRules(
      service: open,
      paths: [("/admin", closed), ("/a", open), ("/admin-b/c", open), ("/rest", open)].map {
        (path: $0.0, networks: $0.1)
      })
    let refusal = alone.refusal(of: client, path: path.span)
    try require(several.refusal(of: client, path: path.span) == refusal, "other rules change the decision")
    guard refusal == nil else { return }
    for steps in 0..<(1 << Step.allCases.count) {
      var read = path
      for (index, step) in Step.allCases.enumerated() where steps >> index & 1 == 1 { read = step.apply(to: read) }
      try require(!isProtected(read), "admitted, and a server may read \(String(decoding: read, as: UTF8.self))")
    }
  }

  private static func isProtected(_ path: [UInt8]) -> Bool {
    let segments = path.split(separator: UInt8(ascii: "/"))
    return segments.first.map { $0.elementsEqual("admin".utf8) } == true
  }

  /// What servers do with a path, in this order; each server does some of it.
  private enum Step: CaseIterable {
    case cutParameters, decode, decodeAgain, backslashes, cutDecodedParameters, cutAtNull, skipAuthority, trimSegments
    case resolveDots, lowerCase

    func apply(to path: [UInt8]) -> [UInt8] {
      switch self {
      case .decode, .decodeAgain: decoded(path)
      case .cutParameters, .cutDecodedParameters:
        segments(of: path) { $0.prefix { $0 != UInt8(ascii: ";") } }
      case .backslashes: path.map { $0 == UInt8(ascii: "\\") ? UInt8(ascii: "/") : $0 }
      case .cutAtNull: Array(path.prefix { $0 != 0 })
      case .skipAuthority:
        path.starts(with: "//".utf8) ? Array(path.dropFirst(2).drop { $0 != UInt8(ascii: "/") }) : path
      case .trimSegments:
        segments(of: path) { segment in
          var name = segment.prefix { $0 != UInt8(ascii: ":") }
          while name.count > 2, let last = name.last, last == UInt8(ascii: ".") || last == UInt8(ascii: " ") {
            name.removeLast()
          }
          return name
        }
      case .resolveDots: resolved(path)
      case .lowerCase: path.map { $0 &- UInt8(ascii: "A") < 26 ? $0 | 0x20 : $0 }
      }
    }

    private func segments(of path: [UInt8], _ change: (ArraySlice<UInt8>) -> ArraySlice<UInt8>) -> [UInt8] {
      Array(
        path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map(change)
          .joined(separator: [UInt8(ascii: "/")]))
    }

    private func resolved(_ path: [UInt8]) -> [UInt8] {
      var kept: [ArraySlice<UInt8>] = []
      for segment in path.split(separator: UInt8(ascii: "/")) where !segment.elementsEqual(".".utf8) {
        if segment.elementsEqual("..".utf8) { _ = kept.popLast() } else { kept.append(segment) }
      }
      return Array(([[]] + kept).joined(separator: [UInt8(ascii: "/")]))
    }

    private func decoded(_ path: [UInt8]) -> [UInt8] {
      var (result, index): ([UInt8], Int) = ([], 0)
      while index < path.count {
        if path[index] == UInt8(ascii: "%"), index + 2 < path.count,
          let octet = UInt8(String(decoding: path[index + 1...index + 2], as: UTF8.self), radix: 16)
        {
          result.append(octet)
          index += 3
        } else {
          result.append(path[index])
          index += 1
        }
      }
      return result
    }
  }
}
