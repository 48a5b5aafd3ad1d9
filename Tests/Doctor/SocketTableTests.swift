import Testing
import Wire

@testable import Doctor

@Suite struct `Facts from the text of the kernel` {
  private static let tcp = """
      sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
       0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 4711 1 0000 100 0 0 10 0
       1: 0100007F:01BB 0100007F:D431 01 00000000:00000000 00:00000000 00000000   101        0 4712 1 0000 100 0 0 10 0
    """
  private static let tcp6 = """
      sl  local_address                         remote_address                        st
       0: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4713 1
       1: B80D0120000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4714 1
       2: malformed
    """

  private func table() -> SocketTable {
    var table = SocketTable()
    table.add(Self.tcp, isTCP: true)
    table.add(Self.tcp6, isTCP: true)
    return table
  }

  @Test func `listening sockets are read with their addresses, and others are not`() throws {
    #expect(
      table().entries == [
        SocketTable.Entry(address: try IPAddress(parsing: "127.0.0.1"), port: 8080, inode: 4711),
        SocketTable.Entry(address: try IPAddress(parsing: "::"), port: 443, inode: 4713),
        SocketTable.Entry(address: try IPAddress(parsing: "2001:db8::1"), port: 80, inode: 4714),
      ])
  }

  @Test(
    arguments: [
      ("127.0.0.1", 8080, [4711]), ("127.0.0.2", 8080, []), (nil, 8080, [4711]), ("192.0.2.1", 443, [4713]),
      ("::", 80, [4714]), ("127.0.0.1", 8081, []),
    ] as [(String?, UInt16, [UInt64])])
  func `a socket prevents listening at its address, and at every address`(
    address: String?, port: UInt16, inodes: [UInt64]
  ) throws {
    let address = try address.map { try IPAddress(parsing: $0) }
    #expect(table().holders(of: port, at: address).map(\.inode) == inodes)
  }

  @Test func `sockets of UDP are those without a peer`() {
    var table = SocketTable()
    table.add(
      """
        sl  local_address rem_address   st
         0: 00000000:104C 00000000:0000 07 0:0 00:0 0 0 0 4715 2
         1: 0100007F:104C 0100007F:0035 01 0:0 00:0 0 0 0 4716 2
      """, isTCP: false)
    #expect(table.entries.map(\.inode) == [4715])
  }

  @Test func `the hard limit of open files is read`() {
    let text = """
      Limit                     Soft Limit           Hard Limit           Units
      Max processes             127235               127235               processes
      Max open files            1024                 524288               files
      """
    #expect(ProcessText.openFiles(in: text) == 524_288)
    #expect(ProcessText.openFiles(in: text.replacing("524288", with: "unlimited")) == .max)
    #expect(ProcessText.openFiles(in: "") == nil)
  }

  @Test func `scheduling is read behind a name with brackets and spaces`() {
    let start = "812 (a ) b) S 1 812 812 0 -1 4194560 1 0 0 0 0 0 0 0 "
    let middle = " 5 0 100 1000 10 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 "
    #expect(ProcessText.scheduling(in: start + "10 -10" + middle + "0 0 0 0\n") == .nice(-10))
    #expect(ProcessText.scheduling(in: start + "20 0" + middle + "2 0 0 0\n") == .realtime)
    #expect(ProcessText.scheduling(in: "812 (a) S 1") == nil)
    #expect(ProcessText.scheduling(in: "") == nil)
  }

  @Test func `problems are read from what check prints`() {
    let problems = ProcessText.problems(
      in: """
        b.yaml:3:9: error: view.pem: can't be used: Permission denied (EACCES)
            3 | tls: { certificate: view.pem }
              |        ^~~~~~~~~~~
              = chgrp belvedere view.pem
        b.yaml:4:1: warning: no certificate is for the service name
        warning: limits: too few
        1 error: the configuration is refused
        """)
    #expect(problems.map(\.isError) == [true, false, false])
    #expect(problems.first?.text == "b.yaml:3:9: view.pem: can't be used: Permission denied (EACCES)")
    #expect(problems.first?.fix == "chgrp belvedere view.pem")
    #expect(problems.last?.text == "limits: too few")
  }
}
