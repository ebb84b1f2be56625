import API
import APIMachinery
import Client
import Support

/// What is written down of one request at one stage (`audit.k8s.io/v1.Event`).
struct AuditEvent: Sendable {
    var level: AuditLevel
    var id: String
    var stage = AuditStage.requestReceived
    /// Path and query as they were sent.
    var uri: String
    /// Who sent it, what it is about: in the sender's own name.
    var access: AccessRequest
    /// Whom the sender acts as.
    var impersonated: User?
    var sourceIPs: [String]
    var userAgent: String
    /// What the request's body says of its object beyond the URL.
    var objectName = ""
    var objectNamespace = ""
    var objectUID = ""
    var objectRevision = ""
    /// The answer: a `Status` object where there is one, otherwise the code alone.
    var status: Value?
    var requestObject: Value?
    var responseObject: Value?
    var received: Timestamp
    var stageTime: Timestamp
    var annotations: [String: String] = [:]

    /// The event's object, as it is written.
    var value: Value {
        var object: Value = [
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": .string(level.name), "auditID": .string(id),
            "stage": .string(stage.rawValue), "requestURI": .string(uri), "verb": .string(access.verb),
            "user": Self.value(access.user),
            "requestReceivedTimestamp": .string(received.microseconds),
            "stageTimestamp": .string(stageTime.microseconds),
        ]
        if let impersonated { object["impersonatedUser"] = Self.value(impersonated) }
        if !sourceIPs.isEmpty { object["sourceIPs"] = Value(sourceIPs) }
        if !userAgent.isEmpty { object["userAgent"] = .string(userAgent) }
        if access.isResourceRequest { object["objectRef"] = reference }
        object["responseStatus"] = status
        object["requestObject"] = requestObject
        object["responseObject"] = responseObject
        if !annotations.isEmpty { object["annotations"] = Value(annotations) }
        return object
    }

    /// `audit.k8s.io/v1.ObjectReference`: what is empty is left out.
    private var reference: Value {
        func first(_ a: String, _ b: String) -> String { a.isEmpty ? b : a }
        let parts = [
            ("resource", access.resource), ("namespace", first(access.namespace, objectNamespace)),
            ("name", first(access.name, objectName)), ("uid", objectUID), ("apiGroup", access.group),
            ("apiVersion", access.version), ("resourceVersion", objectRevision), ("subresource", access.subresource),
        ]
        return .object(Fields(parts.filter { !$0.1.isEmpty }.map { ($0.0, .string($0.1)) }))
    }

    /// `authentication.k8s.io/v1.UserInfo`.
    private static func value(_ user: User) -> Value {
        var value = Value.emptyObject
        if !user.name.isEmpty { value["username"] = .string(user.name) }
        if !user.uid.isEmpty { value["uid"] = .string(user.uid) }
        if !user.groups.isEmpty { value["groups"] = Value(user.groups) }
        if !user.extra.isEmpty {
            value["extra"] = .object(Fields(user.extra.map { ($0.key, Value($0.value)) }))
        }
        return value
    }

    /// The event as one line. One that is longer than `limit` bytes loses its objects, and says so.
    func line(limit: Int? = nil) -> [UInt8] {
        var line = value.json
        if let limit, line.count > limit {
            var short = self
            short.requestObject = nil
            short.responseObject = nil
            short.annotations["audit.k8s.io/truncated"] = "true"
            line = short.value.json
        }
        line.append(UInt8(ascii: "\n"))
        return line
    }
}

extension ResourceStore.Page {
    /// The list as an object of its kind.
    func list(_ served: Registry.Served) -> Value {
        let kind = served.definition.groupVersionKind
        var metadata: Value = ["resourceVersion": .string(String(revision))]
        metadata["continue"] = continuation.map { .string($0.text) }
        return [
            "apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind + "List"), "metadata": metadata,
            "items": .array(items.map { served.show($0).wholeValue }),
        ]
    }
}

extension Value {
    /// Without `metadata.managedFields`, in the object itself and in the items of a list.
    var withoutManagedFields: Value {
        var value = self
        if value.at("metadata", "managedFields") != nil { value[path: ["metadata", "managedFields"]] = nil }
        if let items = value["items"]?.array { value["items"] = .array(items.map(\.withoutManagedFields)) }
        return value
    }
}
