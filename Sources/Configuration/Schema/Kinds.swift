import Wire

/// The kinds of scalars that are not specific to Horizon.

extension Kind where Value == Interval {
  static func duration(_ range: ClosedRange<Interval>) -> Kind {
    let write: @Sendable (Interval) -> String = { Quantity.write($0.nanoseconds, units: Quantity.time) }
    let bounds = "\(write(range.lowerBound)) to \(write(range.upperBound))"
    return .text("duration, \(bounds)", expected: "a duration such as 2s", write: write) { text throws(Complaint) in
      guard let amount = try Quantity.parse(text, units: Quantity.time, example: "2s") else { return nil }
      let interval = Interval(nanoseconds: amount)
      guard range.contains(interval) else { throw Complaint(message: "`\(text)` is outside \(bounds)") }
      return interval
    }
  }

  /// The range of all timeouts.
  static let timeout = duration(.milliseconds(1)...(.hours(24 * 7)))
}

extension Kind where Value == Int {
  static func size(_ range: ClosedRange<Int>) -> Kind {
    let write: @Sendable (Int) -> String = { Quantity.write(UInt64(clamping: $0), units: Quantity.size) }
    let bounds = "\(write(range.lowerBound)) to \(write(range.upperBound))"
    return .text("size, \(bounds)", expected: "a size such as 8KiB", write: write) { text throws(Complaint) in
      guard let amount = try Quantity.parse(text, units: Quantity.size, example: "8KiB") else { return nil }
      guard let bytes = Int(exactly: amount), range.contains(bytes) else {
        throw Complaint(message: "`\(text)` is outside \(bounds)")
      }
      return bytes
    }
  }
}

extension Kind where Value: FixedWidthInteger & Sendable & SendableMetatype {
  static func number(_ range: ClosedRange<Value>) -> Kind {
    let bounds = "\(range.lowerBound) to \(range.upperBound)"
    return .text("number, \(bounds)", expected: "a number from \(bounds)") { text throws(Complaint) in
      guard let (count, unit) = try Quantity.split(text), unit.isEmpty else { return nil }
      guard let value = Value(exactly: count), range.contains(value) else {
        throw Complaint(message: "`\(text)` is outside \(bounds)")
      }
      return value
    }
  }
}

extension Kind where Value == Bool {
  static let flag = flag(synonyms: [:])

  /// `synonyms` are other products' words, which are not accepted, but understood.
  static func flag(synonyms: [String: Bool]) -> Kind {
    .text("`true` or `false`", expected: "`true` or `false`") { text throws(Complaint) in
      switch text {
      case "true", "yes", "on": return true
      case "false", "no", "off": return false
      default:
        guard let meant = synonyms[text] else { return nil }
        throw Complaint(
          message: "expected `true` or `false`, found `\(Node.shortened(text))`", suggestion: "Did you mean `\(meant)`?"
        )
      }
    }
  }
}

extension Kind where Value: RawRepresentable<String> & CaseIterable & SendableMetatype {
  /// One of the cases' words.
  static var word: Kind {
    let words = Value.allCases.map(\.rawValue)
    let quoted = words.map { "`\($0)`" }.joined(separator: ", ")
    let expected = words.count == 1 ? quoted : "one of \(quoted)"
    return .text(quoted, expected: expected, write: \.rawValue) { text throws(Complaint) in
      if let value = Value(rawValue: text) { return value }
      guard let near = Suggestion.nearest(to: text, among: words) else { return nil }
      throw Complaint(
        message: "expected \(expected), found `\(Node.shortened(text))`", suggestion: "Did you mean `\(near)`?")
    }
  }
}

extension Kind where Value == String {
  /// A file path, recorded as a reference of the configuration.
  static func path(_ purpose: FileReference.Purpose, _ suggestion: String? = nil) -> Kind {
    Kind(
      name: "path", expected: "a path",
      read: { node, reader in
        guard case .scalar(let text, _) = node.content, !text.isEmpty else {
          if case .refused = node.content { return nil }
          reader.error("expected a path, found \(node.found)", at: node.mark, suggestion)
          return nil
        }
        if let complaint = Credential.complaint(about: text, as: purpose) {
          reader.error(complaint.message, at: node.mark, complaint.suggestion)
          return nil
        }
        let path = reader.resolve(path: text)
        reader.add(purpose, path: path, mark: node.mark)
        return path
      },
      write: { $0 })
  }

  /// A text that is validated and stored unchanged.
  static func matching(
    _ name: String, expected: String, _ isGood: @escaping @Sendable (String) -> Bool
  ) -> Kind {
    .text(name, expected: expected) { text throws(Complaint) in isGood(text) ? text : nil }
  }
}
