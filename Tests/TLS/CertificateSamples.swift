import Wire

/// PEM texts made with openssl(1), which the tests can't make themselves. Their keys are not secret.
enum Samples {
  /// An RSA certificate for view.domain.local, and its key.
  static let rsa = Array(
    """
    -----BEGIN CERTIFICATE-----
    MIIDNzCCAh+gAwIBAgIUFJvbtPk0Im+WLkttb+KoQV8uAOgwDQYJKoZIhvcNAQEL
    BQAwHDEaMBgGA1UEAwwRdmlldy5kb21haW4ubG9jYWwwHhcNMjYxMTIyMTEyMjM3
    WhcNNDYxMTE3MTEyMjM3WjAcMRowGAYDVQQDDBF2aWV3LmRvbWFpbi5sb2NhbDCC
    ASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBALUo2AU/fKKUcbrcm2GVksVN
    CmWyOyLZScQAhN5t188lao7W1cmUSgiBQkmdGLVjFAQSNFPrQxoTXGP3BFp8K8fv
    810n9Ap4XiMAWFQuY1My0pNYHjPQEa4lW8if0ptnJrjxo7Xz4ZfVIp1zevlw94xD
    Zb2a1WJVYOUooLkKz0aS3DkgJQkcBbTawhvKbEA6cMv8MYT/Qt4dPqCf8kaHXs7R
    uaTHyFboAZuPOKHvIuS6QlM2twd2fydZZ7IdGx8NTIrFr2OPvRM+VR9YoZsw9hl7
    DFUAxZKaH5AQ6zF9ZiHit3qT649RbdjIuQApq4j4/VeeH6mlHMan/gGy5FrCj1sC
    AwEAAaNxMG8wHQYDVR0OBBYEFOHa4JCIhSqf4fFYQTBn0nDL6VcxMB8GA1UdIwQY
    MBaAFOHa4JCIhSqf4fFYQTBn0nDL6VcxMA8GA1UdEwEB/wQFMAMBAf8wHAYDVR0R
    BBUwE4IRdmlldy5kb21haW4ubG9jYWwwDQYJKoZIhvcNAQELBQADggEBADmVk3Zj
    nB5kcINDwH615AC/+I8PCBz5XJdfBezr6kw3EM7Xt6hK5ui8kQ6Hx8zgAZy8P8cS
    NcEPFwxdKBhJynlnIOzv7MhCZjx8r+bsBf7CFLZ8YVc7hJiPfFr/hSZDVXI4MwCL
    PXgXlQ2UDYEY84hdRwoVDkYcoBO/5Y/CAliQ2j370N8Lz6Bdv/AGrr4MUSlWckcO
    TNKoFuErs/KaEDb0+Mk+RCbDLoFkVCRb3A1PF/XM1B6mJL2ReXQwlop0F9AvFl4o
    10FdIL5yvN20cKf5Qi+KhfQjSkrNYTU6ELM0HmssTWE1LnMksK1/4c6vA/c8R55Y
    OO5uOvmC+BdNT70=
    -----END CERTIFICATE-----
    -----BEGIN PRIVATE KEY-----
    MIIEugIBADANBgkqhkiG9w0BAQEFAASCBKQwggSgAgEAAoIBAQC1KNgFP3yilHG6
    3JthlZLFTQplsjsi2UnEAITebdfPJWqO1tXJlEoIgUJJnRi1YxQEEjRT60MaE1xj
    9wRafCvH7/NdJ/QKeF4jAFhULmNTMtKTWB4z0BGuJVvIn9KbZya48aO18+GX1SKd
    c3r5cPeMQ2W9mtViVWDlKKC5Cs9Gktw5ICUJHAW02sIbymxAOnDL/DGE/0LeHT6g
    n/JGh17O0bmkx8hW6AGbjzih7yLkukJTNrcHdn8nWWeyHRsfDUyKxa9jj70TPlUf
    WKGbMPYZewxVAMWSmh+QEOsxfWYh4rd6k+uPUW3YyLkAKauI+P1Xnh+ppRzGp/4B
    suRawo9bAgMBAAECggEASSABgqzLzHyLI9hkyBEuO4ILjl1RTZHUGs/y0i4YjL8X
    siy6AzJeZ+x1K23ESYOC0tneUXmHjoD+LEPLeBLjQUN0Qsgb1BYeOZasEN7grPa4
    1U0ec9+rI1ZlJCiPRLdwg/rWEF4vU7Bu1ouEuieFZRLXgJ99PsIj6JxrtAXPATcc
    ghtp83phLHFaPG/pUINApIZJUGqRyiWsvKt9/kwYtihrJF3vkahdhaYW4AsP5fiB
    35xaXaZRgHUPzfpMWYfFVgcUKF9yh2yocu7Dlr1GIOitRPMRvoKtAjJeinOfFVfI
    eC7R01Mxaaah/jpCqHnB8GxTD59xIiS9WaNhkqRKMQKBgQDlrn2hsfV7yXGhJ5bV
    H5HYIarp5WGZBsPKsSdQzRErSjURZenS3glCxQnRN0WZxbtrj6kNFi3FoT0qQJxT
    tL4nRbmCEdPXwq/RTaXS8eDx0FTExsZPYS41nDqT0stWQT1THKkKX51yL5YmdF7G
    Ib7JB3Dv8dqFK9pdD5AmN322hwKBgQDJ6wA567YaX1uEG7jALI5XNgcOsg/LR1HM
    ohIpk4f6Zp8BgA+4M0DNc0uMepxgD30bs/OaenYKnHCVcAMC351eE6HD1+bzUZwV
    Yx2FqVy+VlxalaNHNGraon84YCo35Jr2Pa4WaM7SBYRx3hqqih6GC3xBAHtAW/rx
    L3F26d2BjQKBgFwkqJoZ/tXudvukGkreI3CF8T9smr79i8bhU1iDLIQlfSzBqhDC
    qwxyaAHbHr0WKp54P+XUJADJMvSkfxLFzBONUWLxK/+/RzG86O27w/a/EYLwC9cE
    sbkoOAfd5V1xRtz0/ov+1/dbR+2defgayaN0rMZWTMhoU25KNBZg5Lo5AoGAH2Bt
    QJLoUWDQD89e/j3uQI8cuaPh4GzMwUfOGrfaQYcA3nLP/oe4YjSwYLwM4MCHaG6m
    RDMTdMKqnA4z6ZZmFeBnGs/KC7V607f7NnIC/3DcGRd3r/DtSdxGeLQ420ai7fDX
    xJO0z94bnrYs3qNn6tyOCmvQu0ePzzrYHupoiWECf171NlbmpNzOb1v1HE+mjWvw
    riHh2h3d0IsezJ+BfB5Y9WB97ngDgbbDBBvN2BQxHAIe8PgWo7gz+INAgaCd85sh
    hrwGkWQdEv9iZpp+RLDIhKWI6YNT98eTWZO0a9hwFobZxCsDWdh0A/Ui6gTfqS/y
    QVEDrQv8yq4vUOtqmk8=
    -----END PRIVATE KEY-----
    """.utf8)

