import API
import APIMachinery

/// What the status of a quota tells: its limits, and what is used of them. Pure.
enum QuotaStatus {
    /// The status as it should be. A limit on what nothing uses up, or on a kind that is not served, is not said to be
    /// used.
    ///
    /// - Parameter count: How many objects of a resource there are in the quota's namespace; `nil` when it is not served.
    static func status(
        of quota: Value, _ account: QuotaBook.Account, count: (_ resource: String, _ group: String) -> Int?
    ) -> Value {
        var used: [String: Quantity] = [:]
        for name in account.rules.hard.keys {
            switch QuotaNames.source(of: name) {
            case .measured: used[name] = account.used[name]
            case .count(let resource, let group):
                // Scopes are about pods and claims: with them a quota counts nothing else.
                let number = account.rules.scopes.isEmpty ? count(resource, group) : nil
                used[name] = number.map { Quantity(Int64($0)) }
            case nil: break
            }
        }
        var status = Value.emptyObject
        status["hard"] = quota.at("spec", "hard") ?? .emptyObject
        status["used"] = Value(used.mapValues(\.description))
        return status
    }
}
