import Testing

@testable import Linux

@Suite struct `Resources of the machine` {
  @Test func `the range of source ports is the kernel's`() {
    #expect(Machine.sourcePorts(in: "32768\t60999") == 32_768...60_999)
    for text in ["", "1", "2 1", "a b", "0 65536", "1 2 3"] { #expect(Machine.sourcePorts(in: text) == nil) }
  }

  @Test func `the memory limit of a control group includes its parents' limits`() {
    #expect(
      Machine.memoryFiles(in: "4:memory:/x\n0::/system.slice/belvedere.service\n") == [
        "/sys/fs/cgroup/system.slice/memory.max", "/sys/fs/cgroup/system.slice/belvedere.service/memory.max",
      ])
    for text in ["", "0::/", "0::/\n", "1:name=systemd:/a"] { #expect(Machine.memoryFiles(in: text) == []) }
  }

  @Test func `this machine has a value for each resource`() throws {
    #expect(try #require(Machine.memoryBound) > 1_000_000)
    #expect(Machine.sourcePorts?.isEmpty == false)
    #expect(CurrentProcess.openFileLimit > 0 && CurrentProcess.openFileLimit <= CurrentProcess.openFileMaximum)
  }
}
