// swift-tools-version: 6.2
import PackageDescription

/// The settings every target of ours is built with (docs/STYLE.md, "Concurrency").
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// A library target of ours, with its tests beside it in `Tests/`.
func module(
    _ name: String, _ dependencies: [Target.Dependency] = [], linking: [LinkerSetting] = []
) -> [Target] {
    [
        .target(
            name: name, dependencies: dependencies, exclude: ["README.md"], swiftSettings: strict,
            linkerSettings: linking)
    ]
}

/// The unit tests of one module.
func tests(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.byName(name: name)] + dependencies, resources: resources,
        swiftSettings: strict)
}

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

/// Heaps and double-ended queues.
let collections: [Target.Dependency] = [
    .product(name: "DequeModule", package: "swift-collections"),
    .product(name: "HeapModule", package: "swift-collections"),
]

/// What `Wire` is made of: event loops, TLS and the parsers of HTTP/1.1 and HTTP/2.
let networking: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOTLS", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOHPACK", package: "swift-nio-http2"),
    .product(name: "NIOHTTP2", package: "swift-nio-http2"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
]

let package = Package(
    name: "k3s",
    dependencies: [
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", exact: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
    ],
    targets: [
        module("Support", [logging]),
        [.target(name: "CLinux")],
        module("Host", ["Support", "CLinux"]),
        module("HostTestSupport", ["Support", "Host"]),
        [tests("Host", ["Support", "CLinux", "HostTestSupport"])],
        // zlib compresses the headers of SPDY.
        [.systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])])],
        module("Wire", ["Support", "CZlib", logging] + networking, linking: [.linkedLibrary(":libz.a")]),
        [tests("Support")],
        [tests("Wire", ["Support", .product(name: "NIOEmbedded", package: "swift-nio")] + networking)],
        [.target(name: "CCrypto", linkerSettings: [.linkedLibrary(":libcrypto.a")])],
        module("PKI", ["Support", "CCrypto"]),
        [tests("PKI", ["Support"])],
        // libyaml, linked statically so that the binary runs where it is not installed.
        [.systemLibrary(name: "CYAML", providers: [.apt(["libyaml-dev"])])],
        module("APIMachinery", ["Support", "CYAML"], linking: [.linkedLibrary(":libyaml.a")]),
        [tests("APIMachinery", ["Support"])],
        module("CEL", ["Support", "APIMachinery"]),
        [tests("CEL", ["Support", "APIMachinery"])],
        // The tables that Tools/tables writes; constant bytes.
        [.target(name: "CTables", exclude: ["sentences"])],
        module("API", ["Support", "APIMachinery", "CEL", "CTables"]),
        [tests("API", ["Support", "APIMachinery"])],
        [
            .executableTarget(
                name: "tables", dependencies: ["Support", "APIMachinery"], path: "Tools/tables",
                exclude: ["README.md", "additions.json"], swiftSettings: strict)
        ],
        [.systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])])],
        module(
            "Datastore", ["Support", "CSQLite"],
            // The archive's own name makes the linker take it, and not the shared library of the same name.
            linking: [.linkedLibrary(":libsqlite3.a"), .linkedLibrary("m")]),
        module("DatastoreTestSupport", ["Support", "Datastore"]),
        [
            tests("Datastore", ["Support", "CSQLite", "DatastoreTestSupport", "DatastoreCrashWriter"]),
            // A program for the tests to kill.
            .executableTarget(
                name: "DatastoreCrashWriter", dependencies: ["Datastore"], path: "Tests/DatastoreCrashWriter",
                swiftSettings: strict),
        ],
        module("Client", ["Support", "APIMachinery"] + collections),
        module("ClientTestSupport", ["Support", "APIMachinery", "API", "Client"]),
        module("Scheduler", ["Support", "APIMachinery", "CEL", "API", "Client", logging] + collections),
        [tests("Scheduler", ["Support", "APIMachinery", "CEL", "API", "Client", "ClientTestSupport", logging])],
        module(
            "APIServer",
            ["Support", "Host", "Wire", "PKI", "APIMachinery", "CEL", "API", "Datastore", "Client", logging]
                + collections),
        [
            tests(
                "APIServer",
                ["Support", "Host", "Wire", "PKI", "APIMachinery", "CEL", "API", "Datastore", "Client", logging])
        ],
        [tests("Client", ["Support", "APIMachinery"])],
        module("Controllers", ["Support", "PKI", "APIMachinery", "API", "Client", logging]),
        [
            tests(
                "Controllers",
                [
                    "Support", "PKI", "APIMachinery", "API", "Datastore", "Client", "ClientTestSupport", "APIServer",
                    logging,
                ])
        ],
        module("Runtime", ["Support", "Host", "Wire", "PKI", "APIMachinery", logging]),
        [tests("Runtime", ["Support", "Host", "HostTestSupport", "Wire", "APIMachinery", logging])],
        module(
            "Kubelet", ["Support", "Host", "Wire", "PKI", "APIMachinery", "API", "Client", "Runtime", logging]),
        [
            tests(
                "Kubelet",
                [
                    "Support", "Host", "HostTestSupport", "Wire", "PKI", "APIMachinery", "API", "Datastore", "Client",
                    "ClientTestSupport", "APIServer", "Runtime", logging,
                ])
        ],
        module("Network", ["Support", "Host", "Wire", "APIMachinery", "API", "Client", logging]),
        [tests("Network", ["Support", "Host", "Wire", "APIMachinery", "API", "Client", "CLinux", logging])],
        module("Addons", ["Support", "Host", "APIMachinery", "API", "Client", "Controllers", logging]),
        [
            tests(
                "Addons",
                [
                    "Support", "Host", "APIMachinery", "API", "Client", "ClientTestSupport", "Controllers", "Scheduler",
                    logging,
                ])
        ],
        module("Supervisor", ["Support", "Host", "PKI", "APIMachinery"]),
        [tests("Supervisor", ["Support", "Host", "PKI"])],
        module(
            "Simulation",
            [
                "Support", "PKI", "APIMachinery", "API", "Datastore", "Client", "APIServer", "Controllers", "Scheduler",
                logging,
            ] + collections),
        [
            tests("Simulation", ["Support", "APIMachinery", "API", "Datastore"]),
            .executableTarget(
                name: "simulate", dependencies: ["Support", "Simulation"], path: "Tools/simulate", exclude: ["README.md"],
                swiftSettings: strict),
        ],
        [.testTarget(name: "TidyTests", swiftSettings: strict)],
        [.testTarget(name: "ClusterTests", dependencies: ["Support", "Host", "PKI", "APIMachinery"], path: "Tests/Cluster", exclude: ["Programs"], swiftSettings: strict)],
        [
            .executableTarget(
                name: "k3s",
                dependencies: [
                    "Support", "Host", "Wire", "PKI", "APIMachinery", "API", "Datastore", "Client", "APIServer",
                    "Controllers", "Scheduler", "Runtime", "Kubelet", "Network", "Addons", "Supervisor", logging,
                ], exclude: ["README.md"], swiftSettings: strict)
        ],
    ].flatMap(\.self)
)
