import COpenSSL

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

  deinit {
    // SAFETY: allocated in `init`, owned by this value alone.
    unsafe OPENSSL_cleanse(buffer.baseAddress, buffer.count)
    unsafe buffer.deallocate()
  }

  var count: Int {
    // SAFETY: the count is read, not the bytes.
    unsafe buffer.count
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
