public import APIMachinery

/// How strict a namespace is with its pods (Kubernetes documentation, "Pod Security Standards").
public enum PodSecurityLevel: String, Hashable, Sendable, Comparable, CaseIterable {
    case privileged, baseline, restricted

    /// Whether `a` allows more than `b`.
    public static func < (a: PodSecurityLevel, b: PodSecurityLevel) -> Bool { a.rank < b.rank }

    private var rank: Int {
        switch self {
        case .privileged: 0
        case .baseline: 1
        case .restricted: 2
        }
    }
}

/// A level as it was in one release: `restricted:latest`, `baseline:v1.25`.
public struct PodSecurityStandard: Hashable, Sendable, CustomStringConvertible {
    public var level: PodSecurityLevel
    /// The minor number of the release; `nil` for the newest rules.
    public var minor: Int?

    public init(_ level: PodSecurityLevel, minor: Int? = nil) {
        self.level = level
        self.minor = minor
    }

    public var description: String { "\(level.rawValue):\(versionText)" }
    private var versionText: String { minor.map { "v1.\($0)" } ?? "latest" }

    /// Reads `latest` or `v1.N`; `nil` if it is neither.
    static func minor(_ text: String) -> Int?? {
        if text == "latest" { return .some(nil) }
        guard text.hasPrefix("v1.") else { return nil }
        let digits = text.dropFirst(3)
        guard let number = Int(digits), String(number) == digits, number >= 0 else { return nil }
        return .some(number)
    }
}

/// What a namespace asks of its pods: what is refused, what is noted in the audit log, what clients are warned of.
public struct PodSecurityPolicy: Hashable, Sendable {
    public var enforce = PodSecurityStandard(.privileged)
    public var audit = PodSecurityStandard(.privileged)
    public var warn = PodSecurityStandard(.privileged)

    public init() {}

    private static let prefix = "pod-security.kubernetes.io/"

    /// Whether nothing is asked at all.
    public var isPrivileged: Bool {
        enforce.level == .privileged && audit.level == .privileged && warn.level == .privileged
    }

    /// What the labels of a namespace say, `defaults` where they are silent, and what is wrong with them. A level that
    /// cannot be read is taken for `restricted` where it is enforced, for `privileged` where it is not.
    public static func read(
        _ labels: Fields, defaults: PodSecurityPolicy
    ) -> (policy: PodSecurityPolicy, errors: [FieldError]) {
        var policy = defaults
        var errors: [FieldError] = []
        guard !labels.isEmpty else { return (policy, errors) }
        read(labels, "enforce", &policy.enforce, fallback: .restricted, &errors)
        read(labels, "audit", &policy.audit, fallback: .privileged, &errors)
        read(labels, "warn", &policy.warn, fallback: .privileged, &errors)
        return (policy, errors)
    }

    private static func read(
        _ labels: Fields, _ mode: String, _ standard: inout PodSecurityStandard, fallback: PodSecurityLevel,
        _ errors: inout [FieldError]
    ) {
        if let text = labels[prefix + mode]?.string {
            if let level = PodSecurityLevel(rawValue: text) {
                standard.level = level
            } else {
                standard.level = fallback
                errors.append(
                    .invalid(
                        "metadata.labels[\(prefix)\(mode)]", value: .string(text),
                        "must be one of privileged, baseline, restricted"))
            }
        }
        let key = "\(prefix)\(mode)-version"
        if let text = labels[key]?.string {
            if let minor = PodSecurityStandard.minor(text) {
                standard.minor = minor
            } else {
                standard.minor = nil
                errors.append(
                    .invalid("metadata.labels[\(key)]", value: .string(text), "must be \"latest\" or \"v1.x\""))
            }
        }
    }

    /// Reads the `defaults` of a `PodSecurityConfiguration`; what is wrong with them is returned beside.
    public static func configured(_ defaults: Value?) -> (policy: PodSecurityPolicy, errors: [FieldError]) {
        let labels = Fields((defaults?.fields ?? Fields()).map { (prefix + $0.key, $0.value) })
        return read(labels, defaults: PodSecurityPolicy())
    }
}
