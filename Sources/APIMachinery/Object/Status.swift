/// The API's answer to a request that failed (API conventions, "Response Status Kind").
///
/// Clients match on `code`, `reason`, and often on the message, so each is made in one place, here or beside the rule.
public struct Status: Error, Hashable, Sendable {
    public var code: Int
    public var reason: Reason
    public var message: String
    public var details: Details?
    /// Where a list that expired may go on (`metadata.continue`).
    public var continueToken: String?

    public init(code: Int, reason: Reason, message: String, details: Details? = nil) {
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
    }

    /// The machine-readable cause, a CamelCase word (API conventions, "Status reasons").
    public struct Reason: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
        public var description: String
        public init(_ word: String) { description = word }
        public init(stringLiteral word: String) { description = word }

        public static let unknown: Reason = ""
        public static let unauthorized: Reason = "Unauthorized"
        public static let forbidden: Reason = "Forbidden"
        public static let notFound: Reason = "NotFound"
        public static let alreadyExists: Reason = "AlreadyExists"
        public static let conflict: Reason = "Conflict"
        public static let gone: Reason = "Gone"
        public static let expired: Reason = "Expired"
        public static let invalid: Reason = "Invalid"
        public static let serverTimeout: Reason = "ServerTimeout"
        public static let timeout: Reason = "Timeout"
        public static let tooManyRequests: Reason = "TooManyRequests"
        public static let badRequest: Reason = "BadRequest"
        public static let methodNotAllowed: Reason = "MethodNotAllowed"
        public static let notAcceptable: Reason = "NotAcceptable"
        public static let requestEntityTooLarge: Reason = "RequestEntityTooLarge"
        public static let unsupportedMediaType: Reason = "UnsupportedMediaType"
        public static let internalError: Reason = "InternalError"
        public static let serviceUnavailable: Reason = "ServiceUnavailable"
    }

    /// What the failure is about.
    public struct Details: Hashable, Sendable {
        public var name = ""
        public var group = ""
        /// The resource (plural) or, for validation, the kind.
        public var kind = ""
        public var uid = ""
        public var causes: [Cause] = []
        public var retryAfterSeconds = 0

        public init(
            name: String = "", group: String = "", kind: String = "", uid: String = "", causes: [Cause] = [],
            retryAfterSeconds: Int = 0
        ) {
            self.name = name
            self.group = group
            self.kind = kind
            self.uid = uid
            self.causes = causes
            self.retryAfterSeconds = retryAfterSeconds
        }
    }

    /// One of several reasons, with the field at fault.
    public struct Cause: Hashable, Sendable {
        /// `FieldValueInvalid`, `FieldValueRequired`, ...
        public var reason: String
        public var message: String
        /// A path such as `spec.containers[0].name`.
        public var field: String

        public init(reason: String, message: String, field: String) {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }
}

extension Status {
    public static func notFound(_ resource: GroupVersionResource, _ name: String) -> Status {
        Status(
            code: 404, reason: .notFound, message: "\(resource.groupResource) \"\(name)\" not found",
            details: Details(name: name, group: resource.group, kind: resource.resource))
    }

    public static func alreadyExists(_ resource: GroupVersionResource, _ name: String) -> Status {
        Status(
            code: 409, reason: .alreadyExists, message: "\(resource.groupResource) \"\(name)\" already exists",
            details: Details(name: name, group: resource.group, kind: resource.resource))
    }

    public static func conflict(_ resource: GroupVersionResource, _ name: String, _ why: String) -> Status {
        Status(
            code: 409, reason: .conflict,
            message: "Operation cannot be fulfilled on \(resource.groupResource) \"\(name)\": \(why)",
            details: Details(name: name, group: resource.group, kind: resource.resource))
    }

    /// The conflict of an update that was based on an older version.
    public static func modified(_ resource: GroupVersionResource, _ name: String) -> Status {
        conflict(
            resource, name,
            "the object has been modified; please apply your changes to the latest version and try again")
    }

    public static func badRequest(_ message: String) -> Status {
        Status(code: 400, reason: .badRequest, message: message)
    }

    public static let unauthorized = Status(code: 401, reason: .unauthorized, message: "Unauthorized")

    public static func internalError(_ message: String) -> Status {
        Status(
            code: 500, reason: .internalError, message: "Internal error occurred: \(message)",
            details: Details(causes: [Cause(reason: "", message: message, field: "")]))
    }

    public static func serviceUnavailable(_ message: String) -> Status {
        Status(code: 503, reason: .serviceUnavailable, message: message)
    }

    public var isNotFound: Bool { code == 404 }
    public var isAlreadyExists: Bool { reason == .alreadyExists }
    /// A lost compare-and-set, or a patch that means another object of the name: read again and retry.
    public var isConflict: Bool {
        if reason == .conflict { return true }
        return reason == .invalid && details?.causes.contains { $0.field == "metadata.uid" } == true
    }
    /// The watch or page asked for is too old: list again.
    public var isExpired: Bool { code == 410 }
}

extension Status {
    /// The object of kind `Status`, as it goes over the wire.
    public var value: Value {
        var object: Value = [
            "apiVersion": "v1", "kind": "Status", "metadata": .emptyObject, "status": "Failure",
            "code": .integer(Int64(code)), "message": .string(message),
        ]
        if reason != .unknown { object["reason"] = .string(reason.description) }
        if let details { object["details"] = details.value }
        if let continueToken { object[path: ["metadata", "continue"]] = .string(continueToken) }
        return object
    }

    /// Reads a `Status` object that came over the wire; `nil` if it is none.
    public init?(_ value: Value) {
        guard value["kind"]?.string == "Status" else { return nil }
        self.init(
            code: Int(value["code"]?.integer ?? 0), reason: Reason(value["reason"]?.string ?? ""),
            message: value["message"]?.string ?? "", details: value["details"].map(Details.init))
        continueToken = value.at("metadata", "continue")?.string
    }
}

extension Status.Details {
    fileprivate var value: Value {
        var object = Value.emptyObject
        for (key, text) in [("name", name), ("group", group), ("kind", kind), ("uid", uid)] where !text.isEmpty {
            object[key] = .string(text)
        }
        if retryAfterSeconds > 0 { object["retryAfterSeconds"] = .integer(Int64(retryAfterSeconds)) }
        if !causes.isEmpty { object["causes"] = .array(causes.map(\.value)) }
        return object
    }

    fileprivate init(_ value: Value) {
        self.init(
            name: value["name"]?.string ?? "", group: value["group"]?.string ?? "",
            kind: value["kind"]?.string ?? "", uid: value["uid"]?.string ?? "",
            causes: (value["causes"]?.array ?? []).map(Status.Cause.init),
            retryAfterSeconds: Int(value["retryAfterSeconds"]?.integer ?? 0))
    }
}

extension Status.Cause {
    fileprivate var value: Value {
        var object = Value.emptyObject
        for (key, text) in [("reason", reason), ("message", message), ("field", field)] where !text.isEmpty {
            object[key] = .string(text)
        }
        return object
    }

    fileprivate init(_ value: Value) {
        self.init(
            reason: value["reason"]?.string ?? "", message: value["message"]?.string ?? "",
            field: value["field"]?.string ?? "")
    }
}

extension Status: CustomStringConvertible {
    public var description: String { "\(code) \(reason): \(message)" }
}
