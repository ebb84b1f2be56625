extension CELLibrary {
    /// Semantic versions.
    static let versions: [CELFunction] = [
        CELFunction("semver", "(string) kubernetes.Semver", "(string, bool) kubernetes.Semver", cost: .text) {
            arguments throws(CELError) in
            guard let version = SemanticVersion(try oneText(arguments), isLenient: try isLenient(arguments)) else {
                throw CELError("semver parse error: invalid version '\(try oneText(arguments))'")
            }
            return .opaque(version)
        },
        CELFunction("isSemver", "(string) bool", "(string, bool) bool", cost: .text) { arguments throws(CELError) in
            .bool(SemanticVersion(try oneText(arguments), isLenient: try isLenient(arguments)) != nil)
        },
        part("major") { $0.major }, part("minor") { $0.minor }, part("patch") { $0.patch },
    ]

    private static func isLenient(_ arguments: [CELValue]) throws(CELError) -> Bool {
        guard arguments.count > 1 else { return false }
        guard case .bool(let flag) = arguments[1] else { throw .noSuchOverload }
        return flag
    }

    private static func part(_ name: String, _ read: @escaping @Sendable (SemanticVersion) -> UInt64) -> CELFunction {
        CELFunction(name, "kubernetes.Semver.() int") { arguments throws(CELError) in
            guard case .opaque(let version as SemanticVersion) = arguments[0] else { throw .noSuchOverload }
            return .int(Int64(clamping: read(version)))
        }
    }
}

/// A version as semver.org, 2.0.0, has it. Build metadata does not count when comparing.
struct SemanticVersion: CELOpaque, Comparable {
    let major: UInt64
    let minor: UInt64
    let patch: UInt64
    private let prerelease: [Identifier]

    var typeName: String { "kubernetes.Semver" }

    private enum Identifier: Hashable, Comparable {
        // Numbers come before words.
        case number(UInt64)
        case word(String)
    }

    /// Lenient: `v1.2` is 1.2.0, and numbers may have zeros in front.
    init?(_ text: String, isLenient: Bool) {
        var text = text[...]
        if isLenient, text.hasPrefix("v") { text = text.dropFirst() }
        let withBuild = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        guard withBuild.count == 1 || Self.areIdentifiers(withBuild[1]) else { return nil }
        let withPrerelease = withBuild[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let parts = withPrerelease[0].split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 || (isLenient && parts.count < 3) else { return nil }
        var numbers: [UInt64] = []
        for part in parts {
            guard let number = Self.number(part, allowsLeadingZeros: isLenient) else { return nil }
            numbers.append(number)
        }
        while numbers.count < 3 { numbers.append(0) }
        (major, minor, patch) = (numbers[0], numbers[1], numbers[2])
        var identifiers: [Identifier] = []
        if withPrerelease.count > 1 {
            guard Self.areIdentifiers(withPrerelease[1]) else { return nil }
            for part in withPrerelease[1].split(separator: ".") {
                if part.utf8.allSatisfy({ (48...57).contains($0) }) {
                    guard let number = Self.number(part, allowsLeadingZeros: false) else { return nil }
                    identifiers.append(.number(number))
                } else {
                    identifiers.append(.word(String(part)))
                }
            }
        }
        prerelease = identifiers
    }

    private static func number(_ text: Substring, allowsLeadingZeros: Bool) -> UInt64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        guard allowsLeadingZeros || text.utf8.count == 1 || text.utf8.first != 48 else { return nil }
        return UInt64(text)
    }

    private static func areIdentifiers(_ text: Substring) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy {
                    (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 45
                }
        }
    }

    static func == (a: SemanticVersion, b: SemanticVersion) -> Bool {
        (a.major, a.minor, a.patch) == (b.major, b.minor, b.patch) && a.prerelease == b.prerelease
    }

    static func < (a: SemanticVersion, b: SemanticVersion) -> Bool {
        if (a.major, a.minor, a.patch) != (b.major, b.minor, b.patch) {
            return (a.major, a.minor, a.patch) < (b.major, b.minor, b.patch)
        }
        // What has a pre-release comes before the release itself.
        if a.prerelease.isEmpty || b.prerelease.isEmpty { return !a.prerelease.isEmpty && b.prerelease.isEmpty }
        return a.prerelease.lexicographicallyPrecedes(b.prerelease)
    }
}
