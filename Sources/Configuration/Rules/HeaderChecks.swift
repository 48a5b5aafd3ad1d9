import Domain
import HTTP1
import Wire

/// The rules for fields that are edited.
extension Rules {
  static func checkHeaders(_ service: Configuration.Service, _ reader: inout Reader) {
    check(service.headers.request, "request", &reader)
    check(service.headers.response, "response", &reader)
    guard let hsts = service.transportSecurity else { return }
    if let place = reader.mark("hsts", "max-age"), !hsts.maxAge.nanoseconds.isMultiple(of: 1_000_000_000) {
      reader.error("`max-age` is sent in whole seconds", at: place)
    }
    guard hsts.preload, let place = reader.mark("hsts", "preload") else { return }
    if !hsts.includesSubdomains || hsts.maxAge < .hours(24 * 365) {
      reader.error(
        "`preload` needs `include-subdomains: true` and a `max-age` of 365d at least", at: place,
        "It can't be taken back soon: names below the service's without https are lost to browsers.")
    }
  }

  private static func check(_ edits: Configuration.Headers.Edits, _ direction: String, _ reader: inout Reader) {
    var earlier: [String] = []
    func isNew(_ name: String) -> Bool {
      guard !earlier.contains(where: { HeaderEdits.areSame($0, name) }) else { return false }
      earlier.append(name)
      return true
    }
    for field in edits.set where !isNew(field.name) {
      guard let place = reader.site("headers", direction, "set", field.name)?.key else { continue }
      reader.error("`\(field.name)` is given twice: names are compared without case, and `_` is `-`", at: place)
    }
    for (index, name) in edits.remove.enumerated() where !isNew(name) {
      guard let place = reader.mark(in: ["headers", direction, "remove"], item: index) else { continue }
      reader.error(
        "`\(name)` is given twice", at: place, "A field in `set` needs no `remove`: its other values are dropped.")
    }
    guard let place = reader.mark("headers", direction) else { return }
    let count = edits.set.count + edits.remove.count
    if count > HeaderEdits.mostNames {
      reader.error("\(count) fields are edited; the most is \(HeaderEdits.mostNames)", at: place)
    }
    // A colon, a space and CRLF.
    let length = edits.set.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
    if length > HeaderEdits.longestLines {
      reader.error("the fields that are set take \(length) bytes; the most is \(HeaderEdits.longestLines)", at: place)
    }
  }
}
