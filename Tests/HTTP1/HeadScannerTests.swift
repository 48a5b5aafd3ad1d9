import HTTP1
import Testing

struct HeadScannerTests {
  let limits = HeadLimits()

  @Test func `a complete head is parsed at once`() {
    var scanner = HeadScanner()
    #expect(scanner.wants(request("A: b")) == true)
  }

  @Test func `a head that arrives byte by byte is parsed at its first and last byte only`() {
    for head in [request("A: b"), "\r\n" + request("A: b"), request()] {
      let input = bytes(head)
      var scanner = HeadScanner()
      var parsed: [Int] = []
      for length in 1...input.count where scanner.isWorthParsing(input.span.extracting(first: length), limits: limits) {
        parsed.append(length)
      }
      #expect(parsed == [1, input.count])
    }
  }

  @Test func `without new bytes nothing is parsed`() {
    var scanner = HeadScanner()
    #expect(scanner.wants("") == false)
    #expect(scanner.wants("GET") == true)
    #expect(scanner.wants("GET") == false)
    #expect(scanner.wants("GET /") == false)
  }

  @Test(arguments: ["\n\n", "\r\n\n", "\n\r\n"])
  func `bytes that a lenient parser takes for an empty line are parsed, and refused`(end: String) {
    var scanner = HeadScanner()
    #expect(scanner.wants("GET / HTTP/1.0") == true)
    #expect(scanner.wants("GET / HTTP/1.0" + end) == true)
    #expect(parseRequest("GET / HTTP/1.0" + end).rejection == .bareLineFeed)
  }

  @Test func `a head at its limit is parsed, and refused`() {
    var scanner = HeadScanner()
    let small = HeadLimits(bytes: 20)
    #expect(scanner.wants("GET /", limits: small) == true)
    #expect(scanner.wants("GET /23456789012345", limits: small) == false)
    #expect(scanner.wants("GET /234567890123456", limits: small) == true)
    #expect(parseRequest("GET /234567890123456", limits: small).rejection == .targetTooLong)
  }
}
