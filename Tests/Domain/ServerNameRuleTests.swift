import Domain
import Testing

@Suite struct `Names of servers` {
  @Test(
    arguments: [
      ("view01", nil, "view01"), ("view/view01", "view", "view01"), ("a/b/view01", "a/b", "view01"),
      ("/view01", "", "view01"),
    ] as [(String, String?, String)])
  func `a full name is the service's, if it has one, and the server's own`(name: String, service: String?, own: String)
  {
    let parts = ServerName.parts(of: name)
    #expect(parts.service.map(String.init) == service && parts.name == own)
  }

  @Test(
    arguments: [
      (["view01"], ["view/view01"], ["view01": "view/view01"]),
      (["view/view01", "view/view02"], ["view01", "view/view02"], ["view/view01": "view01"]),
      (
        ["view/view01", "view/view02"], ["a/view01", "b/view02"],
        ["view/view01": "a/view01", "view/view02": "b/view02"]
      ),
      (["view01"], ["view02"], [:]),
      // It may be either.
      (["view01"], ["a/view01", "b/view01"], [:]),
      (["a/view01", "b/view01"], ["c/view01"], [:]),
      // One that stays is not the other one.
      (["a/view01", "b/view01"], ["b/view01"], [:]),
      (["a/view01"], ["a/view01", "b/view01"], [:]),
      (["a/view01", "b/view01"], ["b/view01", "c/view01"], ["a/view01": "c/view01"]),
    ] as [(Set<String>, Set<String>, [String: String])])
  func `a server is renamed if its name disappeared from one service and appeared in another`(
    former: Set<String>, current: Set<String>, renamed: [String: String]
  ) {
    #expect(ServerName.renamed(from: former, to: current) { ServerName.parts(of: $0).name } == renamed)
  }
}
