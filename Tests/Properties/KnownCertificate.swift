/// A certificate, its key and its issuer, for what certificates and answers about them are held up to. The issuer's key
/// has signed the answers of Tests/Fuzz/Corpus/ocsp-answer and is kept nowhere.
enum KnownCertificate {
  static let pem = Array(
    """
    -----BEGIN CERTIFICATE-----
    MIIByjCCAXGgAwIBAgIBBzAKBggqhkjOPQQDAjASMRAwDgYDVQQDDAdGdXp6IENB
    MB4XDTI2MTEyODIxMTUzN1oXDTQ4MDcxNTIxMTUzN1owFDESMBAGA1UEAwwJdmll
    dy50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEH56Z9b9+jhrnYI1L3IqK
    /1skyt+XrcYKDd0xhqL7XpTEMMS9TC+qslxzJeYlMgBYHH1tu/XDqk9357qwko5H
    1KOBtTCBsjAUBgNVHREEDTALggl2aWV3LnRlc3QwCQYDVR0TBAIwADBPBggrBgEF
    BQcBAQRDMEEwHQYIKwYBBQUHMAGGEWh0dHA6Ly9vY3NwLnRlc3QvMCAGCCsGAQUF
    BzAChhRodHRwOi8vY2EudGVzdC9hLmRlcjAdBgNVHQ4EFgQUrsmoS4jw3W/ofvsK
    0mxy9YQqPdUwHwYDVR0jBBgwFoAUMwpO1LSMr5hThSohhJELmYIGa4UwCgYIKoZI
    zj0EAwIDRwAwRAIgUhUpx+GVz/edaqZKj39YFzqOLj35hKNJZXKvLN1eJ+0CICy9
    DGu5DP4OLtgG4cpKJaG5t2zH4ETT2g9ZDN67rJD+
    -----END CERTIFICATE-----
    -----BEGIN CERTIFICATE-----
    MIIBijCCAS+gAwIBAgIUE2ExJz7cIRRuuQ8wq0zc2j8Z/MkwCgYIKoZIzj0EAwIw
    EjEQMA4GA1UEAwwHRnV6eiBDQTAeFw0yNjExMjgyMTE1MzdaFw00ODEwMjMyMTE1
    MzdaMBIxEDAOBgNVBAMMB0Z1enogQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
    AASswnESi+zB+mMHOZLY+QyP5KAYGbe3Fka8Qu8iTAYA5lylwjsHLjL6RvvfJSOt
    vgkg0UIJQIWEj6697DKvh8sYo2MwYTAdBgNVHQ4EFgQUMwpO1LSMr5hThSohhJEL
    mYIGa4UwHwYDVR0jBBgwFoAUMwpO1LSMr5hThSohhJELmYIGa4UwDwYDVR0TAQH/
    BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwCgYIKoZIzj0EAwIDSQAwRgIhAIzzfm87
    MTGQSuanu2N9n6dQiYbiCwraOpAQqc42b7/AAiEA/WtXXy/ZWcQhqPfqnMulVbR8
    uyYUiFvU1X1axUImTfs=
    -----END CERTIFICATE-----
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfAXEjHBnV2o3zT3D
    3hFjzlTXnF3Z5oU34xqwR1weHNihRANCAAQfnpn1v36OGudgjUvcior/WyTK35et
    xgoN3TGGovtelMQwxL1ML6qyXHMl5iUyAFgcfW279cOqT3fnurCSjkfU
    -----END PRIVATE KEY-----

    """.utf8)
}
