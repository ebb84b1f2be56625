public import APIMachinery
public import Support

/// Something worth telling a person about an object: what `kubectl describe` shows below it.
public struct EventNote: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable {
        case normal = "Normal"
        case warning = "Warning"
    }

    /// The object that an event is about (`core/v1.ObjectReference`).
    public struct Subject: Hashable, Sendable {
        public var apiVersion: String
        public var kind: String
        public var name: ObjectName
        public var uid: String
        public var resourceVersion: String
        /// A part of the object: `spec.containers{web}`. Empty for the whole.
        public var fieldPath: String

        public init(
            apiVersion: String, kind: String, name: ObjectName, uid: String = "",
            resourceVersion: String = "",
            fieldPath: String = ""
        ) {
            self.apiVersion = apiVersion
            self.kind = kind
            self.name = name
            self.uid = uid
            self.resourceVersion = resourceVersion
            self.fieldPath = fieldPath
        }

        public init<R: ResourceView>(_ object: R, fieldPath: String = "") {
            self.init(
                apiVersion: R.resource.apiVersion, kind: R.kind, name: object.objectName,
                uid: object.value.at("metadata", "uid")?.string ?? "",
                resourceVersion: object.value.at("metadata", "resourceVersion")?.string ?? "",
                fieldPath: fieldPath)
        }

        /// Where the event lives: beside its object, or in `default` for cluster-scoped ones.
        var eventNamespace: String { name.namespace.isEmpty ? "default" : name.namespace }

        var reference: Value {
            var object: Value = .emptyObject
            for (key, text) in [
                ("apiVersion", apiVersion), ("kind", kind), ("namespace", name.namespace),
                ("name", name.name),
                ("uid", uid), ("resourceVersion", resourceVersion), ("fieldPath", fieldPath),
            ] where !text.isEmpty {
                object[key] = .string(text)
            }
            return object
        }
    }

    public var subject: Subject
    public var kind: Kind
    /// A CamelCase word that programs match on: `SuccessfulCreate`.
    public var reason: String
    public var message: String
    public var time: Timestamp

    public init(_ subject: Subject, _ kind: Kind, reason: String, message: String, at time: Timestamp) {
        self.subject = subject
        self.kind = kind
        self.reason = reason
        self.message = message
        self.time = time
    }
}
