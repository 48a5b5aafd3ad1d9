import Glibc
import Testing

@testable import Linux

@Suite struct `The kind of a file` {
  @Test func `folders, sockets, links and files are distinguished`() throws {
    let base = "/tmp/belvedere-status-\(getpid())"
    let (file, link, socket) = (base + ".file", base + ".link", base + ".socket")
    defer { for path in [file, link, socket] { File.remove(path) } }
    try File.replace(file, with: Array("12345".utf8).span)
    // SAFETY: both paths are C strings during the call.
    #expect(unsafe symlink("/tmp", link) == 0)
    let listener = try LocalSocket.listen(at: socket)
    #expect(FileStatus(of: "/tmp")?.isDirectory == true && FileStatus(of: link)?.isDirectory == true)
    #expect(FileStatus(ofLink: link)?.isDirectory == false && FileStatus(of: file)?.isDirectory == false)
    #expect(FileStatus(of: socket)?.isSocket == true && FileStatus(of: file)?.isSocket == false)
    #expect(FileStatus(of: listener)?.isSocket == true && FileStatus(of: socket)?.permissions == 0o660)
    #expect(FileStatus(of: file)?.size == 5 && FileStatus(of: file)?.permissions == 0o600)
    #expect(FileStatus(of: file)?.group == getegid())
    #expect(FileStatus(of: link)?.identity == FileStatus(of: "/tmp")?.identity)
    #expect(FileStatus(ofLink: link)?.identity != FileStatus(of: "/tmp")?.identity)
    #expect(FileStatus(of: base) == nil && FileStatus(ofLink: base) == nil)
  }
}
