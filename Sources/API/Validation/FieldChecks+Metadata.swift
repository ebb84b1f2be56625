import APIMachinery

extension FieldChecks {
    private static let annotationLimit = 256 * 1024

    /// The metadata of a whole object (API conventions, "Metadata").
    mutating func metadata(_ metadata: Value?, of definition: ResourceDefinition) {
        let rule = Self.nameRule(definition.resource)
        let base = metadata?["generateName"]?.string ?? ""
        for problem in base.isEmpty ? [] : rule.problems(inPrefix: base) {
            invalid("metadata.generateName", .string(base), problem)
        }
        let name = metadata?["name"]?.string ?? ""
        if name.isEmpty {
            add(.required("metadata.name", "name or generateName is required"))
        } else {
            self.name(name, rule, "metadata.name")
        }
        let namespace = metadata?["namespace"]?.string ?? ""
        if definition.isNamespaced {
            requiredName(.string(namespace), .dns1123Label, "metadata.namespace")
        } else if !namespace.isEmpty {
            add(.forbidden("metadata.namespace", "not allowed on this type"))
        }
        if let generation = metadata?["generation"] { notNegative(generation, "metadata.generation") }
        labels(metadata?["labels"], "metadata.labels")
        annotations(metadata?["annotations"])
        owners(metadata?["ownerReferences"])
        for (finalizer, path) in metadata?["finalizers"].elements("metadata.finalizers") ?? [] {
            self.finalizer(finalizer.string ?? "", path)
        }
    }

    /// Most names are subdomains; those that become a label of a DNS name, or a word in a path, are not.
    private static func nameRule(_ resource: GroupVersionResource) -> NameRule {
        switch resource.groupResource {
        case "services", "namespaces": .dns1123Label
        case _ where resource.group == "rbac.authorization.k8s.io": .pathSegment
        case "ipaddresses.networking.k8s.io", "certificatesigningrequests.certificates.k8s.io",
            "apiservices.apiregistration.k8s.io":
            .pathSegment
        default: .dns1123Subdomain
        }
    }

    private mutating func annotations(_ annotations: Value?) {
        var size = 0
        for (key, value) in annotations?.fields ?? Fields() {
            name(key.lowercased(), .qualifiedName, "metadata.annotations")
            size += key.utf8.count + (value.string ?? "").utf8.count
        }
        if size > Self.annotationLimit { add(.tooLong("metadata.annotations", limit: Self.annotationLimit)) }
    }

    private mutating func owners(_ owners: Value?) {
        var controller = ""
        for (owner, path) in owners.elements("metadata.ownerReferences") {
            for (key, word) in [
                ("apiVersion", "version"), ("kind", "kind"), ("name", "name"), ("uid", "uid"),
            ]
            where (owner[key]?.string ?? "").isEmpty {
                invalid(
                    "\(path).\(key)", "",
                    key == "apiVersion" ? "\(word) must not be empty" : "must not be empty")
            }
            guard owner["controller"]?.bool == true else { continue }
            let kind = owner["kind"]?.string ?? ""
            if !controller.isEmpty {
                invalid(
                    "metadata.ownerReferences", owners,
                    "Only one reference can have Controller set to true. Found \"true\" in references for "
                        + "\(controller) and \(kind)")
            }
            controller = kind
        }
    }

    private mutating func finalizer(_ text: String, _ path: String) {
        name(text, .qualifiedName, path)
        let known = ["kubernetes", "orphan", "foregroundDeletion"]
        if !text.contains("/"), !known.contains(text) {
            invalid(
                path, .string(text), "name is neither a standard finalizer name nor is it fully qualified")
        }
    }
}
