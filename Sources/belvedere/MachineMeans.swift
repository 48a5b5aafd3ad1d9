import Configuration
import Linux
import Wire

extension Configuration.Means {
  /// The resources of this machine and of this process, which is the service.
  static var ofThisService: Configuration.Means {
    var means = ofThisMachine
    means.descriptors = CurrentProcess.openFileMaximum
    return means
  }

  /// The resources of this machine. The service's limit of descriptors is not known to another process: a shell has
  /// limits of its own.
  static var ofThisMachine: Configuration.Means {
    Configuration.Means(
      descriptors: nil, ports: Machine.sourcePorts, memory: Machine.memoryBound,
      processors: CurrentProcess.processors)
  }
}
