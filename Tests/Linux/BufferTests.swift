import Testing

@testable import Linux

@Suite("A buffer")
struct BufferTests {
  private func contents(of buffer: borrowing Buffer) -> [UInt8] {
    let bytes = buffer.bytes
    return (0..<bytes.count).map { bytes[$0] }
  }

  @Test("takes all of another in exchange for its storage, with its own bytes in front")
  func takesAll() {
    var pool = BufferPool()
    var head = Buffer()
    var body = Buffer()
    pool.lease(&head)
    pool.lease(&body)
    head.append("longer: head")
    head.consume(8)
    body.append("head: old\r\nbody")
    body.consume(4)
    let taken = head.takeAll(of: &body)
    let (mine, theirs) = (contents(of: head), contents(of: body))
    #expect(taken)
    #expect(mine == Array("head: old\r\nbody".utf8))
    #expect(theirs == [])

    body.append("again")
    head.append(".")
    let (after, afterwards) = (contents(of: head), contents(of: body))
    #expect(after == mine + [UInt8(ascii: ".")])
    #expect(afterwards == Array("again".utf8))
    let room = (head.room, body.room)
    #expect(room == (Buffer.capacity - 16, Buffer.capacity - 5))
  }

  @Test("takes nothing where less was consumed than it has to put there, and nothing without storage")
  func takesNothing() {
    var pool = BufferPool()
    var head = Buffer()
    var body = Buffer()
    let withoutStorage = head.takeAll(of: &body)
    pool.lease(&head)
    let fromNowhere = head.takeAll(of: &body)
    pool.lease(&body)
    head.append("12345")
    body.append("1234body")
    body.consume(4)
    let withoutRoom = head.takeAll(of: &body)
    let (mine, theirs) = (contents(of: head), contents(of: body))
    #expect([withoutStorage, fromNowhere, withoutRoom] == [false, false, false])
    #expect(mine == Array("12345".utf8))
    #expect(theirs == Array("body".utf8))
  }

  @Test("gets a larger piece with what it holds, once, and keeps it no longer than it is leased")
  func enlarges() {
    var pool = BufferPool()
    var buffer = Buffer()
    pool.lease(&buffer)
    buffer.append("gone: head")
    buffer.consume(6)
    pool.enlarge(&buffer)
    let moved = contents(of: buffer)
    #expect(moved == Array("head".utf8))
    let room = buffer.room
    #expect(room == Buffer.largeCapacity - 4 && buffer.isLarge)
    pool.enlarge(&buffer)
    let again = (contents(of: buffer), buffer.room)
    #expect(again == (moved, room))

    buffer.overwrite(at: 1, with: UInt8(ascii: "E"))
    buffer.append(";")
    let whole = contents(of: buffer)
    #expect(whole == Array("hEad;".utf8))
    pool.giveBack(&buffer)
    let (count, left) = (buffer.count, buffer.room)
    #expect(count == 0 && left == 0 && !buffer.isLarge && !buffer.isLeased)
    pool.lease(&buffer)
    let ordinary = buffer.room
    #expect(ordinary == Buffer.capacity && !buffer.isLarge)
    pool.giveBack(&buffer)
    // A buffer without storage allocates a large block at once.
    pool.enlarge(&buffer)
    let fresh = buffer.room
    #expect(fresh == Buffer.largeCapacity)
  }

  @Test("and another exchange storage of different sizes")
  func exchangesSizes() {
    var pool = BufferPool()
    var head = Buffer()
    var body = Buffer()
    pool.enlarge(&head)
    pool.lease(&body)
    body.append("1234body")
    body.consume(4)
    head.append("head")
    let taken = head.takeAll(of: &body)
    let (mine, sizes) = (contents(of: head), (head.room, body.room))
    #expect(taken && mine == Array("headbody".utf8))
    #expect(sizes == (Buffer.capacity - 8, Buffer.largeCapacity))
    #expect(!head.isLarge && body.isLarge)
  }
}
