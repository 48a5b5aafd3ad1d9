/// A violation of a property; the caller has the input.
package struct Violation: Error, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}

/// Throws unless `condition` holds.
func require(_ condition: Bool, _ what: @autoclosure () -> String) throws(Violation) {
  guard condition else { throw Violation(what()) }
}

/// Returns the value, or throws a violation if it is nil.
func require<Value>(_ value: Value?, _ what: @autoclosure () -> String) throws(Violation) -> Value {
  guard let value else { throw Violation(what()) }
  return value
}
