/// The page for browsers: one document with its style and its script, which needs nothing from any other place.
enum Page {
  /// SHA-256 of the document's style and script, in base64: a browser applies these two and nothing else. A test
  /// compares them with the document.
  static let styleDigest = "Dck5h2nK9BvdIGQsITbvMOVExm1xTyxzvtCNDW2z9RE="
  static let scriptDigest = "CVW2ADCJN3uREtzwiA3s//w4gudWXKdTsq+RRp6m67c="

  static var document: [UInt8] { PackageResources.page_html }

  static let answer: ObserverAnswer = {
    var answer = ObserverAnswer.ok(document, as: "text/html; charset=utf-8")
    answer.policy = """
      default-src 'none'; style-src 'sha256-\(styleDigest)'; script-src 'sha256-\(scriptDigest)'; connect-src 'self'; \
      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
      """
    return answer
  }()
}
