import Domain
import Wire

/// Why what another node sent is invalid. The connection is closed in each case.
package enum PairError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A message ended within its fields.
  case truncated
  /// There are bytes after the last field.
  case trailingBytes
  /// A frame is longer than `PairFrame.payloadLimit`.
  case tooLong(Int)
  /// The field with this name has an invalid value.
  case invalidField(String)
  /// A valid message was received in the wrong state.
  case unexpected(String)

  init(_ failure: ByteReader.Failure) {
    switch failure {
    case .truncated: self = .truncated
    case .trailingBytes: self = .trailingBytes
    }
  }

  init(_ error: FieldError) {
    switch error {
    case .truncated: self = .truncated
    case .invalidField(let name): self = .invalidField(name)
    }
  }

  package var description: String {
    switch self {
    case .truncated: "a message is cut short"
    case .trailingBytes: "a message is too long"
    case .tooLong(let count): "a message has \(count) bytes"
    case .invalidField(let name): "a message's \(name) is out of range"
    case .unexpected(let message): "the message “\(message)” came at the wrong time"
    }
  }
}
