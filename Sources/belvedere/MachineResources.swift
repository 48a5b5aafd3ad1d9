import Configuration
import Linux
import Wire

extension Configuration.Resources {
  /// The resources of this machine and of this process, which is the service.
  static var ofThisService: Configuration.Resources {
    var resources = ofThisMachine
    resources.descriptors = CurrentProcess.openFileMaximum
    return resources
  }

  /// The resources of this machine. The service's limit of descriptors is not known to another process: a shell has
  /// limits of its own.
  static var ofThisMachine: Configuration.Resources {
    Configuration.Resources(
      descriptors: nil, ports: Machine.sourcePorts, memory: Machine.memoryBound,
      processors: CurrentProcess.processors)
  }
}
