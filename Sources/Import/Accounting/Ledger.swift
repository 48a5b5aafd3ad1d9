/// All words of the imported files, each with one verdict.
///
/// A word has a place here as soon as it is read, and no way leads to the report but by this place. So none is lost: one
/// that no reader has settled is reported as unknown.
struct Ledger: Sendable {
  private(set) var words: [Word] = []
  private var verdicts: [Verdict?] = []

  /// The place of these words, in the files' order.
  mutating func add(_ new: [Word]) -> Range<Int> {
    let first = words.count
    words += new
    verdicts += [Verdict?](repeating: nil, count: new.count)
    return first..<words.count
  }

  /// Gives words a verdict. Lines of `defaults` get one from each section that they apply to; the heaviest counts.
  mutating func settle(_ range: Range<Int>, _ verdict: Verdict) {
    for index in range.clamped(to: 0..<words.count) where (verdicts[index]?.weight ?? -1) < verdict.weight {
      verdicts[index] = verdict
    }
  }

  /// Gives single words a verdict.
  mutating func settle(_ places: [Int], _ verdict: Verdict) {
    for place in places { settle(place..<(place + 1), verdict) }
  }

  /// Gives the words that have no verdict this one.
  mutating func settleRest(of range: Range<Int>, _ verdict: Verdict) {
    for index in range.clamped(to: 0..<words.count) where verdicts[index] == nil { verdicts[index] = verdict }
  }

  func isSettled(_ range: Range<Int>) -> Bool {
    range.clamped(to: 0..<words.count).allSatisfy { verdicts[$0] != nil }
  }

  /// Every word in the files' order.
  var findings: [Finding] {
    var findings: [Finding] = []
    var current: [Word] = []
    var currentVerdict: Verdict?
    func verdict(_ index: Int) -> Verdict { verdicts[index] ?? .impossible("the import does not know this") }
    for (index, word) in words.enumerated() {
      let verdict = verdict(index)
      if let last = current.last, let known = currentVerdict, last.place != word.place || known != verdict {
        findings.append(Finding(words: current, verdict: known))
        current = []
      }
      current.append(word)
      currentVerdict = verdict
    }
    if let known = currentVerdict { findings.append(Finding(words: current, verdict: known)) }
    return findings
  }
}

/// A line of words, or a block of them.
struct Statement: Sendable {
  /// As read, without quotes.
  let words: [String]
  /// Their place in the ledger.
  let range: Range<Int>

  /// Whether the line begins with these words.
  func begins(with keyword: [String]) -> Bool { words.starts(with: keyword) }

  /// The word at an index, if there is one.
  subscript(index: Int) -> String? { words.indices.contains(index) ? words[index] : nil }

  /// The place of some of the words; clamped to those that exist.
  func place(_ part: Range<Int>) -> Range<Int> {
    let part = part.clamped(to: words.indices.lowerBound..<words.indices.upperBound)
    return range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound
  }
}
