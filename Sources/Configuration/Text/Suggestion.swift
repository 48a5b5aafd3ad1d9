/// Finds the known word nearest to a misspelt one.
package enum Suggestion {
  /// The candidate with the fewest errors (a wrong, missing, added or transposed letter), if at most a third of the
  /// word is wrong; otherwise the candidate that the word abbreviates. Case-insensitive; `_` is equal to `-`.
  package static func nearest(to word: String, among candidates: some Collection<String>) -> String? {
    guard word.utf8.count <= longestWord else { return nil }
    let folded = fold(word)
    let allowed = max(1, folded.count / 3)
    var best: (word: String, distance: Int)?
    for candidate in candidates {
      let distance = distance(folded, fold(candidate))
      if distance <= allowed, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.word ?? candidates.first { folded.count >= shortestAbbreviation && fold($0).starts(with: folded) }
  }

  /// Longer words are not misspelt keys; comparing them would only take time.
  private static let longestWord = 40

  private static let shortestAbbreviation = 3

  private static func fold(_ word: String) -> [UInt8] {
    word.lowercased().utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }
  }

  /// The optimal string alignment distance, computed row by row.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var older: [Int] = []
    var previous = Array(0...right.count)
    for i in 0..<left.count {
      var row = [i + 1]
      for j in 0..<right.count {
        let substitution = previous[j] + (left[i] == right[j] ? 0 : 1)
        var best = min(substitution, previous[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] { best = min(best, older[j - 1] + 1) }
        row.append(best)
      }
      older = previous
      previous = row
    }
    return previous[right.count]
  }
}
