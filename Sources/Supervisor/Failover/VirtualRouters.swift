import Configuration
import Control
import Domain
import Linux
import Logging
import Pair
import VRRP
import Wire

/// The virtual routers of this node: events from network, kernel and clock go to `RouterSet`, and its effects are
/// executed. Never blocks.
struct VirtualRouters: ~Copyable {
  /// What a virtual router has besides its state.
  struct RouterInstance {
    let plan: RouterPlan
    var channel: AdvertisementChannel
    /// Nil while the interface does not exist.
    var port: RouterPort?
    /// Where advertisements come from.
    var source: IPAddress?
    /// The interface's own addresses, without virtual ones.
    var own: [IPAddress] = []
    /// Virtual addresses on the interface that are not our lease: they are left unchanged.
    var foreign: Set<IPAddress> = []
    /// Whether the lease file includes it.
    var isRecorded = false
    /// Its conditions that compare nodes.
    var serverTracks: [ServerTrack] = []
    var logLimiter = LogRateLimiter<LogTopic>(every: .minutes(1))

    /// Where advertisements are sent; `peers` may include this node too.
    var destinations: [IPAddress] { channel.destinations.filter { !own.contains($0) } }
  }

  /// Messages that are rate-limited.
  enum LogTopic: Hashable {
    case rejection(AdvertisementRejection.Kind)
    case receiving, sending, address, addresses, foreign, secondaries, interface, peers, echo
    /// The script of this track.
    case script(Int)
  }

  let log: Logger
  var routerSet: RouterSet
  var instances: [RouterInstance]
  var routes: AddressSocket
  private let watch: RouteWatch
  /// Role changes whose hooks and mail have not been queued yet.
  var changes: [RoleChange] = []
  /// Outcomes of operators' requests.
  var handovers: [(router: Int, outcome: Handover)] = []
  var programs = ProgramRunner()
  var scripts: [ScriptSchedule] = []
  /// Virtual routers that have stopped.
  var stopped: Set<Int> = []
  let leaseFile: LeaseFile?
  /// The notifier's socket; nil: hooks and mail run as children of this process.
  let notifier: String?
  /// Whether the lease file is out of date.
  var isFileStale = true
  /// Timers that were served late.
  private(set) var timerSlip = TimerSlip()

  init(
    _ plans: [RouterPlan], digest: @escaping KeyedAuthentication.Digest, leaseFile: LeaseFile?,
    notifier: String?, poller: borrowing Poller, log: Logger
  ) throws(SystemError) {
    let routes = try AddressSocket()
    let watch = try RouteWatch()
    try poller.watchLevel(watch.descriptor, token: SupervisorToken(.routes).rawValue)
    self.log = log
    self.leaseFile = leaseFile
    self.notifier = notifier.flatMap { LocalSocket.exists($0) ? $0 : nil }
    routerSet = RouterSet(
      plans.map { VirtualRouter($0.settings, tracks: $0.tracks) }, groups: plans.map(\.router.group))
    instances = plans.map {
      let channel = AdvertisementChannel(
        $0.settings, authentication: $0.authentication, keyed: $0.keyed, digest: digest)
      return RouterInstance(plan: $0, channel: channel, serverTracks: ServerTrack.all(of: $0))
    }
    self.routes = routes
    self.watch = watch
  }

  /// Removes the leases of an earlier run, opens the sockets and starts.
  mutating func start(_ poller: borrowing Poller, at now: Instant) throws(SystemError) {
    scripts = instances.indices.flatMap { index in
      instances[index].plan.router.tracks.enumerated().compactMap { offset, track in
        ScriptSchedule(track.subject, router: index, track: RouterPlan.Condition.allCases.count + offset, at: now)
      }
    }
    try sweep()
    startServerTracks(at: now)
    try refresh(poller, at: now)
    perform(routerSet.handle(.start, at: now), at: now)
  }

  // MARK: events

  /// Handles poller events of these sockets; others are ignored.
  mutating func serve(_ events: [SupervisorToken], _ poller: borrowing Poller, at now: Instant) {
    for event in events {
      switch event.kind {
      case .routes: drainWatch(poller, at: now)
      case .advertisements: receive(event.index, at: now)
      case .claims: receiveClaims(event.index, at: now)
      default: break
      }
    }
  }

  /// When `handleTimeout` is due next.
  var deadline: Instant? { [routerSet.deadline, programDeadline].compactMap { $0 }.min() }

  mutating func handleTimeout(_ poller: borrowing Poller, at now: Instant) {
    handleRouterTimeout(at: now)
    runPrograms(poller, at: now)
  }

  private mutating func handleRouterTimeout(at now: Instant) {
    guard let deadline = routerSet.deadline, now >= deadline else { return }
    timerSlip.note(now - deadline)
    perform(routerSet.handle(.timer, at: now), at: now)
  }

