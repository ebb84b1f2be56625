public import Support
import APIMachinery
import CTables

/// The feature gates of Kubernetes, as `--feature-gates` names them.
///
/// What a gate opens is either built here or not, so a gate has one value: its default in Kubernetes. It may be said, as
/// many configurations do; the opposite is a fault, which is better than to be believed.
public enum FeatureGates {
    /// Opened by serving the API that they are about.
    private static let switchable: Set<String> = ["StorageVersionMigrator"]

    /// Settings of the form `NAME=true`.
    public static func check(_ settings: [String]) throws(Fault) {
        guard !settings.isEmpty else { return }
        let gates = CTables_gates().document
        for setting in settings {
            let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let wanted = Bool(parts[1].lowercased()) else {
                throw Fault(.invalid, "feature-gates: \"\(setting)\" is not of the form NAME=true or NAME=false")
            }
            try check(parts[0], is: wanted, in: gates)
        }
    }

    private static func check(_ name: String, is wanted: Bool, in gates: Value) throws(Fault) {
        guard !["AllAlpha", "AllBeta"].contains(name) else {
            guard wanted else { return }
            throw Fault(.unsupported, "feature-gates: \(name)=true opens what this version does not have")
        }
        guard let gate = gates[name] else { throw Fault(.invalid, "feature-gates: unrecognized feature gate: \(name)") }
        if let locked = gate.array?.first {
            guard locked.bool == wanted else {
                throw Fault(.invalid, "feature-gates: cannot set \(name) to \(wanted), it is locked to \(!wanted)")
            }
        } else if gate.bool != wanted, !switchable.contains(name) {
            throw Fault(.unsupported, "feature-gates: \(name)=\(wanted) is not part of this version")
        }
    }
}
