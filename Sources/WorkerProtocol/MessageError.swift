/// Why a message between supervisor and worker is invalid. The connection is closed in each case: both processes run
/// the same binary, so an invalid message is a bug, or the worker has been compromised.
package enum MessageError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The message ended within its fields.
  case truncated
  /// There are bytes after the last field.
  case trailingBytes
  /// The first byte is not a message kind of this direction.
  case unknownKind(UInt8)
  /// The field with this name has an invalid value.
  case invalidField(String)
  /// The message requires a descriptor and has none, or the reverse.
  case descriptor(missing: Bool)
  /// The other process has another protocol version.
  case version(theirs: UInt16)
  /// A valid message was received in the wrong state.
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

/// The version of the protocol between supervisor and worker. It is incremented with any change to any message.
package enum MessageVersion {
  package static let current: UInt16 = 14
}
