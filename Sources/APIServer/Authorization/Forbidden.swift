import APIMachinery

extension Status {
    /// The 403 answer that says why something must not be done to an object.
    static func forbidden(
        _ resource: GroupVersionResource, _ name: String, _ why: String, causes: [Cause] = []
    ) -> Status {
        Status(
            code: 403, reason: .forbidden, message: "\(resource.groupResource) \"\(name)\" is forbidden: \(why)",
            details: Details(name: name, group: resource.group, kind: resource.resource, causes: causes))
    }

    /// The 403 answer, in the words that clients and people know.
    static func forbidden(_ request: AccessRequest, reason: String) -> Status {
        let user = "User \"\(request.user.name)\""
        let suffix = reason.isEmpty ? "" : ": " + reason
        guard request.isResourceRequest else {
            return Status(
                code: 403, reason: .forbidden,
                message: "forbidden: \(user) cannot \(request.verb) path \"\(request.path)\"\(suffix)",
                details: Details())
        }
        let resource = GroupVersionResource(
            group: request.group, version: request.version, resource: request.resource)
        let scope =
            request.namespace.isEmpty ? "at the cluster scope" : "in the namespace \"\(request.namespace)\""
        let what = "cannot \(request.verb) resource \"\(request.combinedResource)\" in API group \"\(request.group)\""
        let subject = request.name.isEmpty ? resource.groupResource : "\(resource.groupResource) \"\(request.name)\""
        return Status(
            code: 403, reason: .forbidden, message: "\(subject) is forbidden: \(user) \(what) \(scope)\(suffix)",
            details: Details(name: request.name, group: request.group, kind: request.resource))
    }

    /// The 500 answer when whoever should have had a say did not answer, and nobody else allowed it.
    static func undecided(_ request: AccessRequest, _ why: String) -> Status {
        let what = request.isResourceRequest ? request.combinedResource : request.path
        return .internalError("cannot decide whether \"\(request.user.name)\" may \(request.verb) \(what): \(why)")
    }
}
