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

let package = Package(
    name: "k3s",
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2")
    ],
    targets: [
        module("Support", [logging]),
        [tests("Support")],
    ].flatMap(\.self)
)
