extension Array where Element: Hashable {
  /// Each value once, where it occurs first. Files of other programs may repeat thousands.
  var distinct: [Element] {
    var known: Set<Element> = []
    return filter { known.insert($0).inserted }
  }
}