  /// notBefore of `rsa`, in seconds since 1970.
  static let rsaNotBefore = WallTime(seconds: 1_795_346_557)

  /// A certificate with an RSA key of 1024 bits, and the key.
  static let weakRSA = Array(
    """
    -----BEGIN CERTIFICATE-----
    MIIB+jCCAWOgAwIBAgIUFxqnSd/kZejZE9hWPk+GGWrJC1gwDQYJKoZIhvcNAQEL
    BQAwDzENMAsGA1UEAwwEd2VhazAeFw0yNjExMjIxMTIyMzdaFw00NjExMTcxMTIy
    MzdaMA8xDTALBgNVBAMMBHdlYWswgZ8wDQYJKoZIhvcNAQEBBQADgY0AMIGJAoGB
    AKtakbUZE+YslPGsnxd12H+ppj8KrCD5d5xbnytYCH12gs75NWYJZkTcdko2iRIG
    afcQpS4yVKrQ27Gorcy8lhtNboJPj9kg3C6XJ3m0Neq4PN7Ykof5T0gyijHlQVzG
    i5bJVxK58Tmt3k0Sz5+krIrcMcwAKA6DccsmWoU5g0PzAgMBAAGjUzBRMB0GA1Ud
    DgQWBBTbnX1DtHo34RC8+nJ/WNA8dKvXJDAfBgNVHSMEGDAWgBTbnX1DtHo34RC8
    +nJ/WNA8dKvXJDAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4GBADAi
    ZYEmI/Ado+8uzE0KJDZzydfGa1CXMdfieDhQ+UF4Z7KUlt//frWdaa4YtYKO2lMq
    ciC+Nk/ran4zOgYvrEL+jhzufxv8pKRQcevSh819wTg6eMw+vz+l5LFPmN1DeHtV
    dd3ww1jwnxeeByAyVf5xzFnFgBDiIMVyiGR0Z+MS
    -----END CERTIFICATE-----
    -----BEGIN PRIVATE KEY-----
    MIICeQIBADANBgkqhkiG9w0BAQEFAASCAmMwggJfAgEAAoGBAKtakbUZE+YslPGs
    nxd12H+ppj8KrCD5d5xbnytYCH12gs75NWYJZkTcdko2iRIGafcQpS4yVKrQ27Go
    rcy8lhtNboJPj9kg3C6XJ3m0Neq4PN7Ykof5T0gyijHlQVzGi5bJVxK58Tmt3k0S
    z5+krIrcMcwAKA6DccsmWoU5g0PzAgMBAAECgYEAoNHL1q/GoUxOLdPZLGeJ3acX
    RCt8CSaZP8ItzLw+m6HSevYhS7aeqRpQWq58TtJ+OUcCAC10kSycRE0PcQu9xDDt
    2cVYoCu83esQavroEH4URRwivA7Sh5TrPtZhTbAzexmxW2d9vuyax0VklomAxjQU
    Jmiqqe+w3LAyS8DNBeECQQDSxA54uysbGr8bmilaZPs/vmgFatPgopaF7EM+sgkh
    zhW2kT4Tj4KPgMTl7MtSd0k+va04BUQTjQlUVT6iQV4VAkEA0CEgZst3jETiEqAE
    mqo/VwtlF78aD3UUM2wwNGK5zrjlQe9yWu1VhE/lxWJwPWaNj48liZ4G4IYgfpm6
    cyCj5wJBALok78cPP0Xj/G8LW4R7dS9aIhLOw6w8zIYhIU7I/Km/kou4gUPTVnMZ
    Pkz3Mqd1tNnVuZulgvdlc5zo4LV61/UCQQDBsUKVR9/u86AtUyxVwAEIgftH+TpI
    jl4JaTMHXaWsRBhfn3aeNmeypiSg6HaqPcmag86cXyvpQgn1qB2DzSmbAkEArjcd
    qDBhT4MV9mGPqTTt5ENB9xTdDnEUYk4tPgkZT22OPXmmIu423egzetGCyihhca1U
    4Y8uaYqfskplwf4zwA==
    -----END PRIVATE KEY-----
    """.utf8)

