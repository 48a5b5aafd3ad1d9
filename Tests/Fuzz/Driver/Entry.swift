import Glibc
import Properties

/// One fuzzer for every parser: the property is chosen by its name in the environment.
private let chosen: Property = {
  // SAFETY: nothing in this process sets the environment.
  let name = unsafe getenv("FUZZ_TARGET").map { unsafe String(cString: $0) }
  guard let property = Property.all.first(where: { $0.name == name }) else {
    fatalError("FUZZ_TARGET is none of \(Property.all.map(\.name).joined(separator: " "))")
  }
  return property
}()

/// The entry point that libFuzzer, which has `main`, calls with each input.
@c(LLVMFuzzerTestOneInput)
func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  // SAFETY: libFuzzer hands `count` bytes at `data`, which may be null when there are none.
  let bytes = unsafe [UInt8](UnsafeBufferPointer(start: data, count: count))
  do {
    try chosen.check(bytes)
  } catch {
    fatalError("\(error)")
  }
  return 0
}
