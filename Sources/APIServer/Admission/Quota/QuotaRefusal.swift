import API
import APIMachinery

/// Why a quota refuses an object, in Kubernetes' words.
enum QuotaRefusal: Error, Equatable, CustomStringConvertible {
    /// A container does not say what it must.
    case unsaid(quota: String, complaint: String)
    case exceeded(quota: String, requested: QuotaUsage.Amounts, used: QuotaUsage.Amounts, limited: QuotaUsage.Amounts)
    case negative(names: [String])
    /// These may be used under a quota only, and there is none.
    case uncovered(names: [String])
    case uncoveredScopes([QuotaScope])

    var description: String {
        switch self {
        case .unsaid(let quota, let complaint): "failed quota: \(quota): \(complaint)"
        case .exceeded(let quota, let requested, let used, let limited):
            "exceeded quota: \(quota), requested: \(Self.text(requested)), used: \(Self.text(used)), "
                + "limited: \(Self.text(limited))"
        case .negative(let names): "quota usage is negative for resource(s): \(names.sorted().joined(separator: ","))"
        case .uncovered(let names): "insufficient quota to consume: \(names.sorted().joined(separator: ","))"
        case .uncoveredScopes(let scopes):
            "insufficient quota to match these scopes: [\(scopes.map(\.description).joined(separator: " "))]"
        }
    }

    private static func text(_ amounts: QuotaUsage.Amounts) -> String {
        amounts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
}
