import APIMachinery

/// What admission must know of the kinds that are served: which versions show the same objects, and an object in another
/// version.
protocol ResourceVersions: Sendable {
    /// All served versions of the objects of a resource, itself included.
    func equivalents(of resource: GroupVersionResource) -> [GroupVersionResource]

    /// The kind of a resource's objects, or of its subresource's; `nil` when it is not served.
    func kind(of resource: GroupVersionResource, subresource: String?) -> GroupVersionKind?

    /// A stored object as it is served in a version.
    func show(_ object: Value, as resource: GroupVersionResource) async throws(Status) -> Value

    /// Reads an object in a served version, or that of a subresource: checked against the schema, pruned, defaulted, in
    /// the stored version, or for a custom resource in the version `home`.
    func read(
        _ object: Value, as resource: GroupVersionResource, subresource: String?, for home: GroupVersionResource
    ) async throws(Status) -> Value
}

extension ResourceVersions {
    /// A request as it looks in the version of a resource that a rule names.
    func face(
        of request: AdmissionRequest, as resource: GroupVersionResource
    ) async throws(Status) -> AdmissionReview.Face {
        // Kinds of subresources' own, such as Scale, are the same in every version.
        guard request.kind == kind(of: request.resource, subresource: nil) else {
            return AdmissionReview.Face(
                resource: resource, kind: request.requestKind, object: request.object, oldObject: request.oldObject)
        }
        guard let kind = kind(of: resource, subresource: nil) else {
            throw .internalError("unable to convert to \(resource): unknown kind")
        }
        var face = AdmissionReview.Face(
            resource: resource, kind: kind, object: request.object, oldObject: request.oldObject)
        if resource != request.resource {
            if let object = face.object { face.object = try await show(object, as: resource) }
            if let object = face.oldObject { face.oldObject = try await show(object, as: resource) }
        }
        return face
    }
}
