import CLinux
import Glibc

extension ChildProcess {
  /// Starts an operator's program: standard input is `input` from its beginning, or /dev/null; its output goes to
  /// standard error; every other descriptor is closed, and every signal has its default. Its children are in its group,
  /// and are signalled with it.
  public init(
    program: String, arguments: [String], environment: [String], input: borrowing Descriptor?
  ) throws(SystemError) {
    let number: Int32
    switch input {
    case .some(let input):
      guard lseek(input.number, 0, SEEK_SET) == 0 else { throw SystemError("lseek") }
      number = input.number
    case nil: number = -1
    }
    try unsafe self.init(executable: program, arguments: arguments, environment: environment, leads: .group) {
      actions in
      // SAFETY: the actions are initialised, and each call copies its arguments.
      if number >= 0 {
        unsafe posix_spawn_file_actions_adddup2(actions, number, 0)
      } else {
        unsafe posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0)
      }
      unsafe posix_spawn_file_actions_adddup2(actions, 2, 1)
      return unsafe cl_close_from(actions, 3)
    }
  }
}
