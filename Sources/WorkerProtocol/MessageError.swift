/// Why a message between the roles is not one. Whatever it is, the link is given up: both roles are one binary, so a
/// message that does not read is a fault of ours or a worker that was taken over.
package enum MessageError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The message ended before its fields did.
  case truncated
  /// Bytes are left behind the last field.
  case trailingBytes
  /// The first byte names no message of this direction.
  case unknownKind(UInt8)
  /// The field of this name has a value that it can't have.
  case invalidField(String)
  /// The message must come with a descriptor and came without, or the other way round.
  case descriptor(missing: Bool)
  /// The other role speaks another version of the messages.
  case version(theirs: UInt16)
  /// A message that is in order by itself came at the wrong time.
  case unexpected(String)

  package var description: String {
    switch self {
    case .truncated: "a message is cut short"
    case .trailingBytes: "a message is too long"
    case .unknownKind(let kind): "there is no message of kind \(kind)"
    case .invalidField(let name): "a message's \(name) is out of range"
    case .descriptor(missing: true): "a message came without its descriptor"
    case .descriptor(missing: false): "a message came with a descriptor that does not belong to it"
    case .version(let theirs):
      "supervisor and worker are of different builds: the other speaks version \(theirs) of their messages, this one "
        + "version \(MessageVersion.current); restart belvedere"
    case .unexpected(let message): "the message “\(message)” came at the wrong time"
    }
  }
}

/// The version of the messages between supervisor and worker. It changes with any change to any of them.
package enum MessageVersion {
  package static let current: UInt16 = 8
}