  /// Reports a condition of the node to every virtual router.
  mutating func report(_ condition: RouterPlan.Condition, isGood: Bool, at now: Instant) {
    perform(routerSet.handle(.track(condition.rawValue, isGood: isGood), at: now), at: now)
  }

  /// Passes what another node has reported of its virtual routers to those with the same VRID and family.
  mutating func note(_ others: [NodeVitals.Router], of node: String, at now: Instant) {
    for index in instances.indices {
      guard let other = counterpart(of: index, among: others), let source = other.source else { continue }
      let report = PeerReport(
        name: node, role: other.role, priority: other.priority, address: source, isSettled: other.isSettled)
      perform(routerSet.handle(.peer(report), for: index, at: now), at: now)
    }
  }

  /// The virtual router of another node that has the same VRID and family as the one at an index.
  func counterpart(of index: Int, among others: [NodeVitals.Router]) -> NodeVitals.Router? {
    let settings = instances[index].plan.settings
    let family = settings.ipAddresses.first?.family
    return others.first { $0.identifier == settings.identifier && $0.source?.family == family }
  }

  /// Hands the addresses over and takes no further part; `isStopped` when complete.
  mutating func stop(at now: Instant) { perform(routerSet.handle(.stop, at: now), at: now) }

  var isStopped: Bool { stopped.count == instances.count }

  /// Removes every address at once, without a handover.
  mutating func abandon() {
    for index in instances.indices where routerSet.routers[index].holdsAddresses { dropAddresses(index) }
    leaseFile?.remove()
  }

  private mutating func receive(_ index: Int, at now: Instant) {
    let packets: [AdvertisementSocket.Packet]
    do throws(SystemError) { packets = try instances[index].port?.receive() ?? [] } catch {
      return say(index, .warning, "\(error)", as: .receiving, at: now)
    }
    for packet in packets {
      // IPv4 packets are dropped earlier: the kernel takes them for martians.
      guard !instances[index].own.contains(packet.source) else {
        say(
          index, .warning,
          """
          an advertisement from our own address \(packet.source): a loop in the network, or a machine with the same \
          address
          """, as: .echo, at: now)
        continue
      }
      let received = ReceivedPacket(
        source: packet.source, destination: packet.destination, hopLimit: packet.hopLimit, payload: packet.bytes.span)
      do throws(AdvertisementRejection) {
        let advertisement = try instances[index].channel.decode(received, at: .now)
        warn(index, of: advertisement, from: packet.source, at: now)
        perform(routerSet.handle(.advertisement(advertisement, from: packet.source), for: index, at: now), at: now)
      } catch {
        // Meant for another virtual router: no error.
        if case .virtualRouter = error { continue }
        say(
          index, .warning, "advertisement from \(packet.source) rejected: \(error)", as: .rejection(error.kind), at: now
        )
        perform(routerSet.handle(.rejected(error, from: packet.source), for: index, at: now), at: now)
      }
    }
  }

  /// Warns of a different address list, unless the sender is the address owner (priority 255).
  private mutating func warn(_ index: Int, of advertisement: Advertisement, from source: IPAddress, at now: Instant) {
    guard advertisement.priority < 255, !instances[index].channel.isAboutOurs(advertisement) else { return }
    let theirs = advertisement.addresses.prefix(8).map { "\($0)" }.joined(separator: ", ")
    say(
      index, .error,
      """
      \(source) advertises other addresses than ours: \(theirs). Its priority counts all the same, so that one of the \
      two is Active, and an address that only the other node is configured with is unreachable; make `address` the same on both nodes
      """, as: .addresses, at: now)
  }

  /// A better Active advertises before it announces: advertisements are read first.
  private mutating func receiveClaims(_ index: Int, at now: Instant) {
    do throws(SystemError) {
      let claims = try instances[index].port?.claims(of: instances[index].plan.settings.ipAddresses) ?? []
      if !claims.isEmpty { receive(index, at: now) }
      for (claim, owner) in claims {
        perform(routerSet.handle(.claimed(claim, by: owner), for: index, at: now), at: now)
      }
    } catch {
      say(index, .warning, "\(error)", as: .receiving, at: now)
    }
  }

  // MARK: interfaces and addresses

  private mutating func drainWatch(_ poller: borrowing Poller, at now: Instant) {
    var isNew = false
    // Bounded, so that constant changes do not block the loop; the rest makes the socket readable again.
    for _ in 0..<64 {
      let events = watch.next()
      guard !events.isEmpty else { break }
      isNew = isNew || events.contains { !isOwnRenewal($0) }
    }
    guard isNew else { return }
    do throws(SystemError) { try refresh(poller, at: now) } catch { log.error("vrrp: \(error)") }
  }

  private func isOwnRenewal(_ event: RouteWatch.Event) -> Bool {
    guard case .address(let address) = event else { return false }
    return instances.contains { $0.plan.settings.ipAddresses.contains(address.address) }
  }

