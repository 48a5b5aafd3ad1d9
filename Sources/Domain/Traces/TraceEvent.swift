import Wire

/// What a trace reports: something that happened to a client, with the facts about it.
public struct TraceEvent: Hashable, Sendable {
  /// What has happened.
  public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
    /// The first event of a connection.
    case connected = 1
    /// The connection was not accepted.
    case refused
    /// The TLS handshake is complete.
    case secured
    case handshakeFailed
    /// A request, or a relayed connection, has a server, or there is none for it.
    case placed
    /// A request, a tunnel or a flow of datagrams has ended.
    case request
    case closed
    /// The connection's TLS secrets, for the file that was asked for.
    case secrets
    /// Events were left out, because there were too many.
    case lost
    /// The worker has ended, with all connections.
    case workerEnded
    /// All loops of the worker report from now on.
    case began
    /// The trace is over; the last event.
    case ended
  }

  /// What a fact is about.
  public enum Key: UInt8, Hashable, Sendable, CaseIterable {
    /// The connected client's address and port.
    case client = 1
    /// The client that a trusted proxy names.
    case forwardedFor
    case port, service, server, reason
    /// Of a request, on its connection.
    case number
    /// As in the access log.
    case requestLine
    case status, bytesToClient, bytesFromClient
    /// Milliseconds.
    case requestTime, queueTime, connectTime, responseTime, activeTime
    /// As in the access log.
    case termination
    case retries, redispatched
    /// Of requests or events.
    case count
    case tlsVersion, cipher, group, serverName, isResumed
    /// The connection is older than the trace.
    case isEarlier
    /// Lines in the format of SSLKEYLOGFILE.
    case secrets
    /// The rule of `access` that has refused a client, as in the access log.
    case rule
    /// The subject of the client's certificate.
    case certificate
    /// SHA-256 of that certificate.
    case fingerprint
    /// Who has closed the connection: `client` or `belvedere`.
    case by
    /// The name of the counter of a failed handshake, as in `counters.handshakes.failures`.
    case failure
    /// The number of a flow of datagrams.
    case flow
  }

  /// What a fact says.
  public enum Value: Hashable, Sendable {
    case text(String)
    case number(UInt64)
    case flag(Bool)
  }

  /// A fact about the event.
  public struct Fact: Hashable, Sendable {
    public var key: Key
    public var value: Value

    public init(_ key: Key, _ value: Value) {
      self.key = key
      self.value = value
    }
  }

  public var kind: Kind
  public var time: WallTime
  /// At most one of a key, at most `factLimit`.
  public var facts: [Fact]

  public init(_ kind: Kind, at time: WallTime, _ facts: [Fact] = []) {
    self.kind = kind
    self.time = time
    self.facts = facts
  }

  /// The value of a fact.
  public subscript(key: Key) -> Value? { facts.first { $0.key == key }?.value }

  /// The text of a fact.
  public func text(_ key: Key) -> String? {
    guard case .text(let text)? = self[key] else { return nil }
    return text
  }

  /// The number of a fact.
  public func number(_ key: Key) -> UInt64? {
    guard case .number(let number)? = self[key] else { return nil }
    return number
  }

  /// Whether a fact is a flag that is set.
  public func flag(_ key: Key) -> Bool { self[key] == .flag(true) }
}

// The bytes of an event in both protocols, between the processes and to the command: its kind in 8 bits, its time in
// milliseconds in 64 bits, the number of facts in 8 bits; for each the key and the type of the value in 8 bits each, then
// for a text its length in 16 bits and UTF-8, for a number 64 bits, for a flag 8 bits. Numbers are big-endian.

extension TraceEvent {
  /// The most facts of an event.
  public static let factLimit = 24
  /// Of most texts; of a request line, secrets, a certificate's subject, and a reason, which may name the subject and the
  /// issuer of a certificate before what is wrong with it, `longTextLimit`.
  static let textLimit = 384
  static let longTextLimit = 3072

  private enum Tag: UInt8 { case text = 1, number, flag }

  /// Appends the event's bytes; long texts are cut.
  public func append(to writer: inout ByteWriter) {
    writer.append(kind.rawValue)
    writer.append(bigEndian: time.milliseconds)
    let facts = facts.prefix(Self.factLimit)
    writer.append(UInt8(facts.count))
    for fact in facts {
      writer.append(fact.key.rawValue)
      switch fact.value {
      case .text(let text):
        let text = Self.cut(text, to: fact.key.limit)
        writer.append(Tag.text.rawValue)
        writer.append(bigEndian: UInt16(text.utf8.count))
        for byte in text.utf8 { writer.append(byte) }
      case .number(let number):
        writer.append(Tag.number.rawValue)
        writer.append(bigEndian: number)
      case .flag(let flag):
        writer.append(Tag.flag.rawValue)
        writer.append(flag ? 1 : 0 as UInt8)
      }
    }
  }

  /// Reads an event.
  public init(reading reader: inout ByteReader) throws(FieldError) {
    guard let kind = Kind(rawValue: try Self.byte(&reader)) else { throw .invalidField("event") }
    self.kind = kind
    guard let time = WallTime(exactMilliseconds: try Self.number(&reader)) else { throw .invalidField("time") }
    self.time = time
    let count = try Self.byte(&reader)
    guard count <= Self.factLimit else { throw .invalidField("number of facts") }
    facts = []
    var known: Set<Key> = []
    for _ in 0..<count {
      guard let key = Key(rawValue: try Self.byte(&reader)), known.insert(key).inserted else {
        throw .invalidField("fact")
      }
      facts.append(Fact(key, try Self.value(of: key, &reader)))
    }
  }

  private static func value(of key: Key, _ reader: inout ByteReader) throws(FieldError) -> Value {
    switch Tag(rawValue: try byte(&reader)) {
    case .text:
      let bytes: [UInt8]
      do {
        let count = Int(try reader.readUInt16())
        guard count <= key.limit else { throw FieldError.invalidField("text") }
        bytes = try reader.readArray(count)
      } catch { throw error as? FieldError ?? .truncated }
      guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalidField("text") }
      return .text(text)
    case .number: return .number(try number(&reader))
    case .flag:
      let flag = try byte(&reader)
      guard flag < 2 else { throw .invalidField("flag") }
      return .flag(flag == 1)
    case nil: throw .invalidField("type")
    }
  }

  private static func byte(_ reader: inout ByteReader) throws(FieldError) -> UInt8 {
    do { return try reader.readUInt8() } catch { throw .truncated }
  }

  private static func number(_ reader: inout ByteReader) throws(FieldError) -> UInt64 {
    do { return try reader.readUInt64() } catch { throw .truncated }
  }

  private static func cut(_ text: String, to limit: Int) -> Substring {
    guard text.utf8.count > limit else { return text[...] }
    var end = text.utf8.index(text.startIndex, offsetBy: limit)
    while end > text.startIndex, text.utf8[end] & 0xc0 == 0x80 { end = text.utf8.index(before: end) }
    return text[..<end]
  }
}

extension TraceEvent.Key {
  fileprivate var limit: Int {
    switch self {
    case .requestLine, .secrets, .certificate, .reason: TraceEvent.longTextLimit
    default: TraceEvent.textLimit
    }
  }
}
