import API
import APIMachinery
import Client
import Wire

extension RequestMetrics {
    /// What a request asked for, as the labels name it.
    ///
    /// What is counted is bounded by what is served: no client makes the figures grow by making up paths, methods or
    /// subresources.
    struct Key: Hashable, Comparable, Sendable {
        var group = ""
        var version = ""
        var resource = ""
        /// For a plain path the path itself.
        var subresource = ""
        /// `resource`, `namespace`, `cluster`; empty for a plain path.
        var scope = ""
        var verb = ""
        var isDryRun = false
        var isReading: Bool { verb == "GET" || verb == "LIST" }
        var isLong: Bool { verb == "WATCH" || ResourceEndpoint.isConnection(subresource) }

        var labels: [(String, String)] {
            [
                ("component", "apiserver"), ("dry_run", isDryRun ? "All" : ""), ("group", group),
                ("resource", resource), ("scope", scope), ("subresource", subresource), ("verb", verb),
                ("version", version),
            ]
        }

        /// The same whatever was done with it.
        var api: Key { Key(group: group, version: version, resource: resource, subresource: subresource) }

        var groupVersionResource: GroupVersionResource {
            GroupVersionResource(group: group, version: version, resource: resource)
        }

        static func < (a: Key, b: Key) -> Bool {
            let (left, right) = ((a.group, a.resource, a.subresource), (b.group, b.resource, b.subresource))
            return left == right ? (a.verb, a.scope, a.version) < (b.verb, b.scope, b.version) : left < right
        }
    }
}

extension RequestMetrics.Key {
    private static let paths: Set<String> = [
        "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version",
    ]

    /// `nil` for what is not counted: a resource or path that is not served.
    init?(_ call: FrontCall, _ definition: ResourceDefinition?) {
        let info = call.info
        guard info.isResourceRequest else {
            guard Self.paths.contains(info.path), call.request.method == .get else { return nil }
            (subresource, verb) = (info.path, "GET")
            return
        }
        guard let definition else { return nil }
        group = definition.resource.group
        version = definition.resource.version
        resource = definition.resource.resource
        let isKnown = info.subresource.isEmpty || definition.subresource(info.subresource) != nil
        subresource = isKnown ? info.subresource : "other"
        let isOne = !info.name.isEmpty || info.verb == "create"
        scope = isOne ? "resource" : info.namespace.isEmpty ? "cluster" : "namespace"
        verb = Self.verb(call)
        isDryRun = !call.dryRun.isEmpty
    }

    /// The word that Kubernetes' figures have for the verb.
    private static func verb(_ call: FrontCall) -> String {
        if ["attach", "exec", "portforward", "proxy"].contains(call.info.subresource) { return "CONNECT" }
        return switch call.info.verb {
        case "get": "GET"
        case "list": "LIST"
        case "watch": "WATCH"
        case "create": "POST"
        case "update": "PUT"
        case "patch": call.contentType.hasPrefix("application/apply-patch") ? "APPLY" : "PATCH"
        case "delete": "DELETE"
        case "deletecollection": "DELETECOLLECTION"
        default: "OTHER"
        }
    }
}
