import Linux
import Testing

private enum Source: UInt64, CaseIterable {
  case first, second
  case last = 15
}

@Suite struct `A poller's token` {
  @Test func `decodes its kind and its key or index`() {
    for kind in Source.allCases {
      for key in [
        SlabKey(index: 0, generation: 0), SlabKey(index: 7, generation: 1),
        SlabKey(index: .max, generation: 0x0fff_ffff),
      ] {
        let token = PollerToken<Source>(rawValue: PollerToken(kind, key).rawValue)
        #expect(token.kind == kind)
        #expect(token.key == key)
      }
      #expect(PollerToken(kind, index: 254).index == 254)
      #expect(PollerToken(kind).rawValue == kind.rawValue << 60)
    }
  }

  @Test func `of another poller has no kind`() {
    #expect(PollerToken<Source>(rawValue: 7 << 60).kind == nil)
  }
}
