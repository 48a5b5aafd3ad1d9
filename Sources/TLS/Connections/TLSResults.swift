/// How far the handshake came.
public enum HandshakeProgress: Sendable {
  /// Finished: application bytes may be read and written.
  case done
  /// Call again when the socket became readable.
  case wantsRead
  /// Call again when the socket became writable.
  case wantsWrite
  /// There is more to read than one call takes. Call again when others have had their turn; no event will say so.
  case yield
  /// Over. OpenSSL has tried to send the alert that says so; close the descriptor.
  case failed(TLSFailure)
}

/// What one read of application bytes gave.
public enum TLSReadResult: Sendable {
  /// This many bytes (one or more) were appended.
  case bytes(Int)
  /// Nothing now. Call again when `mayRead` says so, after the next event.
  case wouldBlock
  /// None of what was looked at is for the application, and there is more. Call again when others have had their turn;
  /// no event will say so.
  case yield
  /// The peer ended its direction with close_notify (RFC 8446 §6.1); ours still works.
  case closed
  /// The stream ended without close_notify: what came before may have been cut by anybody (RFC 8446 §6.1).
  case truncated
  /// The connection is broken for both directions.
  case failed(TLSFailure)
}

/// What one write of application bytes took.
public enum TLSWriteResult: Sendable {
  /// This many of the offered bytes are taken: the first ones, possibly not all.
  case bytes(Int)
  /// Nothing is taken yet. The next call must offer the same bytes again (more may follow them; they may have moved):
  /// a record made of them is already waiting.
  case wouldBlock
  /// Nothing more can be written. Reading still gives what had come before, and then fails.
  case failed(TLSFailure)
}

/// How far our close_notify came.
public enum TLSCloseResult: Sendable {
  /// It is in the socket's buffer, or will never be, because the handshake had not finished.
  case sent
  /// Call again when the socket became writable.
  case wouldBlock
  case failed(TLSFailure)
}
