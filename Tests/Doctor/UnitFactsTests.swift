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

  @Test func `the file of an interface is that in its state`() {
    let state = """
      # This is private data. Do not parse.
      ADMIN_STATE=configured
      NETWORK_FILE=/etc/systemd/network/10-lan.network
      DNS=192.0.2.1
      """
    #expect(NetworkFile.path(inState: state) == "/etc/systemd/network/10-lan.network")
    #expect(NetworkFile.path(inState: "ADMIN_STATE=unmanaged\n") == nil)
  }

  @Test func `the unit's sandbox is that of a command, with its folders as paths that exist`() {
    let shown = """
      LoadState=loaded
      ProtectHome=yes
      PrivateTmp=yes
      InaccessiblePaths=
      LoadCredential=[unprintable]
      StateDirectory=belvedere belvedere/worker
      LogsDirectory=belvedere:logs
      Nice=-10
      """
    #expect(
      UnitSandbox(shown).options == [
        "--property=ProtectHome=yes", "--property=PrivateTmp=yes",
        "--property=ReadWritePaths=-/var/lib/belvedere -/var/lib/belvedere/worker",
        "--property=ReadWritePaths=-/var/log/belvedere",
      ])
  }

  @Test func `credentials are those of the unit's files, without those that were taken back`() {
    let files = """
      [Service]
      # LoadCredential=no:/no
      LoadCredential=old:/old
      LoadCredential=
      LoadCredential=view.key:/etc/belvedere/tls/view.key
      LoadCredentialEncrypted=other:/other
      """
    #expect(
      UnitSandbox("LoadState=loaded\n", files: files).options == [
        "--property=LoadCredential=view.key:/etc/belvedere/tls/view.key",
        "--property=LoadCredentialEncrypted=other:/other",
      ])
  }

  @Test func `without the unit there is no sandbox`() {
    #expect(UnitSandbox("LoadState=not-found\nProtectHome=no\n").options == nil)
    #expect(UnitSandbox("").options == nil)
  }
}
