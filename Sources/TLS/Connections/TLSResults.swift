/// The progress of the handshake.
public enum HandshakeProgress: Sendable {
  /// Complete: application data can be read and written.
  case done
  /// Call again when the socket is readable.
  case wantsRead
  /// Call again when the socket is writable.
  case wantsWrite
  /// There is more to read than one call takes. Call again after other connections; there will be no event.
  case yield
  /// Failed. OpenSSL has tried to send the alert; close the descriptor.
  case failed(TLSFailure)
}

/// The result of a read of application data.
public enum TLSReadResult: Sendable {
  /// This many bytes (one or more) were appended.
  case bytes(Int)
  /// No data now. Call again when `mayRead` is true, after the next event.
  case wouldBlock
  /// No application data was found, and there is more to read. Call again after other connections; there will be no
  /// event.
  case yield
  /// The peer closed its direction with close_notify (RFC 8446 §6.1); ours still works.
  case closed
  /// The stream ended without close_notify: the data may have been truncated by an attacker (RFC 8446 §6.1).
  case truncated
  /// The connection is broken in both directions.
  case failed(TLSFailure)
}

/// The result of a write of application data.
public enum TLSWriteResult: Sendable {
  /// The number of bytes accepted, possibly not all.
  case bytes(Int)
  /// No bytes were accepted. The next call must pass the same bytes (more may follow; the address may change): they are
  /// in a pending record.
  case wouldBlock
  /// Writing is no longer possible. Received data can still be read; then reads fail.
  case failed(TLSFailure)
}

/// The result of sending close_notify.
public enum TLSCloseResult: Sendable {
  /// It is in the socket's buffer, or is not sent because the handshake was not complete.
  case sent
  /// Call again when the socket is writable.
  case wouldBlock
  case failed(TLSFailure)
}
