import API
import APIMachinery
import Wire

/// Which paths and methods a resource has: those that discovery documents name, in the scope of its objects.
///
/// Asked after authorisation and before a body is read. It is more than a courtesy: a cluster-scoped resource must not
/// be reached through a namespace, where a right that holds for that namespace alone would have opened the door.
enum RouteRule {
    /// Throws 404 for a path that does not exist, 405 for a method that it does not take.
    static func check(_ info: RequestInfo, _ definition: ResourceDefinition) throws(Status) {
        let isInNamespace = !info.namespace.isEmpty && definition.resource != .namespaces
        guard definition.isNamespaced || !isInNamespace else { throw .noSuchPath }
        if info.subresource.isEmpty {
            try checkObject(info, definition, isReachable: isInNamespace == definition.isNamespaced)
        } else {
            guard isInNamespace == definition.isNamespaced else { throw .noSuchPath }
            try checkSubresource(info, definition)
        }
    }

    /// Throws 405 where only GET reads: resources that come with Kubernetes have no HEAD, though custom ones have, and
    /// proxies pass it on.
    static func checkHead(_ method: HTTPMethod, _ info: RequestInfo, isCustom: Bool) throws(Status) {
        guard method == .head, !isCustom, info.subresource != "proxy" else { return }
        throw .methodNotAllowedHere
    }

    /// The same for plain paths: health and metrics are told whatever the method, these are not.
    static func checkDocument(_ method: HTTPMethod, _ path: String) throws(Status) {
        guard method != .get else { return }
        let isReadOnly = readOnlyPaths.contains(path) || path.hasPrefix("/api/")
        if isReadOnly { throw .methodNotAllowedHere }
    }

    private static let readOnlyPaths: Set<String> = [
        "/api", "/version", "/version/", "/.well-known/openid-configuration", "/openid/v1/jwks",
    ]

    private static func checkObject(
        _ info: RequestInfo, _ definition: ResourceDefinition, isReachable: Bool
    ) throws(Status) {
        switch info.verb {
        // The name of these comes from the field selector, if there is one.
        case "list", "watch": break
        case "deletecollection": guard isReachable else { throw .methodNotAllowedHere }
        default:
            // Across namespaces there is no object of one name, and no collection to write to.
            guard isReachable else { throw info.name.isEmpty ? .methodNotAllowedHere : .noSuchPath }
            guard (info.verb == "create") == info.name.isEmpty else { throw .methodNotAllowedHere }
        }
        guard definition.verbs.contains(info.verb) else { throw .methodNotAllowedHere }
    }

    private static func checkSubresource(_ info: RequestInfo, _ definition: ResourceDefinition) throws(Status) {
        guard let subresource = definition.subresource(info.subresource) else { throw .noSuchPath }
        // A proxy passes on what follows it, and any method.
        guard subresource.name != "proxy" else { return }
        guard info.rest.isEmpty else { throw .noSuchPath }
        guard subresource.verbs.contains(info.verb) else { throw .methodNotAllowedHere }
    }
}

extension Status {
    /// The 405 answer to a method that the path does not take.
    static let methodNotAllowedHere = Status(
        code: 405, reason: .methodNotAllowed,
        message: "the server does not allow this method on the requested resource", details: Details())
}
