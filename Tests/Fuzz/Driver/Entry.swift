import Glibc

private let chosen: @Sendable ([UInt8]) throws -> Void = {
  // SAFETY: nothing in this process sets the environment.
  let name = unsafe getenv("FUZZ_TARGET").map { unsafe String(cString: $0) }
  guard let property = properties.first(where: { $0.name == name }) else {
    fatalError("FUZZ_TARGET is none of \(properties.map(\.name).joined(separator: " "))")
  }
  return property.check
}()

/// What libFuzzer, whose `main` is the program's, calls with each input.
@c(LLVMFuzzerTestOneInput)
func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  // SAFETY: libFuzzer hands `count` bytes at `data`, which may be null when there are none.
  let bytes = unsafe [UInt8](UnsafeBufferPointer(start: data, count: count))
  do {
    try chosen(bytes)
  } catch {
    fatalError("\(error)")
  }
  return 0
}
