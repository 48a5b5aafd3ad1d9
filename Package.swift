// swift-tools-version: 6.3
import PackageDescription

/// The settings of all Swift targets: strict memory safety, warnings are errors.
let settings: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
  // Every C module must see glibc with its GNU extensions; modules with different views of it are incompatible.
  .unsafeFlags(["-Xcc", "-D_GNU_SOURCE"]),
  // Makes the bodies of `public` declarations, and of what they call, available to other modules.
  .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

/// One of our targets and its dependencies. Dependencies point downwards only; `Tests/Structure` verifies it.
func module(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
  .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

/// A C target: a module map, and C code for what Swift can not call or import: macros, variadic functions, structures
/// of netlink and BPF, process set-up, OpenSSL's allocator. It is compiled with stack protection and, where
/// optimisation permits, bounds checks; `packaging/check-binary` verifies it.
func library(_ name: String, links: [String] = []) -> Target {
  .target(
    name: name,
    cSettings: [
      .unsafeFlags(["-fstack-protector-strong"]),
      .unsafeFlags(["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2"], .when(configuration: .release)),
    ], linkerSettings: links.map { .linkedLibrary($0) })
}

func tests(_ name: String, _ dependencies: [Target.Dependency], data: [String] = []) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: dependencies, path: "Tests/" + name, exclude: data, swiftSettings: settings)
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let package = Package(
  name: "belvedere",
  products: [.executable(name: "belvedere", targets: ["belvedere"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    // Pure: no system calls, no clock, no sockets, no `unsafe`.
    module("Wire"),
    module("Domain", ["Wire"]),
    module("HTTP1", ["Wire"]),
    module("Balancing", ["Domain", "Wire"]),
    module("Exchange", ["Domain", "HTTP1", "Balancing", "Wire"]),
    module("WorkerProtocol", ["Domain", "Wire"]),
    module("Control", ["Domain", "Wire"]),
    module("VRRP", ["Domain", "Wire"]),
    module("Pair", ["Domain", "Wire", "Balancing"]),
    module("Apply", ["Wire"]),
    module("Observe", ["Domain", "Wire", "HTTP1", "Control"], resources: [.embedInCode("Page/page.html")]),
    module("Screen", ["Domain", "Wire", "Control"]),
    module("Import", ["Domain", "Wire", "HTTP1"]),
    module("Doctor", ["Domain", "Wire"]),

    // Edges: each encapsulates one external interface.
    library("CLinux"),
    library("COpenSSL", links: ["ssl", "crypto"]),
    library("CSystemd", links: ["systemd"]),
    library("CYAML", links: ["yaml"]),
    module("Linux", ["Wire", "CLinux"]),
    module("TLS", ["Domain", "Wire", "Linux", "COpenSSL"]),
    module("Systemd", ["Domain", "Wire", "Linux", "CSystemd", logging]),
    module("Configuration", ["Domain", "Wire", "Balancing", "HTTP1", "CYAML"]),

    // Users of the edges that load configurations.
    module("Certificates", ["Domain", "Wire", "HTTP1", "Configuration", "Linux", "TLS", logging]),
    module("ReferencedFiles", ["Domain", "Wire", "Configuration", "Linux", "TLS", "Certificates"]),

    // The roles of the binary.
    module(
      "Worker",
      [
        "Domain", "Wire", "HTTP1", "Balancing", "Exchange", "Pair", "Configuration", "WorkerProtocol", "Linux", "TLS",
        "Systemd", "Certificates", "ReferencedFiles", logging,
      ]),
    module(
      "Supervisor",
      ["Domain", "Wire", "VRRP", "Pair", "Configuration", "WorkerProtocol", "Control", "Linux", "Systemd", logging]),
    module(
      "Observer",
      ["Domain", "Wire", "Configuration", "Control", "Observe", "Linux", "TLS", "Systemd", "Certificates", logging]),
    module("Demo", ["Domain", "Wire", "HTTP1", "Linux", "TLS"]),
    .executableTarget(
      name: "belvedere",
      dependencies: [
        "Domain", "Wire", "HTTP1", "Control", "VRRP", "Apply", "Screen", "Import", "Doctor", "Configuration", "Linux",
        "TLS", "Systemd", "ReferencedFiles", "Worker", "Supervisor", "Observer", "Demo", argumentParser, logging,
      ],
      swiftSettings: settings),

    tests("Structure", []),
    tests("Demo", ["Domain", "Demo", "Configuration", "Wire", "Linux", "TLS"]),
    tests("WorkerProtocol", ["Domain", "WorkerProtocol", "Wire", "Simulation"]),
    tests("Control", ["Domain", "Control", "Wire", "Simulation"]),
    tests(
      "Supervisor",
      [
        "Domain", "Supervisor", "VRRP", "Pair", "Configuration", "Control", "WorkerProtocol", "Linux", "Wire",
        "Simulation", logging,
      ]),
    tests("Systemd", ["Domain", "Systemd", "Linux", "Wire", logging]),
    tests("Linux", ["Linux", "Wire"]),
    // Seeds and clocks for the tests of the pure cores.
    .target(name: "Simulation", path: "Tests/Simulation", swiftSettings: settings),
    tests("Wire", ["Wire", "Simulation"]),
    tests("Domain", ["Domain", "Wire"]),
    // Properties that must hold for any bytes; tests check them with mutated seeds, fuzzing with its own inputs.
    .target(
      name: "Properties",
      dependencies: [
        "Domain", "HTTP1", "Exchange", "WorkerProtocol", "Configuration", "VRRP", "Pair", "Apply", "Import",
        "Balancing", "Control", "Supervisor", "Wire", "TLS", "Linux", "COpenSSL",
      ],
      path: "Tests/Properties",
      swiftSettings: settings),
    .testTarget(
      name: "CorpusTests", dependencies: ["Properties"], path: "Tests/Fuzz/Replay", swiftSettings: settings),
    tests("VRRP", ["Domain", "VRRP", "Wire", "TLS", "Simulation", "Properties"], data: ["Golden"]),
    tests("Doctor", ["Domain", "Doctor", "Wire"]),
    tests("PairChannel", ["Domain", "Pair", "Balancing", "Wire", "Simulation"]),
    tests("Apply", ["Apply", "Wire", "TLS", "Simulation", "Properties"]),
    tests("Observe", ["Domain", "Observe", "Control", "Wire", "TLS", "Simulation"], data: ["Golden"]),
    tests("Screen", ["Domain", "Screen", "Control", "Wire"], data: ["Golden"]),
    tests("Import", ["Import", "Configuration", "Properties", "Simulation"], data: ["Corpus", "Golden"]),
    tests("HTTP1", ["HTTP1", "Wire", "Simulation", "Properties"]),
    tests("Balancing", ["Domain", "Balancing", "Wire", "Simulation"]),
    tests(
      "Exchange", ["Domain", "Exchange", "HTTP1", "Balancing", "Wire", "Simulation", "Properties"], data: ["Golden"]),
    tests(
      "Worker",
      [
        "Domain", "Worker", "Exchange", "Configuration", "Pair", "Balancing", "HTTP1", "WorkerProtocol", "TLS", "Linux",
        "Wire",
        "trespass",
        logging,
      ]),
    // Attempts operations that a confined worker must not be able to do. Used only by tests; no product contains it.
    .target(name: "Attempts", path: "Tests/Trespass/Attempts"),
    .executableTarget(
      name: "trespass", dependencies: ["Attempts", "Worker", "Configuration", "Linux"], path: "Tests/Trespass/Driver",
      swiftSettings: settings),
    tests("Certificates", ["Domain", "Certificates", "TLS", "Wire"]),
    tests("Configuration", ["Domain", "Configuration", "Balancing", "HTTP1", "Wire", "Simulation"], data: ["Golden"]),
    tests("TLS", ["Domain", "TLS", "Linux", "Wire", "COpenSSL", "Properties", "Simulation"]),
  ]
)

// Fuzzing requires a separate build (Tests/Fuzz/run): libFuzzer provides the main function, and all code is
// instrumented.
if Context.environment["BELVEDERE_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "fuzz", dependencies: ["Properties"], path: "Tests/Fuzz/Driver", swiftSettings: settings,
      linkerSettings: [.unsafeFlags(["-use-ld=lld"])]))
}
