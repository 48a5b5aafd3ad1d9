import Glibc

/// The size of simulations: `BELVEDERE_SIMULATION_SCALE` times the size in a normal test run.
package enum Scale {
  /// 1 unless the environment variable is set.
  package static let factor: Int = {
    // SAFETY: the string is copied at once, and no test calls setenv.
    guard let value = unsafe getenv("BELVEDERE_SIMULATION_SCALE") else { return 1 }
    return unsafe Int(String(cString: value)).map { max(1, $0) } ?? 1
  }()
}
