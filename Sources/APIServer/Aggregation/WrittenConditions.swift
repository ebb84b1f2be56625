import APIMachinery
import Client
import Synchronization

/// The conditions that this server wrote last. An APIService that changed by them alone needs no second look: who answers
/// in other words each time would else be asked without end.
final class WrittenConditions: Sendable {
    private let conditions = Mutex<[String: APIServiceCondition]>([:])

    /// Notes a condition that is about to be written.
    func note(_ name: String, _ condition: APIServiceCondition) { conditions.withLock { $0[name] = condition } }

    /// Whether a change is nothing but the condition that was noted. An APIService that has gone is forgotten.
    func explains(_ change: ObjectChange) -> Bool {
        let name = change.name.name
        guard let new = change.new?.value else {
            conditions.withLock { $0[name] = nil }
            return false
        }
        guard let old = change.old?.value, old["spec"] == new["spec"] else { return false }
        guard old.at("metadata", "labels") == new.at("metadata", "labels") else { return false }
        return conditions.withLock { $0[name] } == APIServiceCondition(new)
    }
}
