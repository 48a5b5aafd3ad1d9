import Testing

@testable import Doctor

@Suite struct `A unit without secrets` {
  @Test func `values that may be secrets and comments are removed from systemctl cat`() {
    let unit = """
      # /usr/lib/systemd/system/belvedere.service
      [Service]
      # s3cret0
      ; s3cret1
      ExecStart=/usr/bin/belvedere run \\
      # s3cret2
        --configuration /etc/belvedere/belvedere.yaml

      # /etc/systemd/system/belvedere.service.d/own.conf
      # /s3cret3 was the path
      [Service]
      SetCredential=pair.key:s3cret4 \\
      Name=s3cret5 \\
        s3cret6
      Environment = "A=s3cret7"
      SetCredentialEncrypted=vrrp:s3cret8
      LoadCredential=view.key:/etc/belvedere/tls/view.key
      """
    #expect(
      UnitText.withoutSecrets(unit) == """
        # /usr/lib/systemd/system/belvedere.service
        [Service]
        ExecStart=/usr/bin/belvedere run \\
          --configuration /etc/belvedere/belvedere.yaml

        # /etc/systemd/system/belvedere.service.d/own.conf
        [Service]
        SetCredential=[removed]
        Environment=[removed]
        SetCredentialEncrypted=[removed]
        LoadCredential=view.key:/etc/belvedere/tls/view.key
        """)
  }

  @Test func `they are removed from systemctl show, also where they have several lines`() {
    let text = "Restart=always\nEnvironment=A=s3cret1\ns3cret2\nSetCredential=a:s3cret3\n\nNice=-10\n"
    #expect(
      UnitText.withoutSecrets(text) == "Restart=always\nEnvironment=[removed]\nSetCredential=[removed]\n\nNice=-10\n")
  }
}
