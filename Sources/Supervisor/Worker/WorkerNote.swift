import Glibc
import Linux
import Logging
import Wire

/// Log messages about the worker.
enum WorkerNote: Equatable {
  case ready
  case spawnFailed(reason: String)
  case refused(reason: String)
  case startedTooSlowly(Interval)
  case stalled(loop: Int, after: Interval)
  case faulty(reason: String)
  case lingers
  case died(ProcessEnd)
  case waiting(Interval, deaths: Int, within: Interval)
  case neverReady
  case stopping(within: Interval)
  case stopCut
  case stopped
  case diedStopping(ProcessEnd)

  var level: Logger.Level {
    switch self {
    case .ready, .stopping, .stopped: .notice
    case .stopCut: .warning
    case .died(.killed(signal: SIGSYS)): .critical
    case .spawnFailed, .refused, .faulty, .lingers, .died, .waiting, .neverReady, .diedStopping: .error
    case .startedTooSlowly, .stalled: .critical
    }
  }

  var text: String {
    switch self {
    case .ready: "the worker is ready and serves"
    case .spawnFailed(let reason): "the worker could not be started: \(reason)"
    case .refused(let reason): "the worker can't serve this configuration: \(reason)"
    case .startedTooSlowly(let bound):
      "the worker hung at its start: not ready after \(bound.text); killing it"
    case .stalled(let loop, let bound):
      "the worker hung: event loop \(loop) has not turned for \(bound.text); killing it and starting another"
    case .faulty(let reason): "protocol violation by the worker, killing it and starting another: \(reason)"
    case .lingers: "the worker has closed its control socket and does not exit; killing it"
    case .died(.killed(signal: SIGSYS)):
      "the worker was killed for a forbidden system call, possibly an attack: the kernel's log has its number (`journalctl -k --grep 'type=1326'`); connections wait in the listeners' queues for the next one"
    case .died(let end): "the worker died: \(end); connections wait in the listeners' queues for the next one"
    case .waiting(let delay, let deaths, let window):
      "workers keep dying, \(deaths) within \(window.text): the next one starts in \(delay.milliseconds) ms"
    case .neverReady: "no worker was ever ready: giving up"
    case .stopping(let bound): "stopping: no new connections, exchanges have \(bound.text) to finish"
    case .stopCut: "stopping now: unfinished exchanges are cut"
    case .stopped: "stopped"
    case .diedStopping(let end): "the worker died during the stop, unfinished exchanges are cut: \(end)"
    }
  }
}
