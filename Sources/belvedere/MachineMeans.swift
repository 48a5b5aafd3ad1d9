import Configuration
import Linux
import Wire

extension Configuration.Means {
  /// Of this machine and this process, which is the service.
  static var ofThisService: Configuration.Means {
    var means = ofThisMachine
    means.descriptors = CurrentProcess.openFileMaximum
    return means
  }

  /// Of this machine. How many descriptors the service may open is not known to a process that is not the service: a
  /// shell has limits of its own.
  static var ofThisMachine: Configuration.Means {
    Configuration.Means(
      descriptors: nil, ports: Machine.sourcePorts, memory: Machine.memoryBound,
      processors: CurrentProcess.processors)
  }
}
