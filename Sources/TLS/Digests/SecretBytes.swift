import COpenSSL
import Glibc
import Linux
import Wire

/// Secret bytes: zeroed in `deinit`. Fixed size, never copied.
@safe struct SecretBytes: ~Copyable, @unchecked Sendable {
  private let buffer: UnsafeMutableRawBufferPointer

  /// `count` zero bytes.
  init(count: Int) {
    // SAFETY: `count` bytes, all initialised here, owned by this value until `deinit` frees them.
    unsafe buffer = .allocate(byteCount: count, alignment: 16)
    unsafe buffer.initializeMemory(as: UInt8.self, repeating: 0)
  }

  /// A copy of the bytes.
  init(copying bytes: [UInt8]) {
    self.init(count: bytes.count)
    // SAFETY: both have the same count.
    unsafe buffer.copyBytes(from: bytes)
  }

  /// The contents of a file. More than `limit` bytes is EFBIG. Does not wait for a writer when the path is a pipe.
  init(contentsOf path: String, limit: Int) throws(SystemError) {
    // SAFETY: the path is a C string for the length of the call.
    let file = try Descriptor(unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), of: "open \(path)")
    let contents = SecretBytes(count: limit + 1)
    var filled = 0
    while filled < contents.count {
      let count = unsafe contents.withBytes { buffer in
        // SAFETY: `filled` is below the buffer's size; the rest of the buffer is the bound.
        retryingInterrupts { unsafe read(file.number, buffer.baseAddress?.advanced(by: filled), buffer.count - filled) }
      }
      guard count >= 0 else { throw SystemError("read \(path)") }
      guard count > 0 else { break }
      filled += count
    }
    guard filled <= limit else { throw SystemError("read \(path)", code: EFBIG) }
    self.init(count: filled)
    write(contents, at: 0)
  }

  /// Decodes hexadecimal digits of either case, with or without white space between them; nil for anything else, and for
  /// more or fewer than `count` bytes.
  init?(hexadecimal digits: Span<UInt8>, count: Int) {
    self.init(count: count)
    var found = 0
    for index in digits.indices where !digits[index].isWhiteSpace {
      guard let value = digits[index].hexadecimalDigit, found < 2 * count else { return nil }
      // SAFETY: `found / 2` is below the count.
      unsafe withBytes { unsafe $0[found / 2] = $0[found / 2] << 4 | value }
      found += 1
    }
    guard found == 2 * count else { return nil }
  }

  deinit {
    // SAFETY: allocated in `init`, owned by this value alone.
    unsafe OPENSSL_cleanse(buffer.baseAddress, buffer.count)
    unsafe buffer.deallocate()
  }

  var count: Int {
    // SAFETY: the count is read, not the bytes.
    unsafe buffer.count
  }

  /// Valid as long as this value.
  var bytes: Span<UInt8> {
    @_lifetime(borrow self)
    borrowing get {
      // SAFETY: all bytes are initialised, and the span lives no longer than this borrow.
      let span = unsafe Span<UInt8>(_unsafeBytes: UnsafeRawBufferPointer(buffer))
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Overwrites bytes from `start` on with those of `other`, as far as there is room.
  func write(_ other: borrowing SecretBytes, at start: Int) {
    // SAFETY: the slices are inside the two allocations, which do not overlap; the shorter one limits the copy.
    unsafe other.withBytes { source in
      let target = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[start...])
      unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source.prefix(target.count)))
    }
  }

  /// Passes the bytes to `body`, valid for the call.
  func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // SAFETY: the bytes are valid as long as `self`, which is borrowed for the call.
    try unsafe body(buffer)
  }
}

extension UInt8 {
  /// SP, HTAB or CR.
  var isWhiteSpace: Bool { self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") || self == UInt8(ascii: "\r") }
}
