import API
import APIMachinery

/// The parameters of operations: which there are, and what they mean.
enum OpenAPIParameters {
    /// What a failure is told by, and the success of what has no object.
    static let status = meta + "Status"
    static let meta = "io.k8s.apimachinery.pkg.apis.meta.v1."

    static let list = [
        "allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion",
        "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch",
    ]
    static let write = ["dryRun", "fieldManager", "fieldValidation"]
    static let delete = ["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"]
    static let deleteCollection = [
        "continue", "dryRun", "fieldSelector", "gracePeriodSeconds", "labelSelector", "limit", "orphanDependents",
        "propagationPolicy", "resourceVersion", "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds",
    ]

    /// The fields of a type of options (`PodExecOptions`), each a parameter; not those that no query can write.
    static func names(ofOptions type: String) -> [String] {
        let names = options(type).compactMap { field -> String? in
            if case .time = field.kind { return nil }
            return field.name
        }
        return names.filter { $0 != "apiVersion" && $0 != "kind" }.sorted()
    }

    private static func options(_ type: String) -> [FieldSchema] {
        guard let type = BuiltinTypes.kubernetes.type(named: "io.k8s.api.core.v1." + type) else { return [] }
        return Array(type.fields)
    }

    /// The type of a query parameter: of a list that of its elements.
    static func type(_ name: String) -> Value {
        switch name {
        case "gracePeriodSeconds", "limit", "limitBytes", "ports", "sinceSeconds", "tailLines", "timeoutSeconds": "integer"
        case "allowWatchBookmarks", "follow", "force", "insecureSkipTLSVerifyBackend", "orphanDependents", "previous",
            "sendInitialEvents", "stderr", "stdin", "stdout", "timestamps", "tty", "watch":
            "boolean"
        default: "string"
        }
    }

    /// Every query parameter that some operation has.
    static let all: [String] = {
        let options = BuiltinResources.shared.resources.flatMap(\.subresources).map(\.options).filter { !$0.isEmpty }
        let own = list + write + delete + ["force", "pretty"]
        return Set(own + Set(options).flatMap(names(ofOptions:))).sorted()
    }()

    /// What a parameter means; empty when its name says it.
    static func sentence(_ name: String) -> String {
        sentences[name] ?? ""
    }

    private static let sentences = [
        "allowWatchBookmarks": "Whether a watch may be sent events that only tell how far it has come.",
        "container": "Which container of the pod; may be left out when there is one.",
        "continue": "Where the next page begins, as the one before has said.",
        "dryRun": "`All` does everything but write.",
        "fieldManager": "In whose name fields are owned.",
        "fieldSelector": "Restricts objects by their fields.",
        "fieldValidation": "What becomes of unknown and duplicate fields: Ignore, Warn or Strict.",
        "force": "Takes fields from other owners. For apply requests only.",
        "gracePeriodSeconds": "Seconds until the object is gone; zero is at once.",
        "labelSelector": "Restricts objects by their labels.", "limit": "How many objects a page has at most.",
        "orphanDependents": "Deprecated: use the propagationPolicy.", "path": "The path at the other side of the proxy.",
        "pretty": "Whether the answer is spread over lines.",
        "propagationPolicy": "What becomes of dependents: Orphan, Background or Foreground.",
        "resourceVersion": "At which state, or from which on.",
        "resourceVersionMatch": "Whether exactly that state or one not older.",
        "sendInitialEvents": "Whether a watch begins with all that is there.",
        "timeoutSeconds": "After how many seconds a list or watch ends.",
        "watch": "Whether to be told of changes in place of a list.",
    ]
}
