/// libyaml's syntax errors in words for somebody who writes configuration files, not parsers.
enum SyntaxError {
  static func explain(_ failure: YAMLParser.Failure, in source: SourceText) -> Diagnostic {
    let isLostKey = failure.problem == "could not find expected ':'"
    let place = isLostKey ? failure.contextPlace : failure.place
    let character = source.character(at: place)
    let (message, suggestion) = words(for: failure, at: character)
    let mark = Mark(line: place.line + 1, column: place.column + 1, length: 1)
    return Diagnostic(
      .error, file: source.file, place: source.place(of: mark), message: message, suggestion: suggestion)
  }

  private static func words(
    for failure: YAMLParser.Failure, at character: Unicode.Scalar?
  ) -> (message: String, suggestion: String?) {
    let begun = "that began in line \(failure.contextPlace.line + 1)"
    switch failure.problem {
    case "could not find expected ':'":
      return ("a key without a colon", "Write `key: value`, with a space behind the colon.")
    case "mapping values are not allowed in this context":
      return ("a `:` where no key can stand", "Check the indentation, or put the value in quotes.")
    case "found character that cannot start any token" where character == "\t":
      return ("a tab where YAML wants spaces", "Indent with spaces.")
    case "found character that cannot start any token":
      return ("a value cannot begin with this character", "Put the value in quotes.")
    case "did not find expected alphabetic or numeric character":
      return ("a value cannot begin with `*` or `&`", "Put the value in quotes: \"*:443\".")
    case "did not find expected ',' or ']'":
      return ("the list \(begun) needs `,` or `]` here", "An IPv6 address with a port needs quotes: \"[::]:443\".")
    case "did not find expected ',' or '}'":
      return ("the mapping \(begun) needs `,` or `}` here", nil)
    case "did not find expected key":
      return ("expected a key of the mapping \(begun)", "Check the indentation, or put the value in quotes.")
    case "did not find expected '-' indicator":
      return ("expected an item (`- `) of the list \(begun)", "Check the indentation.")
    case "found unexpected end of stream":
      return ("the file ends inside the quotes \(begun)", nil)
    default:
      return (failure.context.map { "\(failure.problem) \($0)" } ?? failure.problem, nil)
    }
  }
}

extension SourceText {
  fileprivate func character(at mark: YAMLMark) -> Unicode.Scalar? {
    line(mark.line + 1)?.unicodeScalars.dropFirst(mark.column).first
  }
}
