import Domain
import Linux
import WorkerProtocol

/// Collects the commands of a start or a reload, which arrive one per message.
struct WorkerSetupDraft: ~Copyable {
  private var heartbeats: [Heartbeat]
  private let isReload: Bool
  private var number: UInt64 = 0
  private var loops = 0
  private var configuration: ConfigurationText?
  private var listeners: [HandedListener] = []
  private var withdrawn: [ListenerIdentity] = []
  private var adminStates: [String: AdminState] = [:]

  /// Whether `start` is to come.
  var hasBegun: Bool { configuration != nil }

  /// For the start, or for a reload of a worker that has these heartbeats.
  init(reloadWith heartbeats: [Heartbeat]? = nil) {
    isReload = heartbeats != nil
    self.heartbeats = heartbeats ?? []
  }

  /// Adds one command and its descriptor; returns the setup when it is complete.
  mutating func add(_ command: WorkerCommand, _ descriptor: consuming Descriptor?) throws(ControlError) -> WorkerSetup?
  {
    switch command {
    case .heartbeats(let capacity) where heartbeats.isEmpty:
      guard capacity > 0, let page = consume descriptor else { throw .message(.invalidField("number of loops")) }
      do throws(SystemError) {
        heartbeats = try SharedHeartbeats.attach(page, loops: Int(capacity))
      } catch { throw .system(error) }
    case .configure(let number, let loops, let fileName, let hostName) where configuration == nil:
      guard loops >= 1, loops <= heartbeats.count, let file = consume descriptor else {
        throw .message(.invalidField("number of loops"))
      }
      self.number = number
      self.loops = Int(loops)
      do throws(SystemError) {
        let text = String(decoding: try MemoryFile.contents(of: file), as: UTF8.self)
        configuration = ConfigurationText(text: text, fileName: fileName, hostName: hostName)
      } catch { throw .system(error) }
    case .listener(let identity) where configuration != nil:
      guard identity.loop < heartbeats.count, let socket = consume descriptor else {
        throw .message(.invalidField("loop"))
      }
      listeners.append(HandedListener(identity: identity, descriptor: socket))
    case .withdraw(let identity) where configuration != nil && isReload:
      withdrawn.append(identity)
    case .server(let name, let state, _) where configuration != nil:
      adminStates[name] = state
    case .start:
      guard let configuration, isReload || !listeners.isEmpty else { throw .message(.unexpected("start")) }
      return WorkerSetup(
        number: number, configuration: configuration, loops: loops, heartbeats: heartbeats,
        listeners: listeners, withdrawn: withdrawn, adminStates: adminStates)
    case .hello, .configure, .heartbeats, .listener, .withdraw, .stop, .server, .nodeFacts, .nodeVitals, .stream,
      .reopenLogs, .trace, .endTrace:
      throw .message(.unexpected(command.name))
    }
    return nil
  }
}
