public import APIMachinery

/// What a pod breaks of a standard: the control in a few words, and where it is broken.
public struct PodSecurityViolation: Hashable, Sendable {
    public var reason: String
    public var detail: String
}

extension [PodSecurityViolation] {
    /// As clients see it: `privileged (container "a" must not set securityContext.privileged=true), ...`.
    public var details: String {
        map { $0.detail.isEmpty ? $0.reason : "\($0.reason) (\($0.detail))" }.joined(separator: ", ")
    }

    /// The controls alone.
    public var reasons: String { map(\.reason).joined(separator: ", ") }
}

/// Judges pods by the Pod Security Standards, as they were in each release.
public enum PodSecurityChecks {
    /// A control, in the forms that it had since `minor`.
    struct Check: Sendable {
        var name: String
        var forms: [(minor: Int, judge: @Sendable (PodSecurityFacts) -> PodSecurityViolation?)]
        /// The control of the baseline that this one contains.
        var replaces: String?

        /// The form that counts in a release; `nil` when the control came later.
        func form(in minor: Int?) -> (@Sendable (PodSecurityFacts) -> PodSecurityViolation?)? {
            guard let minor else { return forms.last?.judge }
            return forms.last { $0.minor <= minor }?.judge
        }
    }

    /// What a pod, or the template of one, breaks of a standard. Kubernetes' order: the baseline, then what is
    /// restricted beyond, each by the name of the control.
    public static func violations(of pod: Value, against standard: PodSecurityStandard) -> [PodSecurityViolation] {
        guard standard.level != .privileged else { return [] }
        let facts = PodSecurityFacts(pod)
        var replaced: Set<String> = []
        var beyond: [PodSecurityViolation] = []
        if standard.level == .restricted {
            for check in restricted {
                guard let judge = check.form(in: standard.minor) else { continue }
                if let name = check.replaces { replaced.insert(name) }
                if let violation = judge(facts) { beyond.append(violation) }
            }
        }
        let basic = baseline.compactMap { check in
            replaced.contains(check.name) ? nil : check.form(in: standard.minor)?(facts)
        }
        return basic + beyond
    }
}

/// A pod with what the controls look at.
struct PodSecurityFacts {
    let annotations: Fields
    let spec: Value
    /// All containers: those that run first, those that run, those that were added for debugging.
    let containers: [Value]

    init(_ pod: Value) {
        annotations = pod.at("metadata", "annotations")?.fields ?? Fields()
        let spec = pod["spec"] ?? .emptyObject
        self.spec = spec
        containers = ["initContainers", "containers", "ephemeralContainers"].flatMap { spec[$0]?.array ?? [] }
    }

    var isWindows: Bool { spec.at("os", "name") == "windows" }
    /// Whether root in the pod is nobody on the node (KEP-127).
    var hasOwnUsers: Bool { spec["hostUsers"] == false }

    /// The names of the containers for which `isBad` holds of their security context.
    func names(where isBad: (Value) -> Bool) -> [String] {
        containers.filter { isBad($0["securityContext"] ?? .emptyObject) }.map { $0["name"]?.string ?? "" }
    }
}

/// Words of messages.
enum PodSecurityText {
    static func quoted(_ names: some Sequence<String>) -> String {
        names.map { "\"\($0)\"" }.joined(separator: ", ")
    }

    static func containers(_ names: [String]) -> String {
        (names.count == 1 ? "container " : "containers ") + quoted(names)
    }

    /// Who broke a control: `pod and container "a"`.
    static func setters(pod: Bool, _ names: [String]) -> String {
        ((pod ? ["pod"] : []) + (names.isEmpty ? [] : [containers(names)])).joined(separator: " and ")
    }
}
