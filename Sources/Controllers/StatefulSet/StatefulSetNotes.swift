import API
import Client

/// What a StatefulSet tells of its pods and claims, as Kubernetes words it.
extension ControllerNote {
    /// `verb` is `create`, `update` or `delete`; `failure` why it did not work.
    static func statefulPod(_ verb: String, _ pod: String, _ set: StatefulSet, _ failure: String? = nil) -> Self {
        let subject = "\(verb) Pod \(pod) in StatefulSet \(set.metadata.name)"
        return outcome(verb, failure.map { "\(subject) failed error: \($0)" } ?? "\(subject) successful", failure)
    }

    static func statefulClaim(
        _ verb: String, _ claim: String, _ pod: String, _ set: StatefulSet, _ failure: String? = nil
    ) -> Self {
        let owner = "Pod \(pod) in StatefulSet \(set.metadata.name)"
        let message =
            failure.map { "\(verb) Claim \(claim) for \(owner) failed error: \($0)" }
            ?? "\(verb) Claim \(claim) \(owner) success"
        return outcome(verb, message, failure)
    }

    private static func outcome(_ verb: String, _ message: String, _ failure: String?) -> Self {
        let suffix = verb.prefix(1).uppercased() + verb.dropFirst()
        return ControllerNote(
            kind: failure == nil ? .normal : .warning, reason: (failure == nil ? "Successful" : "Failed") + suffix,
            message: message)
    }
}
