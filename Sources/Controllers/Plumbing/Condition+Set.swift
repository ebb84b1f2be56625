import API
import APIMachinery
import Support

extension [Condition] {
    /// Sets the condition of this type. Its time is that of the last change of its status, not of its words (API
    /// conventions, "Typical status properties").
    mutating func set(
        _ type: String, _ status: Bool, reason: String, message: String = "", observing generation: Int? = nil,
        at now: Timestamp
    ) {
        let index = firstIndex { $0.type == type }
        var condition = index.map { self[$0] } ?? Condition()
        let text = status ? "True" : "False"
        if condition.status != text {
            condition.lastTransitionTime = now
        }
        condition.type = type
        condition.status = text
        condition.reason = reason
        // Required, even when there is nothing to say.
        condition.value["message"] = .string(message)
        if let generation { condition.assign(\.observedGeneration, generation) }
        if let index { self[index] = condition } else { append(condition) }
    }
}
