import Balancing
import Testing

@Suite struct SecretHashTests {
  /// From OpenSSL: `openssl mac -macopt hexkey:… -macopt size:16 SIPHASH`; the message counts up from zero.
  @Test(
    arguments: [
      (0, "a3817f04ba25a8e66df67214c7550293"), (1, "da87c1d86b99af44347659119b22fc45"),
      (7, "a1f1ebbed8dbc153c0b84aa61ff08239"), (8, "3b62a9ba6258f5610f83e264f31497b4"),
      (15, "5493e99933b0a8117e08ec0f97cfc3d9"), (16, "6ee2a4ca67b054bbfd3315bf85230577"),
      (17, "473d06e8738db89854c066c47ae47740"), (63, "5150d1772f50834a503e069a973fbd7c"),
    ] as [(Int, String)])
  func `the hash is SipHash-2-4-128`(count: Int, expected: String) {
    let message = (0..<count).map { UInt8($0) }
    #expect(hex(SecretHash(seed: 0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)(message.span)) == expected)
  }

  @Test func `the value of a session cookie is hashed with any seed`() {
    let value = Array("1A2B3C4D5E6F708192A3B4C5D6E7F809".utf8)
    #expect(hex(SecretHash(seed: .max, .max)(value.span)) == "a2a09d712caba6e4d0fa8381dd111aef")
  }

  private func hex(_ hash: (first: UInt64, last: UInt64)) -> String {
    [hash.first, hash.last].map { word in
      let digits = String(word.byteSwapped, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}
