/// Why a patch cannot be applied.
public struct PatchError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which answer of the API a failure makes.
    public enum Kind: Hashable, Sendable {
        /// The patch itself is malformed: 400.
        case malformed
        /// The patch asks for too much work: 413.
        case tooLarge
        /// The patch is well formed but does not fit the object: 422.
        case inapplicable
        /// A strategic merge patch contradicts the schema. Kubernetes answers these with 500.
        case failed
    }

    public var kind: Kind
    public var description: String

    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// A `test` operation that fails: the patch is sound, and is not meant for this object.
    static func failedTest(_ path: JSONPointer) -> PatchError {
        PatchError(.inapplicable, "testing value \(path) failed: test failed")
    }

    /// Whether a `test` operation failed.
    public var isFailedTest: Bool { kind == .inapplicable && description.hasSuffix(" failed: test failed") }

    /// The API's answer. What clients match on is Kubernetes' own; the 422 tells the cause as well.
    public var status: Status {
        switch kind {
        case .malformed: .badRequest(description)
        case .tooLarge:
            Status(
                code: 413, reason: .requestEntityTooLarge,
                message: "Request entity too large: \(description)",
                details: Status.Details())
        case .inapplicable:
            Status(
                code: 422, reason: .invalid,
                message: "the server rejected our request due to an error in our request",
                details: Status.Details(causes: [
                    Status.Cause(reason: "FieldValueInvalid", message: description, field: "patch")
                ]))
        case .failed: Status(code: 500, reason: .unknown, message: description)
        }
    }
}