  /// A certificate whose names hold control characters and an escape sequence, and its key.
  static let hostile = Array(
    """
    -----BEGIN CERTIFICATE-----
    MIIBaDCCAQ+gAwIBAgIUM0MPuoNLpOmgCzvWHxdXfRekttQwCgYIKoZIzj0EAwIw
    GzEZMBcGA1UEAwwQZXZpbAFsaW5lG1szMW3DqTAeFw0yNjExMjIxMTIyMzdaFw00
    NjExMTcxMTIyMzdaMBsxGTAXBgNVBAMMEGV2aWwBbGluZRtbMzFtw6kwWTATBgcq
    hkjOPQIBBggqhkjOPQMBBwNCAAR3vc73VRHXSf+90NO88QCiuA+WgYfxa4vaoSmI
    UVBfRKcJXUIWBPVJ/NiysntJMvng65ntsTT/KkoZgmAsvtFOozEwLzAOBgNVHREE
    BzAFggNhAmIwHQYDVR0OBBYEFBB7W0DhPTZHo1mwD4JB/ckz002qMAoGCCqGSM49
    BAMCA0cAMEQCIDHO1dWdCSsuyc92kkmokfplOHA8lEsx1oh03YUM5xsIAiBDMj99
    7DE7GiMrbAPXG2HaVURh9HfywY3ZPAvLRECwiA==
    -----END CERTIFICATE-----
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQggn6R78EPRra4h+K2
    cPhEdmID6YqNmrXp5zYrs0+CnkmhRANCAAR3vc73VRHXSf+90NO88QCiuA+WgYfx
    a4vaoSmIUVBfRKcJXUIWBPVJ/NiysntJMvng65ntsTT/KkoZgmAsvtFO
    -----END PRIVATE KEY-----
    """.utf8)

  /// A PKCS #8 key, encrypted.
  static let encryptedKey = Array(
    """
    -----BEGIN ENCRYPTED PRIVATE KEY-----
    MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAid6SThdY743gICCAAw
    DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEIvRaAvAVh+CHOPGsGVzyjQEgZC7
    ig5CfNvzXMjuIe4gp8M9HshS4Bs1qQguaBbHs+9QqH6D9GkOGzJx1r3D1A7bfhBU
    1AOdg3bh8TpLtM9TdHhVOcpn+o0VaJUUsiNzK8cJD+f2BxYQr/l9lB6kjpCdmfbu
    xpUji5oDmTnoZYgTZ/oNlVpuOwnM5fxB9aY8aWd7YkFraqQHEdmFDADRs7O7GS4=
    -----END ENCRYPTED PRIVATE KEY-----
    """.utf8)

  /// An EC key, encrypted in the traditional format (RFC 1421).
  static let traditionallyEncryptedKey = Array(
    """
    -----BEGIN EC PRIVATE KEY-----
    Proc-Type: 4,ENCRYPTED
    DEK-Info: AES-128-CBC,7EF1BDE3B02ECAB1FEF6370C76FA8489

    smNayPDfPoYEZzCsHFzwkVPOqsyqys0Xmq9gjIRoN74Kp6vQFQXRk3KQlssEK/bI
    aEnPA6FEI0NrvZJs/kFT8UuQApdyRbimGfAsFOqwRwqrIvHFCCO1sNd4J1Ip+vXL
    8rBdq1ecKhjwUATTTVsGw35z6nk09JAr9fd84/io02I=
    -----END EC PRIVATE KEY-----
    """.utf8)
}
