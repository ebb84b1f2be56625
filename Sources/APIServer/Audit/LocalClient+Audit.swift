import APIMachinery
import Client

extension LocalClient {
    /// Runs one call, counts it, and writes it down as a request from outside would be, if there is a policy that wants it.
    ///
    /// What the cluster's own parts do is the larger half of the answer to "who deleted this?".
    func audited<Answer>(
        _ verb: String, _ target: Target, _ object: Value? = nil, notes: AdmissionNotes? = nil,
        _ operation: () async throws(Status) -> Answer
    ) async throws(Status) -> Answer {
        let (method, code) = Self.methods[verb] ?? ("GET", 200)
        return try await calls.count(method, succeeded: code) { () throws(Status) in
            try await writtenDown(verb, target, object, notes: notes, operation)
        }
    }

    private static let methods = [
        "get": ("GET", 200), "create": ("POST", 201), "update": ("PUT", 200), "patch": ("PATCH", 200),
        "delete": ("DELETE", 200),
    ]

    private func writtenDown<Answer>(
        _ verb: String, _ target: Target, _ object: Value?, notes: AdmissionNotes?,
        _ operation: () async throws(Status) -> Answer
    ) async throws(Status) -> Answer {
        guard let trail = auditor?.begin(AccessRequest(user: user, verb: verb, target), uri: target.description) else {
            return try await operation()
        }
        if let object { trail.requested(object) }
        if let notes { trail.gather(notes) }
        do throws(Status) {
            let answer = try await operation()
            trail.decided(user, isAllowed: true, reason: "")
            if let stored = answer as? StoredObject { trail.answered { stored.wholeValue } }
            trail.ended(code: verb == "create" ? 201 : 200)
            return answer
        } catch {
            trail.decided(user, isAllowed: error.reason != .forbidden, reason: "")
            trail.answered(error.value, code: error.code)
            trail.ended(code: error.code)
            throw error
        }
    }
}
