import Configuration
import Linux
import Wire

extension Configuration.Means {
  /// Of this machine, and of a service that this process is or would be.
  static var ofThisMachine: Configuration.Means {
    Configuration.Means(
      descriptors: CurrentProcess.openFileMaximum, ports: Machine.sourcePorts, memory: Machine.memoryBound,
      processors: CurrentProcess.processors)
  }
}
