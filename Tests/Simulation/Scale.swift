import Glibc

/// The size of simulations: `BELVEDERE_SIMULATION_SCALE` times the size in a normal test run.
package enum Scale {
  /// 1 unless the environment variable is set; may be a fraction.
  private static let factor: Double = {
    // SAFETY: the string is copied at once, and no test calls setenv.
    guard let value = unsafe getenv("BELVEDERE_SIMULATION_SCALE") else { return 1 }
    return unsafe Double(String(cString: value)).map { min(max(0, $0), 10_000) } ?? 1
  }()

  /// How many seeds or rounds, of which a normal test run has `normal`: at least one, at most `limit` times as many.
  package static func count(_ normal: Int, limit: Double = .infinity) -> Int {
    max(1, Int(Double(normal) * min(factor, limit)))
  }
}
