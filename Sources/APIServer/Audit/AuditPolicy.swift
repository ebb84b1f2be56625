import APIMachinery
public import Support

/// How much of a request is written down (`audit.k8s.io/v1.Level`); each level holds what the ones before it hold.
enum AuditLevel: Int, Comparable, Sendable, CaseIterable {
    case none, metadata, request, requestResponse

    private static let names = ["None", "Metadata", "Request", "RequestResponse"]
    var name: String { Self.names[rawValue] }

    init?(name: String) {
        guard let index = Self.names.firstIndex(of: name) else { return nil }
        self.init(rawValue: index)
    }

    static func < (a: AuditLevel, b: AuditLevel) -> Bool { a.rawValue < b.rawValue }
}

/// When an event is made (`audit.k8s.io/v1.Stage`).
enum AuditStage: String, Sendable, CaseIterable {
    case requestReceived = "RequestReceived"
    /// The head of an answer that takes long was sent: a watch, a followed log, a command.
    case responseStarted = "ResponseStarted"
    case responseComplete = "ResponseComplete"
    /// Known, so that policies may omit it; a server that does not go on after a broken invariant never reaches it.
    case panic = "Panic"
}

/// Which requests are written down, and how much of them: the file of `--audit-policy-file` (`audit.k8s.io/v1.Policy`).
///
/// The first rule that matches decides; what no rule matches is not written down.
public struct AuditPolicy: Hashable, Sendable {
    /// What becomes of one request.
    struct Decision: Hashable, Sendable {
        var level = AuditLevel.none
        var omittedStages: Set<AuditStage> = []
        var omitsManagedFields = false
    }

    let rules: [AuditRule]
    let omittedStages: Set<AuditStage>
    let omitsManagedFields: Bool

    /// Reads the file's text, YAML or JSON. A fault names the part of the file that is wrong.
    public init(text: String) throws(Fault) {
        let document = try ConfigurationDocument.read(
            text, kind: "Policy", apiVersions: ["audit.k8s.io/v1"], Self.fault)
        omittedStages = try Self.stages(document["omitStages"], "omitStages")
        omitsManagedFields = document["omitManagedFields"]?.bool ?? false
        var rules: [AuditRule] = []
        for (index, rule) in (document["rules"]?.array ?? []).enumerated() {
            rules.append(try AuditRule(rule, "rules[\(index)]"))
        }
        guard !rules.isEmpty else { throw Self.fault("rules: at least one rule is needed") }
        self.rules = rules
    }

    /// `request` is in the name of its sender, whomever it goes on to act as.
    func decide(_ request: AccessRequest) -> Decision {
        guard let rule = rules.first(where: { $0.matches(request) }) else { return Decision() }
        return Decision(
            level: rule.level, omittedStages: omittedStages.union(rule.omittedStages),
            omitsManagedFields: rule.omitsManagedFields ?? omitsManagedFields)
    }

    // MARK: Reading the file

    static func stages(_ value: Value?, _ path: String) throws(Fault) -> Set<AuditStage> {
        var stages: Set<AuditStage> = []
        for (index, name) in (value?.array ?? []).enumerated() {
            guard let stage = name.string.flatMap(AuditStage.init) else {
                throw fault("\(path)[\(index)]: \(name) is no stage")
            }
            stages.insert(stage)
        }
        return stages
    }

    static func fault(_ why: String) -> Fault {
        Fault(
            .invalid, "the audit policy cannot be used: \(why)",
            remedy: "see the Kubernetes documentation, \"Auditing\"")
    }
}
