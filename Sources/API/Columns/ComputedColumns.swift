import APIMachinery
import Support

/// The columns that a path cannot say, by resource and column name.
enum ComputedColumns {
    static func of(_ resource: GroupVersionResource) -> [String: ComputedCell] {
        // Two versions of one resource have the same columns, but for autoscalers.
        if resource.groupResource == "horizontalpodautoscalers.autoscaling" {
            return resource.version == "v1" ? autoscalerV1 : autoscalerV2
        }
        return all[resource.groupResource] ?? [:]
    }

    private static let all: [String: [String: ComputedCell]] = [
        "pods": pod,
        "nodes": node,
        "services": service,
        "endpoints": ["Endpoints": { object, _ in .string(endpoints(object)) }],
        "events": event,
        "events.events.k8s.io": groupedEvent,
        "configmaps": [
            "Data": { object, _ in .integer(Int64(count(object["data"]) + count(object["binaryData"]))) }
        ],
        "componentstatuses": ["Status": { object, _ in .string(componentStatus(object)) }],
        "persistentvolumes": [
            "Status": volumeStatus, "StorageClass": storageClassName,
            "Claim": { object, _ in
                guard let claim = object.at("spec", "claimRef") else { return "" }
                return .string("\(claim["namespace"]?.string ?? "")/\(claim["name"]?.string ?? "")")
            },
        ],
        "persistentvolumeclaims": ["Status": volumeStatus, "StorageClass": storageClassName],
        "resourcequotas": [
            "Request": { object, _ in .string(quota(object) { !$0.hasPrefix("limits.") }) },
            "Limit": { object, _ in .string(quota(object) { $0.hasPrefix("limits.") }) },
        ],
        "controllerrevisions.apps": ["Controller": { object, _ in .string(controller(object)) }],
        "deployments.apps": ["Ready": readyReplicas],
        "statefulsets.apps": ["Ready": readyReplicas],
        "jobs.batch": job,
        "ingressclasses.networking.k8s.io": [
            "Name": { object, _ in name(object, defaultBy: ["ingressclass.kubernetes.io/is-default-class"]) },
            "Parameters": { object, _ in .string(parameters(object)) },
        ],
        "ingresses.networking.k8s.io": [
            "Address": { object, _ in .string(addresses(object).joined(separator: ",")) },
            "Ports": { object, _ in count(object.at("spec", "tls")) > 0 ? "80, 443" : "80" },
        ],
        "ipaddresses.networking.k8s.io": ["ParentRef": { object, _ in .string(parent(object)) }],
        "clusterrolebindings.rbac.authorization.k8s.io": binding,
        "rolebindings.rbac.authorization.k8s.io": binding,
        "storageclasses.storage.k8s.io": [
            "Name": { object, _ in
                name(
                    object,
                    defaultBy: [
                        "storageclass.kubernetes.io/is-default-class",
                        "storageclass.beta.kubernetes.io/is-default-class",
                    ])
            }
        ],
        "endpointslices.discovery.k8s.io": ["Ports": { object, _ in .string(slicePorts(object)) }],
        "certificatesigningrequests.certificates.k8s.io": [
            "Condition": { object, _ in .string(signingCondition(object)) }
        ],
        "apiservices.apiregistration.k8s.io": apiService,
        "resourceclaims.resource.k8s.io": ["State": { object, _ in .string(claimState(object)) }],
        "mutatingadmissionpolicies.admissionregistration.k8s.io": ["ParamKind": parameterKind],
        "validatingadmissionpolicies.admissionregistration.k8s.io": ["ParamKind": parameterKind],
        "mutatingadmissionpolicybindings.admissionregistration.k8s.io": ["ParamRef": parameterReference],
        "validatingadmissionpolicybindings.admissionregistration.k8s.io": ["ParamRef": parameterReference],
    ]

    // MARK: - Shared pieces

    static func count(_ value: Value?) -> Int { value?.array?.count ?? value?.fields?.count ?? 0 }

    static func age(_ object: Value, _ now: Timestamp) -> Value {
        .string(Age.text(since: time(object.at("metadata", "creationTimestamp")), now: now))
    }

    static func time(_ value: Value?) -> Timestamp? { value?.string.flatMap { Timestamp($0) } }

    /// The status of the condition of this type; `nil` when there is none.
    static func condition(_ type: String, of object: Value) -> Value? {
        object.at("status", "conditions")?.array?.first { $0["type"]?.string == type }
    }

    static func hasCondition(_ type: String, of object: Value) -> Bool {
        condition(type, of: object)?["status"]?.string == "True"
    }

    static func isDeleting(_ object: Value) -> Bool { object.at("metadata", "deletionTimestamp") != nil }

    /// The addresses of a load balancer, sorted, each once.
    static func addresses(_ object: Value) -> [String] {
        let points = object.at("status", "loadBalancer", "ingress")?.array ?? []
        let found = points.compactMap { point in
            let ip = point["ip"]?.string ?? ""
            return ip.isEmpty ? point["hostname"]?.string : ip
        }
        return Set(found.filter { !$0.isEmpty }).sorted()
    }

    private static func name(_ object: Value, defaultBy annotations: [String]) -> Value {
        let name = object.at("metadata", "name")?.string ?? ""
        let isDefault = annotations.contains { object.at("metadata", "annotations", $0)?.string == "true" }
        return .string(isDefault ? name + " (default)" : name)
    }
}
