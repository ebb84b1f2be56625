import APIMachinery

/// What a request to the node API means for authorisation: a verb on the `nodes` resource and one of its subresources
/// (Kubernetes documentation, "Kubelet authentication/authorization"). Pure.
struct NodeAccess: Hashable, Sendable {
    var verb: String
    /// Any of these will do; the finer one comes first (KEP-2862).
    var subresources: [String]

    init(method: String, path: String) {
        verb =
            switch method {
            case "POST": "create"
            case "GET", "HEAD": "get"
            case "PUT": "update"
            case "PATCH": "patch"
            case "DELETE": "delete"
            default: ""
            }
        subresources =
            switch path.split(separator: "/").first {
            case "stats": ["stats"]
            case "metrics": ["metrics"]
            case "logs": ["log"]
            case "spec": ["spec"]
            case "checkpoint": ["checkpoint"]
            case "healthz": ["healthz", "proxy"]
            case "configz": ["configz", "proxy"]
            case "statusz": ["statusz", "proxy"]
            case "flagz": ["configz", "proxy"]
            case "pods", "runningpods": ["pods", "proxy"]
            default: ["proxy"]
            }
    }

    /// The question to the API server, for one of the subresources.
    func review(_ user: NodeUser, node: String, subresource: String) -> Value {
        [
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": [
                "user": .string(user.name), "uid": .string(user.uid), "groups": Value(user.groups),
                "resourceAttributes": [
                    "verb": .string(verb), "version": "v1", "resource": "nodes", "subresource": .string(subresource),
                    "name": .string(node),
                ],
            ],
        ]
    }
}
