import Glibc

/// How large simulations are: `BELVEDERE_SIMULATION_SCALE` times what every run of the tests takes the time for.
package enum Scale {
  /// 1 unless the environment says otherwise.
  package static let factor: Int = {
    // SAFETY: the string is copied at once, and no test calls setenv.
    guard let value = unsafe getenv("BELVEDERE_SIMULATION_SCALE") else { return 1 }
    return unsafe Int(String(cString: value)).map { max(1, $0) } ?? 1
  }()
}