  /// Reads interfaces and addresses from the kernel, and reports changes.
  private mutating func refresh(_ poller: borrowing Poller, at now: Instant) throws(SystemError) {
    let interfaces = try routes.interfaces()
    let addresses = try routes.addresses()
    for index in instances.indices {
      let interface = interfaces.first { $0.name == instances[index].plan.router.interface }
      attach(index, to: interface, poller, at: now)
      let own = addresses.filter { $0.interface == interface?.index }
      instances[index].own = staying(own)
      findForeignAddresses(index, own, at: now)
      let source = interface == nil ? nil : instances[index].plan.source(among: instances[index].own)
      if source != instances[index].source {
        instances[index].source = source
        isFileStale = true
        perform(routerSet.handle(.source(source), for: index, at: now), at: now)
      }
      let isUsable = interface?.isUsable == true && instances[index].port != nil
      let link = VirtualRouter.Event.track(RouterPlan.Condition.link.rawValue, isGood: isUsable)
      perform(routerSet.handle(link, for: index, at: now), at: now)
      reportLinks(index, interfaces, at: now)
      let present = Set(own.map(\.address))
      if routerSet.routers[index].holdsAddresses, !present.isSuperset(of: instances[index].plan.settings.ipAddresses) {
        perform(routerSet.handle(.addressRemoved, for: index, at: now), at: now)
      }
    }
  }

  private mutating func reportLinks(_ index: Int, _ interfaces: [NetworkInterface], at now: Instant) {
    for (offset, condition) in instances[index].plan.router.tracks.enumerated() {
      guard case .interface(let name) = condition.subject else { continue }
      let isGood = interfaces.contains { $0.name == name && $0.isUsable }
      let track = RouterPlan.Condition.allCases.count + offset
      perform(routerSet.handle(.track(track, isGood: isGood), for: index, at: now), at: now)
    }
  }

  /// Opens the sockets when the interface is a new one.
  private mutating func attach(
    _ index: Int, to interface: NetworkInterface?, _ poller: borrowing Poller, at now: Instant
  ) {
    guard let interface else {
      if instances[index].port != nil { log(index, .warning, "the interface is gone") }
      instances[index].port = nil
      return say(
        index, .warning, "there is no interface \(instances[index].plan.router.interface)", as: .interface, at: now)
    }
    keepSecondaries(index, of: interface, at: now)
    if instances[index].port?.update(interface) == true { return }
    do throws(SystemError) {
      instances[index].port = try RouterPort(index, instances[index].plan.settings, on: interface, poller: poller)
    } catch {
      instances[index].port = nil
      say(index, .error, "\(error)", as: .interface, at: now)
    }
  }

  /// A lease may be the primary address of its subnet: the machine's own must survive its removal.
  private mutating func keepSecondaries(_ index: Int, of interface: NetworkInterface, at now: Instant) {
    guard interface.dropsSecondaries, instances[index].plan.settings.addresses[0].address.family == .v4 else { return }
    do throws(SystemError) {
      try routes.keepSecondaries(of: interface)
      say(
        index, .notice,
        """
        set net.ipv4.conf.\(interface.name).promote_secondaries to 1: with 0 the kernel may take the machine's own \
        addresses off together with the virtual one
        """, as: .secondaries, at: now)
    } catch {
      say(index, .warning, "\(error)", as: .interface, at: now)
    }
  }

  /// Finds virtual addresses that another program has put on the interface. They are neither leased nor removed: one
  /// may be the only address that the machine is reachable by.
  private mutating func findForeignAddresses(_ index: Int, _ own: [InterfaceAddress], at now: Instant) {
    let plan = instances[index].plan
    let foreign = own.filter { plan.settings.ipAddresses.contains($0.address) && !$0.isLease(of: plan.settings) }
    instances[index].foreign = Set(foreign.map(\.address))
    for address in foreign {
      let origins = InterfaceFindings.origins(of: address, on: plan.router.interface)
      say(
        index, .error,
        """
        \(address.address) is on \(plan.router.interface), and this service did not put it there: \(origins). It is left alone
        """, as: .foreign, at: now)
    }
  }

  /// This node's own addresses, which do not move.
  private func staying(_ addresses: [InterfaceAddress]) -> [IPAddress] {
    let virtual = Set(instances.flatMap(\.plan.settings.ipAddresses))
    return addresses.filter { $0.origin != InterfaceAddress.ourProtocol && !virtual.contains($0.address) }
      .map(\.address)
  }

  /// Removes the leases of an earlier run.
  private mutating func sweep() throws(SystemError) {
    let recorded = leaseFile?.record()?.addresses ?? []
    let sweep = LeaseSweep(try routes.addresses(), on: try routes.interfaces(), recorded: recorded)
    for lease in sweep.leftovers(instances.map(\.plan.router)) where try routes.remove(lease.address) {
      log.notice("vrrp: removed \(lease.address.address) from \(lease.interface), left by an earlier run")
    }
  }
}
