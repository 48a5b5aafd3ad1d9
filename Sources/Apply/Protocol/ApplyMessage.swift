import Wire

/// What the node where `belvedere apply` was typed asks of another one.
package enum ApplyRequest: Hashable, Sendable {
  /// The first message of a connection. `change` is the requester's random name of the change: with the name of one
  /// that the receiver has, the connection goes on with it. `node` is the receiver's name in `pair.nodes`.
  case begin(change: UInt64, node: String)
  /// The text of the configuration; files may follow.
  case configuration([UInt8])
  case file(ApplyFile)
  /// Check what was sent. Nothing is changed.
  case check
  /// Write the files and reload.
  case takeOver
  /// The requester is at work at other nodes.
  case hold
  /// Keep the new files: the end of the change.
  case confirm
  /// Put the old files back and reload: the end of the change.
  case putBack
}

/// The receiver's answer to one request.
package enum ApplyAnswer: Hashable, Sendable {
  /// To `begin`, `configuration`, `file` and `hold`.
  case ready
  /// What was sent can be used here. `isActive`: the node holds a virtual address.
  case checked(isActive: Bool, warnings: [String])
  /// The node serves with the number of a configuration.
  case tookOver(configuration: UInt64, warnings: [String])
  case confirmed
  /// The old files are in use.
  case restored
  /// The reasons. After `takeOver` the old files are in use again, unless a reason says otherwise.
  case refused([String])
}

/// Why bytes are not a message.
package enum ApplyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The other end speaks another protocol, or another version of it.
  case version
  /// A message is longer than allowed at its place.
  case tooLong(Int)
  /// A message's digest is wrong.
  case digest
  case malformed

  package var description: String {
    switch self {
    case .version: "it does not speak this version of the protocol"
    case .tooLong(let count): "a message of \(count) bytes is too long"
    case .digest: "its messages are not signed with this apply key"
    case .malformed: "it sent an invalid message"
    }
  }
}

extension ApplyRequest {
  private enum Kind: UInt8 { case begin = 1, configuration, file, check, takeOver, hold, confirm, putBack }

  package var encoded: [UInt8] {
    var writer = ByteWriter(limit: SignedStream.payloadLimit)
    func add(_ kind: Kind) { writer.append(kind.rawValue) }
    switch self {
    case .begin(let change, let node):
      add(.begin)
      writer.append(bigEndian: change)
      writer.append(text: node)
    case .configuration(let text):
      add(.configuration)
      writer.append(text.span)
    case .file(let file):
      add(.file)
      writer.append(text: file.path)
      writer.append(file.contents.span)
    case .check: add(.check)
    case .takeOver: add(.takeOver)
    case .hold: add(.hold)
    case .confirm: add(.confirm)
    case .putBack: add(.putBack)
    }
    return writer.bytes
  }

  /// Decodes a message.
  package init(decoding bytes: [UInt8]) throws(ApplyError) {
    self = try decoding(bytes) { reader throws in
      guard let kind = Kind(rawValue: try reader.readUInt8()) else { throw ApplyError.malformed }
      switch kind {
      case .begin: return .begin(change: try reader.readUInt64(), node: try reader.readText())
      case .configuration:
        let text = reader.readRest()
        guard text.count <= ApplyProposal.fileBytes else { throw ApplyError.malformed }
        return .configuration(text)
      case .file:
        guard let file = ApplyFile(path: try reader.readText(), contents: reader.readRest()) else {
          throw ApplyError.malformed
        }
        return .file(file)
      case .check: return .check
      case .takeOver: return .takeOver
      case .hold: return .hold
      case .confirm: return .confirm
      case .putBack: return .putBack
      }
    }
  }
}

extension ApplyAnswer {
  private enum Kind: UInt8 { case ready = 1, checked, tookOver, confirmed, restored, refused }

  /// Texts are cut short where they are too many or too long.
  package var encoded: [UInt8] {
    var writer = ByteWriter(limit: SignedStream.payloadLimit)
    func add(_ kind: Kind) { writer.append(kind.rawValue) }
    switch self {
    case .ready: add(.ready)
    case .checked(let isActive, let warnings):
      add(.checked)
      writer.append(isActive ? 1 : 0)
      writer.append(texts: warnings)
    case .tookOver(let configuration, let warnings):
      add(.tookOver)
      writer.append(bigEndian: configuration)
      writer.append(texts: warnings)
    case .confirmed: add(.confirmed)
    case .restored: add(.restored)
    case .refused(let reasons):
      add(.refused)
      writer.append(texts: reasons)
    }
    return writer.bytes
  }

  /// Decodes a message.
  package init(decoding bytes: [UInt8]) throws(ApplyError) {
    self = try decoding(bytes) { reader throws in
      guard let kind = Kind(rawValue: try reader.readUInt8()) else { throw ApplyError.malformed }
      switch kind {
      case .ready: return .ready
      case .checked:
        let flag = try reader.readUInt8()
        guard flag <= 1 else { throw ApplyError.malformed }
        return .checked(isActive: flag == 1, warnings: try reader.readTexts())
      case .tookOver: return .tookOver(configuration: try reader.readUInt64(), warnings: try reader.readTexts())
      case .confirmed: return .confirmed
      case .restored: return .restored
      case .refused: return .refused(try reader.readTexts())
      }
    }
  }
}

// Fields. A text is its length in 16 bits and UTF-8; it may have several lines.

private let textBytes = 4096
private let textLimit = 64

extension ByteWriter {
  fileprivate mutating func append(text: String) {
    var text = text[...]
    while text.utf8.count > textBytes { text.removeLast() }
    append(bigEndian: UInt16(text.utf8.count))
    append(Array(text.utf8).span)
  }

  fileprivate mutating func append(texts: [String]) {
    append(UInt8(min(texts.count, textLimit)))
    for text in texts.prefix(textLimit) { append(text: text) }
  }
}

extension ByteReader {
  fileprivate mutating func readText() throws -> String {
    let count = Int(try readUInt16())
    guard count <= textBytes, let text = try? String(copying: UTF8Span(validating: try readBytes(count))) else {
      throw ApplyError.malformed
    }
    return text
  }

  fileprivate mutating func readTexts() throws -> [String] {
    let count = Int(try readUInt8())
    guard count <= textLimit else { throw ApplyError.malformed }
    var texts: [String] = []
    for _ in 0..<count { texts.append(try readText()) }
    return texts
  }
}

private func decoding<Message>(
  _ bytes: [UInt8], _ body: (inout ByteReader) throws -> Message
) throws(ApplyError) -> Message {
  do {
    var reader = ByteReader(bytes.span)
    let message = try body(&reader)
    try reader.expectEnd()
    return message
  } catch { throw error as? ApplyError ?? .malformed }
}
