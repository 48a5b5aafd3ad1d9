import Testing

@testable import Doctor

@Suite struct `What systemd says` {
  @Test(arguments: [
    (["[Match]\nName=eth0\n[Network]\nKeepConfiguration=yes\n"], true),
    (["[Network]\nKeepConfiguration = true\n"], true),
    (["[Network]\nKeepConfiguration=static\n"], false),
    (["[Network]\nAddress=192.0.2.11/24\n"], false),
    (["[Link]\nKeepConfiguration=yes\n"], false),
    (["[Network]\n#KeepConfiguration=yes\n"], false),
    (["[Network]\n", "[Network]\nKeepConfiguration=yes\n"], true),
    (["[Network]\nKeepConfiguration=yes\n", "[Network]\nKeepConfiguration=no\n"], false),
    ([], false),
  ])
  func `networkd keeps addresses that it did not set if its files say so`(texts: [String], keeps: Bool) {
    #expect(NetworkFile(texts).keepsAddresses == keeps)
  }

  @Test func `the files of an interface are those in its state`() {
    let state = """
      # This is private data. Do not parse.
      ADMIN_STATE=configured
      NETWORK_FILE=/etc/systemd/network/10-lan.network
      NETWORK_FILE_DROPINS="/etc/systemd/network/10-lan.network.d/a.conf /run/b.conf"
      DNS=192.0.2.1
      """
    #expect(
      NetworkFile.paths(inState: state) == [
        "/etc/systemd/network/10-lan.network", "/etc/systemd/network/10-lan.network.d/a.conf", "/run/b.conf",
      ])
    #expect(NetworkFile.paths(inState: "ADMIN_STATE=unmanaged\n").isEmpty)
  }

  @Test func `the unit's sandbox is that of a command, with its folders as paths that exist`() {
    let shown = """
      LoadState=loaded
      ProtectHome=yes
      PrivateTmp=yes
      InaccessiblePaths=
      LoadCredential=view.key:/etc/belvedere/tls/view.key
      StateDirectory=belvedere belvedere/worker
      LogsDirectory=belvedere:logs
      Nice=-10
      """
    #expect(
      UnitSandbox(shown).options == [
        "--property=ProtectHome=yes", "--property=PrivateTmp=yes",
        "--property=LoadCredential=view.key:/etc/belvedere/tls/view.key",
        "--property=ReadWritePaths=-/var/lib/belvedere -/var/lib/belvedere/worker",
        "--property=ReadWritePaths=-/var/log/belvedere",
      ])
  }

  @Test func `without the unit there is no sandbox`() {
    #expect(UnitSandbox("LoadState=not-found\nProtectHome=no\n").options == nil)
    #expect(UnitSandbox("").options == nil)
  }
}
